//! The contracts and what only a real server can show, on the server that the environment variable
//! `GAUNTLET_TEST_POSTGRES` names (the URL of a superuser's connection). Each test makes a database
//! of its own and drops it.

use std::time::Duration;

use gauntlet_contract::{Topic, TopicName, UserId};
use gauntlet_ports::testsuite::storage::{audit_log_suite, outbox_suite, sample, task_store_suite};
use gauntlet_ports::{OutboxQueue as _, PortErrorKind, TaskStore as _};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use uuid::Uuid;

use super::{Database, DatabaseSettings, PostgresAuditLog, PostgresOutbox, PostgresTaskStore};

fn server() -> String {
    std::env::var("GAUNTLET_TEST_POSTGRES")
        .expect("GAUNTLET_TEST_POSTGRES names a server, e.g. postgres://postgres@127.0.0.1:5432")
}

async fn administer(statement: String) {
    let url = format!("{}/postgres", server());
    let mut connection = PgConnection::connect(&url).await.expect("connect");
    sqlx::raw_sql(AssertSqlSafe(statement))
        .execute(&mut connection)
        .await
        .expect("administer");
}

/// Runs a test on a migrated database with nothing in it.
async fn on_fresh_database(test: impl AsyncFnOnce(Database)) {
    let name = format!("test_{}", Uuid::now_v7().simple());
    administer(format!("CREATE DATABASE {name}")).await;
    let url = format!("{}/{name}", server());
    let database = Database::connect(&url, &DatabaseSettings::default())
        .await
        .expect("connect");
    database.migrate().await.expect("migrate");
    test(database.clone()).await;
    database.close().await;
    administer(format!("DROP DATABASE {name}")).await;
}

fn task_store(database: &Database) -> PostgresTaskStore {
    PostgresTaskStore::new(database.clone(), TopicName::new("", Topic::TaskEvents))
}

#[tokio::test]
async fn keeps_the_task_store_contract() {
    on_fresh_database(async |database| {
        let outbox = PostgresOutbox::new(database.clone());
        task_store_suite(&task_store(&database), &outbox).await;
    })
    .await;
}

#[tokio::test]
async fn keeps_the_outbox_contract() {
    on_fresh_database(async |database| {
        let one = PostgresOutbox::new(database.clone());
        let other = PostgresOutbox::new(database.clone());
        outbox_suite(&task_store(&database), &one, &other).await;
    })
    .await;
}

#[tokio::test]
async fn keeps_the_audit_log_contract() {
    on_fresh_database(async |database| {
        audit_log_suite(&PostgresAuditLog::new(database, "audit")).await;
    })
    .await;
}

#[tokio::test]
async fn the_schema_goes_forward_and_back_and_forward() {
    on_fresh_database(async |database| {
        database.migrate_back_to(0).await.expect("back");
        let outbox = PostgresOutbox::new(database.clone());
        let gone = outbox.depth().await.expect_err("the tables are gone");
        assert_eq!(gone.kind, PortErrorKind::Internal);
        // Two processes that start at once: the advisory lock makes the second one wait.
        let (one, other) = tokio::join!(database.migrate(), database.migrate());
        one.expect("forward");
        other.expect("forward");
        assert_eq!(outbox.depth().await.expect("depth"), 0);
    })
    .await;
}

#[tokio::test]
async fn a_lease_that_ran_out_is_taken_over_and_fences_off_its_former_holder() {
    on_fresh_database(async |database| {
        let task = sample::task(UserId::generate(), "contested");
        let store = task_store(&database);
        store
            .commit(&sample::creation(&task))
            .await
            .expect("commit");
        let slow = PostgresOutbox::new(database.clone());
        let heir = PostgresOutbox::new(database.clone());
        slow.renew(Duration::ZERO).await.expect("renew");
        heir.renew(Duration::from_mins(1)).await.expect("renew");
        assert_eq!(slow.unsent(10, &[]).await.expect("unsent"), []);
        let entries = heir.unsent(10, &[]).await.expect("unsent");
        assert_eq!(entries.len(), 1);
        let proof = gauntlet_ports::Sent {
            seq: entries[0].seq,
            started_at: jiff::Timestamp::now(),
            took: Duration::from_micros(900),
        };
        assert_eq!(slow.mark_sent(&[proof]).await.expect("mark"), 0);
        assert_eq!(heir.mark_sent(&[proof]).await.expect("mark"), 1);
    })
    .await;
}

#[tokio::test]
async fn the_outbox_keeps_the_very_bytes_of_the_event() {
    on_fresh_database(async |database| {
        let task = sample::task(UserId::generate(), "bytes \u{e9} \u{1f980} \"\\/");
        let change = sample::creation(&task);
        task_store(&database).commit(&change).await.expect("commit");
        let mut connection = database.pool().acquire().await.expect("acquire");
        let stored: String = sqlx::query_scalar("SELECT envelope FROM outbox")
            .fetch_one(&mut *connection)
            .await
            .expect("select");
        let published = serde_json::to_string(&change.events[0]).expect("encode");
        assert_eq!(stored, published);
    })
    .await;
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unavailable_and_a_bad_url_invalid() {
    let settings = DatabaseSettings {
        acquire_timeout: Duration::from_millis(300),
        ..DatabaseSettings::default()
    };
    // Port 1 is reserved and nothing listens on it.
    let nobody = Database::connect("postgres://postgres@127.0.0.1:1/x", &settings).await;
    assert_eq!(
        nobody.expect_err("connected").kind,
        PortErrorKind::Unavailable
    );
    let malformed = Database::connect("postgres://127.0.0.1:port/x", &settings).await;
    assert_eq!(malformed.expect_err("parsed").kind, PortErrorKind::Invalid);
}
