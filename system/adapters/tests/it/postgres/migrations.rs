//! The schema goes forward from every earlier version, and back, with rows in place.

mod command;
mod in_place;

use std::sync::Arc;
use std::time::Duration;

use gauntlet_adapters::postgres::{Database, DatabaseSettings, PostgresStore};
use gauntlet_contract::recurrence::Mode;
use gauntlet_contract::{LabelKind, Priority, Task, UserId};
use gauntlet_harness::component::postgres::Postgres;
use gauntlet_ports::testsuite::storage::sample;
use gauntlet_ports::{
    AnswerStore as _, CommitStore as _, Committed, Direction, LabelStore as _, OutboxQueue as _,
    PortErrorKind, SeriesStore as _, SortKey, TaskFilter, TaskQuery, TaskStore as _, words,
};
use libtest_mimic::Trial;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use uuid::Uuid;

use in_place::InPlace;

use super::fresh::Fresh;
use crate::components::Components;
use crate::trials::trials;

/// The last version that knew nothing but a task's title, description and status.
const PLAIN_TASKS: i64 = 3;

pub(super) fn trials(components: &Arc<Components>) -> Vec<Trial> {
    let mut trials = trials!(components, Components::postgres =>
        the_schema_goes_forward_and_back_and_forward,
        whoever_starts_second_waits_for_as_long_as_the_first_migrates,
        rows_of_every_version_survive_the_way_forward_and_back,
        the_way_back_leads_to_versions_that_there_are,
        a_database_of_another_encoding_is_refused_before_anything_is_made,
        tasks_keep_what_the_former_version_knew,
        what_the_former_version_could_not_read_keeps_the_schema,
        what_a_replica_of_the_former_version_writes_is_found,
    );
    trials.extend(command::trials(components));
    trials
}

async fn the_schema_goes_forward_and_back_and_forward(server: Postgres) {
    let fresh = Fresh::on(&server).await;
    let (database, outbox) = (&fresh.database, fresh.outbox());
    database.migrate_back_to(0).await.expect("back");
    let gone = outbox.depth().await.expect_err("the tables are gone");
    assert_eq!(gone.kind, PortErrorKind::Internal);
    // Two processes that start at once: the advisory lock makes the second one wait.
    let (one, other) = tokio::join!(database.migrate(), database.migrate());
    one.expect("forward");
    other.expect("forward");
    assert_eq!(outbox.depth().await.expect("depth"), 0);
}

/// A large table takes minutes. The second process must not give up on the first after the time that any
/// other statement has.
async fn whoever_starts_second_waits_for_as_long_as_the_first_migrates(server: Postgres) {
    let fresh = Fresh::on(&server).await;
    let settings = DatabaseSettings {
        statement_timeout: Duration::from_millis(100),
        ..DatabaseSettings::default()
    };
    let second = Database::connect(&fresh.url, &settings)
        .await
        .expect("connect");
    let mut first = fresh.raw().await;
    let lock = "BEGIN; LOCK TABLE _sqlx_migrations";
    sqlx::raw_sql(lock).execute(&mut first).await.expect("lock");
    let waiting = tokio::spawn({
        let second = second.clone();
        async move { second.migrate().await }
    });
    // How long it takes is what this is about: three times what a statement has.
    let long = "SELECT pg_sleep(0.3); COMMIT";
    sqlx::raw_sql(long)
        .execute(&mut first)
        .await
        .expect("commit");
    waiting.await.expect("a task").expect("forward");
    // Whatever it does afterwards is bounded as before.
    let locked = "BEGIN; LOCK TABLE tasks";
    sqlx::raw_sql(locked)
        .execute(&mut first)
        .await
        .expect("lock");
    let store = PostgresStore::new(second, String::new());
    let task = sample::task(UserId::generate(), "waits for the table");
    let refused = store
        .find(task.user_id, task.id)
        .await
        .expect_err("answered");
    assert_eq!(refused.kind, PortErrorKind::Unavailable);
}

async fn latest_version(fresh: &Fresh) -> i64 {
    sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations")
        .fetch_one(&mut fresh.raw().await)
        .await
        .expect("versions")
}

async fn rows_of_every_version_survive_the_way_forward_and_back(server: Postgres) {
    let fresh = Fresh::relaxed_on(&server).await;
    let mut raw = fresh.raw().await;
    let latest = latest_version(&fresh).await;
    for version in 1..=latest {
        fresh.database.migrate_back_to(0).await.expect("back");
        fresh.database.migrate().await.expect("forward");
        fresh.database.migrate_back_to(version).await.expect("back");
        let in_place = InPlace::of(version);
        in_place.write(&mut raw).await;
        let before = in_place::rows(&mut raw).await;

        fresh.database.migrate().await.expect("forward");
        in_place.check(&fresh).await;
        fresh.database.migrate_back_to(version).await.expect("back");
        let after = in_place::rows(&mut raw).await;
        assert_eq!(after, before, "from version {version}");
        fresh.database.migrate().await.expect("forward");
        in_place.check(&fresh).await;
    }
}

/// What the schema does not know it cannot go back to, and a slip of the finger must not look as if it had.
async fn the_way_back_leads_to_versions_that_there_are(server: Postgres) {
    let fresh = Fresh::on(&server).await;
    let latest = latest_version(&fresh).await;
    for wrong in [-1, latest + 1] {
        let refused = fresh.database.migrate_back_to(wrong).await;
        let refused = refused.expect_err("went back");
        assert_eq!(refused.kind, PortErrorKind::Invalid);
        let versions = format!("0 to {latest}");
        assert!(
            refused.source.to_string().contains(&versions),
            "{refused:?}"
        );
        assert_eq!(latest_version(&fresh).await, latest);
    }
}

/// The words of titles are cut and lowered by the server too, and it must read them as we do.
async fn a_database_of_another_encoding_is_refused_before_anything_is_made(server: Postgres) {
    let mut administrator = PgConnection::connect(&server.url("postgres"))
        .await
        .unwrap();
    let name = format!("encoding_{}", Uuid::now_v7().simple());
    let creation = format!(
        "CREATE DATABASE {name} ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"
    );
    sqlx::raw_sql(AssertSqlSafe(creation))
        .execute(&mut administrator)
        .await
        .unwrap();
    let url = server.url(&name);
    let database = Database::connect(&url, &DatabaseSettings::default()).await;
    let database = database.expect("connect");
    let refused = database.migrate().await.expect_err("migrated");
    assert_eq!(refused.kind, PortErrorKind::Invalid);
    let reason = refused.source.to_string();
    assert!(
        reason.contains("SQL_ASCII") && reason.contains("UTF8"),
        "{reason}"
    );
    let mut raw = PgConnection::connect(&url).await.unwrap();
    let made: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM pg_class WHERE relnamespace = current_schema()::regnamespace",
    )
    .fetch_one(&mut raw)
    .await
    .expect("select");
    assert_eq!(made, 0);
}

/// The very insertion of the first version.
async fn insert_task(raw: &mut PgConnection, task: &Task) {
    sqlx::query(
        "INSERT INTO tasks (id, user_id, title, description, status, version, created_at, updated_at,
                            completed_at)
         VALUES ($1, $2, $3, $4, $5, $6,
                 timestamptz 'epoch' + $7::bigint * interval '1 microsecond',
                 timestamptz 'epoch' + $8::bigint * interval '1 microsecond',
                 timestamptz 'epoch' + $9::bigint * interval '1 microsecond')
         ON CONFLICT (id) DO NOTHING",
    )
    .bind(task.id.0)
    .bind(task.user_id.0)
    .bind(&task.title)
    .bind(&task.description)
    .bind(task.status.as_str())
    .bind(i64::try_from(task.version).unwrap())
    .bind(task.created_at.as_microsecond())
    .bind(task.updated_at.as_microsecond())
    .bind(task.completed_at.map(jiff::Timestamp::as_microsecond))
    .execute(raw)
    .await
    .expect("insert a task");
}

async fn search(fresh: &Fresh, user_id: UserId, text: &str) -> Vec<gauntlet_contract::TaskId> {
    let filter = TaskFilter {
        text: words(text).collect(),
        ..TaskFilter::default()
    };
    let found = list(fresh, user_id, filter, SortKey::CreatedAt).await;
    found.into_iter().map(|task| task.id).collect()
}

async fn list(fresh: &Fresh, user_id: UserId, filter: TaskFilter, sort: SortKey) -> Vec<Task> {
    let query = TaskQuery {
        user_id,
        filter,
        sort,
        direction: Direction::Ascending,
        after: None,
        limit: 100,
    };
    fresh.store().list(&query).await.expect("list").tasks
}

async fn tasks_keep_what_the_former_version_knew(server: Postgres) {
    let fresh = Fresh::on(&server).await;
    let (store, outbox) = (fresh.store(), fresh.outbox());
    let user_id = UserId::generate();
    let tag = sample::label(user_id, LabelKind::Tag, "tag");
    let series = sample::series(user_id, Mode::OnSchedule);
    let mut task = Task {
        priority: Priority::Urgent,
        tags: vec![tag.id],
        ..sample::instance(&series, 1)
    };
    task.description = Some("what everybody knows".to_owned());
    for commit in [
        sample::label_creation(&tag),
        sample::series_creation(&series),
        sample::keyed(sample::creation(&task), "k"),
    ] {
        assert_eq!(
            store.commit(&commit).await.expect("commit"),
            Committed::Done
        );
    }
    outbox.renew(Duration::from_mins(1)).await.expect("renew");
    let entries = outbox.unsent(10, &[]).await.expect("unsent");
    let proofs: Vec<_> = entries.iter().map(sample::proof).collect();
    assert_eq!(outbox.mark_sent(&proofs).await.expect("mark"), 3);

    fresh
        .database
        .migrate_back_to(PLAIN_TASKS)
        .await
        .expect("back");
    fresh.database.migrate().await.expect("forward");
    let plain = Task {
        priority: Priority::default(),
        due_date: None,
        time_zone: None,
        tags: Vec::new(),
        occurrence: None,
        ..task.clone()
    };
    let found = store.find(user_id, task.id).await.expect("find");
    assert_eq!(found, Some(plain));
    assert_eq!(search(&fresh, user_id, "everybo").await, [task.id]);
    let labels = store.find_label(user_id, tag.kind, tag.id).await;
    assert_eq!(labels.expect("find a label"), None);
    let found = store.find_series(series.id).await.expect("find a series");
    assert_eq!(found, None);
    assert_eq!(store.answer(user_id, "k").await.expect("answer"), None);
}

/// An event that the former version's relay cannot decode would stop it, and with it every other event.
async fn what_the_former_version_could_not_read_keeps_the_schema(server: Postgres) {
    let fresh = Fresh::on(&server).await;
    let (store, outbox) = (fresh.store(), fresh.outbox());
    let tag = sample::label(UserId::generate(), LabelKind::Tag, "tag");
    let creation = sample::label_creation(&tag);
    store.commit(&creation).await.expect("commit");
    let before = latest_version(&fresh).await;
    let refused = fresh.database.migrate_back_to(PLAIN_TASKS).await;
    let refused = format!("{:?}", refused.expect_err("went back"));
    assert!(refused.contains("unpublished events"), "{refused}");
    assert_eq!(latest_version(&fresh).await, before, "nothing is undone");
    let label = store.find_label(tag.user_id, tag.kind, tag.id).await;
    assert_eq!(label.expect("find a label"), Some(tag));

    outbox.renew(Duration::from_mins(1)).await.expect("renew");
    let entries = outbox.unsent(10, &[]).await.expect("unsent");
    outbox
        .mark_sent(&[sample::proof(&entries[0])])
        .await
        .expect("mark");
    fresh
        .database
        .migrate_back_to(PLAIN_TASKS)
        .await
        .expect("back");
}

/// While one replica has the new version already, another still writes as the former one did.
async fn what_a_replica_of_the_former_version_writes_is_found(server: Postgres) {
    let fresh = Fresh::on(&server).await;
    let (store, mut raw) = (fresh.store(), fresh.raw().await);
    let user_id = UserId::generate();
    let known = sample::task(user_id, "middle");
    store
        .commit(&sample::creation(&known))
        .await
        .expect("commit");
    let formers = sample::task(user_id, "Zuletzt");
    insert_task(&mut raw, &formers).await;
    let titles = async || -> Vec<String> {
        let found = list(&fresh, user_id, TaskFilter::default(), SortKey::Title).await;
        found.into_iter().map(|task| task.title).collect()
    };
    assert_eq!(titles().await, ["middle", "Zuletzt"]);
    assert_eq!(search(&fresh, user_id, "zuletz").await, [formers.id]);

    // The former version's update, cut to what matters here.
    for id in [known.id, formers.id] {
        let renaming =
            format!("UPDATE tasks SET title = 'Änderung', version = 2 WHERE id = '{id}'");
        let done = sqlx::raw_sql(AssertSqlSafe(renaming))
            .execute(&mut raw)
            .await;
        assert_eq!(done.expect("update").rows_affected(), 1);
    }
    assert_eq!(search(&fresh, user_id, "ÄNDER").await.len(), 2);
    assert_eq!(search(&fresh, user_id, "middle").await, []);

    // What the application writes is the application's own, whatever the server would make of it.
    let mut ours = sample::task(user_id, "İstanbul");
    ours.description = Some("ⅷ".to_owned());
    store
        .commit(&sample::creation(&ours))
        .await
        .expect("commit");
    assert_eq!(search(&fresh, user_id, "İsta").await, [ours.id]);
    assert_eq!(search(&fresh, user_id, "Ⅷ").await, [ours.id]);
}
