//! What the trail's gate keeps outlives a process, and is not lost on the way back.

use std::sync::Arc;
use std::time::Duration;

use gauntlet_adapters::postgres::PostgresAuditLog;
use gauntlet_contract::{Entity, EntityId, Envelope, Task, UserId};
use gauntlet_harness::component::postgres::Postgres;
use gauntlet_ports::testsuite::storage::sample;
use gauntlet_ports::{AuditLog as _, Gap, PortErrorKind, Recorded};
use libtest_mimic::Trial;
use metrics_exporter_prometheus::PrometheusBuilder;
use serde_json::Value;
use sqlx::{AssertSqlSafe, PgConnection};
use uuid::Uuid;

use super::{every, log};
use crate::components::Components;
use crate::plan::looked_at;
use crate::postgres::Fresh;
use crate::trials::trials;

/// The last version without a gate.
const UNGATED: i64 = 6;
/// The last version that sets nothing aside.
const WITHOUT_ASIDE: i64 = 8;

pub(super) fn trials(components: &Arc<Components>) -> Vec<Trial> {
    trials!(components, Components::postgres =>
        the_way_back_is_refused_while_an_event_is_kept,
        what_another_replica_keeps_is_released_by_the_one_that_records_before_it,
        what_is_kept_too_late_for_the_others_look_is_released_by_its_keeper,
        a_release_that_failed_is_made_up_for,
        a_kept_event_that_cannot_be_read_is_set_aside_and_keeps_no_other,
        a_kept_event_that_cannot_be_recorded_is_set_aside_and_keeps_no_other,
        what_was_set_aside_and_comes_again_is_tried_again,
        a_release_reads_what_it_can_release_and_not_what_is_kept,
    )
}

async fn the_way_back_is_refused_while_an_event_is_kept(server: Postgres) {
    let fresh = Fresh::on(&server).await;
    let task = sample::task(UserId::generate(), "first");
    let renamed = sample::renamed(&task, "second");
    let early = sample::event(Some(&task), Some(&renamed));
    let kept = log(&fresh).record(&[early]).await.remove(0);
    assert_eq!(kept.expect("record"), Recorded::Kept);
    let refused = fresh.database.migrate_back_to(UNGATED).await;
    let refused = refused.expect_err("something is kept").kind;
    assert_eq!(refused, PortErrorKind::Conflict);

    // Another process goes on with it.
    let heir = log(&fresh);
    let created = sample::event(None, Some(&task));
    let fresh_line = heir.record(&[created]).await.remove(0);
    assert_eq!(fresh_line.expect("record"), Recorded::Fresh);
    assert_eq!(heir.release(Duration::MAX).await.expect("release"), []);
    fresh
        .database
        .migrate_back_to(UNGATED)
        .await
        .expect("nothing is kept");
    fresh.database.migrate().await.expect("forward");
    let lines = heir.query(&every(task.user_id)).await.expect("query");
    let versions: Vec<u64> = lines.iter().map(|line| line.version).collect();
    assert_eq!(versions, [1, 2]);
}

/// A task and the events of its first three versions.
fn life() -> (Task, [Envelope; 3]) {
    let first = sample::task(UserId::generate(), "first");
    let second = sample::renamed(&first, "second");
    let third = sample::renamed(&second, "third");
    let events = [
        sample::event(None, Some(&first)),
        sample::event(Some(&first), Some(&second)),
        sample::event(Some(&second), Some(&third)),
    ];
    (first, events)
}

async fn record(log: &PostgresAuditLog, event: &Envelope) -> Recorded {
    let answers = log.record(std::slice::from_ref(event)).await;
    let answer = answers.into_iter().next();
    answer.expect("an answer").expect("record")
}

/// What a replica does that has been there for a while.
async fn settled(fresh: &Fresh) -> PostgresAuditLog {
    let log = log(fresh);
    assert_eq!(release(&log, Duration::MAX).await, []);
    log
}

async fn release(log: &PostgresAuditLog, patience: Duration) -> Vec<Gap> {
    log.release(patience).await.expect("release")
}

async fn versions(log: &PostgresAuditLog, task: &Task) -> Vec<u64> {
    let lines = log.query(&every(task.user_id)).await.expect("query");
    lines.iter().map(|line| line.version).collect()
}

async fn run(raw: &mut PgConnection, statement: &str) -> u64 {
    let done = sqlx::raw_sql(AssertSqlSafe(statement.to_owned()))
        .execute(raw)
        .await;
    done.expect("run").rows_affected()
}

async fn what_another_replica_keeps_is_released_by_the_one_that_records_before_it(
    server: Postgres,
) {
    let fresh = Fresh::on(&server).await;
    let (one, other) = (settled(&fresh).await, settled(&fresh).await);
    let (task, [first, second, third]) = life();
    assert_eq!(record(&one, &third).await, Recorded::Kept);
    assert_eq!(record(&one, &second).await, Recorded::Kept);
    assert_eq!(release(&one, Duration::MAX).await, []);
    assert_eq!(record(&other, &first).await, Recorded::Fresh);
    assert_eq!(versions(&other, &task).await, [1]);
    assert_eq!(release(&other, Duration::MAX).await, []);
    assert_eq!(versions(&other, &task).await, [1, 2, 3]);
}

/// It asked the trail before the line was there, and kept the event after the other one had looked.
async fn what_is_kept_too_late_for_the_others_look_is_released_by_its_keeper(server: Postgres) {
    let fresh = Fresh::on(&server).await;
    let (one, other) = (settled(&fresh).await, settled(&fresh).await);
    let (mut raw, mut watch) = (fresh.raw().await, fresh.raw().await);
    let (task, [first, second, _]) = life();
    run(&mut raw, "BEGIN; LOCK TABLE audit_early IN SHARE MODE").await;
    let keeping = tokio::spawn({
        let one = one.clone();
        async move { record(&one, &second).await }
    });
    let is_waiting = "SELECT EXISTS (SELECT FROM pg_locks \
                      WHERE relation = 'audit_early'::regclass AND NOT granted)";
    let waits = async {
        while !sqlx::query_scalar::<_, bool>(is_waiting)
            .fetch_one(&mut watch)
            .await
            .unwrap()
        {}
    };
    tokio::time::timeout(Duration::from_secs(5), waits)
        .await
        .expect("nothing is to be kept");
    assert_eq!(record(&other, &first).await, Recorded::Fresh);
    assert_eq!(release(&other, Duration::MAX).await, []);
    run(&mut raw, "COMMIT").await;
    assert_eq!(keeping.await.expect("a task"), Recorded::Kept);
    assert_eq!(release(&one, Duration::MAX).await, []);
    assert_eq!(versions(&one, &task).await, [1, 2]);
}

async fn a_release_that_failed_is_made_up_for(server: Postgres) {
    let fresh = Fresh::on(&server).await;
    let (log, mut raw) = (settled(&fresh).await, fresh.raw().await);
    let (task, [first, second, _]) = life();
    assert_eq!(record(&log, &second).await, Recorded::Kept);
    assert_eq!(record(&log, &first).await, Recorded::Fresh);
    run(&mut raw, "ALTER TABLE inbox RENAME TO elsewhere").await;
    log.release(Duration::MAX)
        .await
        .expect_err("there is no inbox");
    run(&mut raw, "ALTER TABLE elsewhere RENAME TO inbox").await;
    assert_eq!(release(&log, Duration::MAX).await, []);
    assert_eq!(versions(&log, &task).await, [1, 2]);
}

async fn a_kept_event_that_cannot_be_read_is_set_aside_and_keeps_no_other(server: Postgres) {
    // As a later version of the program may have left it.
    one_is_set_aside(server, "'{\"type\": \"todo.task.praised\"}'").await;
}

async fn a_kept_event_that_cannot_be_recorded_is_set_aside_and_keeps_no_other(server: Postgres) {
    // No column holds such a version.
    let beyond = "jsonb_set(envelope, '{data,version}', '18446744073709551615')";
    one_is_set_aside(server, beyond).await;
}

async fn one_is_set_aside(server: Postgres, envelope: &str) {
    let recorder = PrometheusBuilder::new().build_recorder();
    let metrics = recorder.handle();
    let _counting = metrics::set_default_local_recorder(&recorder);
    let fresh = Fresh::on(&server).await;
    let (log, mut raw) = (settled(&fresh).await, fresh.raw().await);
    let (bad, [bad_first, bad_second, bad_third]) = life();
    let (good, [good_first, good_second, _]) = life();
    for early in [&bad_third, &bad_second, &good_second] {
        assert_eq!(record(&log, early).await, Recorded::Kept);
    }
    let spoilt = format!(
        "UPDATE audit_early SET envelope = {envelope} WHERE event_id = '{}'",
        bad_second.id
    );
    assert_eq!(run(&mut raw, &spoilt).await, 1);
    for first in [&bad_first, &good_first] {
        assert_eq!(record(&log, first).await, Recorded::Fresh);
    }
    assert_eq!(release(&log, Duration::MAX).await, []);
    assert_eq!(versions(&log, &good).await, [1, 2]);
    // To those behind it, it is one that never came.
    assert_eq!(versions(&log, &bad).await, [1]);
    let gap = Gap {
        entity: Entity::Task,
        entity_id: bad.id.into(),
        version: 3,
    };
    assert_eq!(release(&log, Duration::ZERO).await, [gap]);
    assert_eq!(versions(&log, &bad).await, [1, 3]);

    let metrics = metrics.render();
    let counted = "todo_events_set_aside_total{consumer=\"audit\"} 1";
    assert!(metrics.contains(counted), "{metrics}");

    // It stays for somebody to look at, and the way back does not lose it.
    let left: Vec<(Uuid, bool)> =
        sqlx::query_as("SELECT event_id, set_aside_at IS NOT NULL FROM audit_early")
            .fetch_all(&mut raw)
            .await
            .expect("select");
    assert_eq!(left, [(bad_second.id.0, true)]);
    let refused = fresh.database.migrate_back_to(WITHOUT_ASIDE).await;
    let refused = refused.expect_err("an event is set aside");
    assert_eq!(refused.kind, PortErrorKind::Conflict);
    assert!(refused.source.to_string().contains("set aside"));
}

async fn what_was_set_aside_and_comes_again_is_tried_again(server: Postgres) {
    let fresh = Fresh::on(&server).await;
    let (log, mut raw) = (settled(&fresh).await, fresh.raw().await);
    let (task, [first, _, third]) = life();
    assert_eq!(record(&log, &first).await, Recorded::Fresh);
    assert_eq!(record(&log, &third).await, Recorded::Kept);
    run(&mut raw, "UPDATE audit_early SET envelope = '{}'").await;
    assert_eq!(release(&log, Duration::ZERO).await, []);
    assert_eq!(record(&log, &third).await, Recorded::Kept);
    let gap = Gap {
        entity: Entity::Task,
        entity_id: task.id.into(),
        version: 3,
    };
    assert_eq!(release(&log, Duration::ZERO).await, [gap]);
    assert_eq!(versions(&log, &task).await, [1, 3]);
}

// Of each of 20,000 entities two events, all of them with nothing before them in the trail.
const KEPT: &str = "
    INSERT INTO audit_early (source, event_id, entity_id, version, occurred_at, envelope)
    SELECT 'planted', gen_random_uuid(), lpad(to_hex(n), 32, '0')::uuid, 5 + v, now(), '{}'
    FROM generate_series(1, 20000) AS n, generate_series(0, 1) AS v";

async fn a_release_reads_what_it_can_release_and_not_what_is_kept(server: Postgres) {
    const TOUCHED: u64 = 20;
    let fresh = Fresh::relaxed_on(&server).await;
    let (log, mut raw) = (log(&fresh), fresh.raw().await);
    run(&mut raw, KEPT).await;
    // Ten have waited since yesterday.
    let overdue = "UPDATE audit_early SET arrived_at = now() - interval '1 day'
                   WHERE entity_id <= lpad(to_hex(5), 32, '0')::uuid";
    assert_eq!(run(&mut raw, overdue).await, 10);
    run(&mut raw, "VACUUM ANALYZE audit_early").await;
    let touched: Vec<EntityId> = (0..TOUCHED)
        .map(|number| EntityId(Uuid::from_u128(u128::from(1_000 + number * 7))))
        .collect();
    let hour = Duration::from_hours(1);
    let plans = log.explain_release(&touched, hour).await.expect("explain");
    let [of_these, overdue, lowest] = <[Value; 3]>::try_from(plans).expect("three questions");
    for (plan, most) in [(of_these, 2 * TOUCHED), (overdue, 10), (lowest, TOUCHED)] {
        let read = read_of_kept(&plan[0]["Plan"]);
        assert!(read > 0, "nothing is read: {plan:#}");
        assert!(read <= most, "{read} rows were read, not {most}: {plan:#}");
    }
}

fn read_of_kept(node: &Value) -> u64 {
    let is_scan = node["Relation Name"] == "audit_early";
    let own = if is_scan { looked_at(node).unwrap() } else { 0 };
    let below = node["Plans"].as_array().into_iter().flatten();
    own + below.map(read_of_kept).sum::<u64>()
}
