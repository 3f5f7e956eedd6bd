//! The trail goes forward from the version before it knew entities, and back, and loses nothing.

use std::sync::Arc;
use std::time::Duration;

use gauntlet_contract::recurrence::Mode;
use gauntlet_contract::{AuditEntry, Entity, EntityId, Envelope, LabelKind, UserId};
use gauntlet_harness::component::postgres::Postgres;
use gauntlet_ports::testsuite::storage::sample;
use gauntlet_ports::{AuditLog as _, OutboxQueue as _, Recorded};
use libtest_mimic::Trial;
use sqlx::PgConnection;

use super::{every, log, outbox};
use crate::components::Components;
use crate::postgres::Fresh;
use crate::trials::trials;

/// The last version whose trail told of tasks alone.
const OF_TASKS: i64 = 4;

// What that version read of a line.
const TASKS_IN_THE_TRAIL: &str = "SELECT seq, action FROM audit_log ORDER BY seq";

pub(super) fn trials(components: &Arc<Components>) -> Vec<Trial> {
    trials!(components, Components::postgres =>
        lines_of_the_former_version_are_about_tasks,
        the_way_back_and_forward_loses_no_line_and_nothing_unpublished,
        the_way_back_to_nothing_leaves_nothing,
    )
}

async fn lines_of_the_former_version_are_about_tasks(server: Postgres) {
    let fresh = Fresh::on(&server).await;
    fresh
        .database
        .migrate_back_to(OF_TASKS)
        .await
        .expect("back");
    let task = sample::task(UserId::generate(), "of old");
    let event = sample::event(None, Some(&task));
    insert_as_before(&mut fresh.raw().await, &event).await;
    fresh.database.migrate().await.expect("forward");

    let lines = trail(&fresh, task.user_id).await;
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0].entity, Entity::Task);
    assert_eq!(lines[0].entity_id, EntityId::from(task.id));
    assert_eq!(lines[0].new, serde_json::to_value(&task).ok());
    // What a process of the former version that was overlooked records beside this one.
    let renamed = sample::renamed(&task, "meanwhile");
    let event = sample::event(Some(&task), Some(&renamed));
    insert_as_before(&mut fresh.raw().await, &event).await;
    assert_eq!(trail(&fresh, task.user_id).await.len(), 2);
    // What was recorded by it is in the trail and is not published.
    assert_eq!(outbox(&fresh).depth().await.expect("depth"), 0);
}

async fn the_way_back_and_forward_loses_no_line_and_nothing_unpublished(server: Postgres) {
    let fresh = Fresh::on(&server).await;
    let mut raw = fresh.raw().await;
    let user_id = UserId::generate();
    let task = sample::task(user_id, "task");
    let tag = sample::label(user_id, LabelKind::Tag, "tag");
    let series = sample::series(user_id, Mode::OnCompletion);
    let mut events = vec![
        sample::event(None, Some(&task)),
        sample::label_event(None, Some(&tag)),
    ];
    events.extend(sample::series_creation(&series).events);
    events.push(sample::event(Some(&task), None));
    record(&fresh, &events).await;
    let published = first_published(&fresh).await;
    let lines = trail(&fresh, user_id).await;
    let unsent = unsent(&fresh).await;
    assert_eq!(unsent.len(), 3);

    fresh
        .database
        .migrate_back_to(OF_TASKS)
        .await
        .expect("back");
    let seen: Vec<(i64, String)> = sqlx::query_as(TASKS_IN_THE_TRAIL)
        .fetch_all(&mut raw)
        .await
        .expect("select");
    let tasks = [&lines[0], &lines[3]].map(|line| (line.seq, line.action.clone()));
    assert_eq!(seen, tasks);
    let meanwhile = sample::event(None, Some(&sample::task(user_id, "meanwhile")));
    insert_as_before(&mut raw, &meanwhile).await;

    fresh.database.migrate().await.expect("forward");
    let after = trail(&fresh, user_id).await;
    assert_eq!(after[..4], lines);
    assert_eq!(after.len(), 5);
    let still_unsent: Vec<Envelope> = self::unsent(&fresh).await;
    assert_eq!(still_unsent, unsent);
    assert!(!still_unsent.contains(&published));
    // The inbox is as it was: nothing is recorded again.
    let answers = log(&fresh).record(&events).await;
    assert!(
        answers
            .into_iter()
            .all(|answer| answer.ok() == Some(Recorded::Duplicate))
    );
}

async fn the_way_back_to_nothing_leaves_nothing(server: Postgres) {
    let fresh = Fresh::on(&server).await;
    let tag = sample::label(UserId::generate(), LabelKind::Tag, "tag");
    record(&fresh, &[sample::label_event(None, Some(&tag))]).await;
    fresh.database.migrate_back_to(0).await.expect("back");
    let left: Vec<String> = sqlx::query_scalar(
        "SELECT relname::text FROM pg_class
         WHERE relnamespace = current_schema()::regnamespace AND relname NOT LIKE '_sqlx%'",
    )
    .fetch_all(&mut fresh.raw().await)
    .await
    .expect("select");
    assert_eq!(left, [""; 0]);
    fresh.database.migrate().await.expect("forward");
    assert_eq!(trail(&fresh, tag.user_id).await, []);
}

async fn record(fresh: &Fresh, events: &[Envelope]) {
    for answer in log(fresh).record(events).await {
        assert_eq!(answer.expect("record"), Recorded::Fresh);
    }
}

async fn trail(fresh: &Fresh, user_id: UserId) -> Vec<AuditEntry> {
    log(fresh).query(&every(user_id)).await.expect("query")
}

/// Publishes the oldest entry, and answers its event.
async fn first_published(fresh: &Fresh) -> Envelope {
    let outbox = outbox(fresh);
    outbox.renew(Duration::from_mins(1)).await.expect("renew");
    let entry = outbox.unsent(1, &[]).await.expect("unsent").remove(0);
    outbox
        .mark_sent(&[sample::proof(&entry)])
        .await
        .expect("mark");
    outbox.release().await.expect("release");
    entry.envelope
}

async fn unsent(fresh: &Fresh) -> Vec<Envelope> {
    let outbox = outbox(fresh);
    outbox.renew(Duration::from_mins(1)).await.expect("renew");
    let entries = outbox.unsent(100, &[]).await.expect("unsent");
    outbox.release().await.expect("release");
    entries.into_iter().map(|entry| entry.envelope).collect()
}

/// The insertion of the version before, without its inbox.
async fn insert_as_before(raw: &mut PgConnection, event: &Envelope) {
    let data = event.data.task().expect("an event of a task");
    let json = |task: Option<&gauntlet_contract::Task>| {
        task.map(|task| serde_json::to_string(task).expect("encode"))
    };
    sqlx::query(
        "INSERT INTO audit_log (event_id, task_id, user_id, action, task_version, old, new,
                                occurred_at, envelope)
         VALUES ($1, $2, $3, $4, $5, $6::jsonb, $7::jsonb,
                 timestamptz 'epoch' + $8::bigint * interval '1 microsecond', $9::jsonb)",
    )
    .bind(event.id.0)
    .bind(data.task_id.0)
    .bind(data.user_id.0)
    .bind(event.kind.action())
    .bind(i64::try_from(data.version).unwrap())
    .bind(json(data.old.as_ref()))
    .bind(json(data.new.as_ref()))
    .bind(event.time.as_microsecond())
    .bind(serde_json::to_string(event).expect("encode"))
    .execute(raw)
    .await
    .expect("insert a line");
}
