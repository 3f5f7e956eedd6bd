use std::sync::Arc;
use std::time::Duration;

use gauntlet_adapters::postgres::{
    Database, DatabaseSettings, PostgresAuditLog, PostgresOutbox, PostgresTaskStore,
};
use gauntlet_contract::{Topic, TopicName, UserId};
use gauntlet_harness::component::postgres::Postgres;
use gauntlet_ports::testsuite::storage::{audit_log_suite, outbox_suite, sample, task_store_suite};
use gauntlet_ports::{OutboxQueue as _, PortErrorKind, Sent, TaskStore as _};
use libtest_mimic::Trial;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use uuid::Uuid;

use crate::components::Components;
use crate::trials::trials;

pub(crate) fn trials(components: &Arc<Components>) -> Vec<Trial> {
    trials!(components, Components::postgres =>
        keeps_the_task_store_contract,
        keeps_the_outbox_contract,
        keeps_the_audit_log_contract,
        the_schema_goes_forward_and_back_and_forward,
        a_lease_that_ran_out_is_taken_over_and_fences_off_its_former_holder,
        the_outbox_keeps_the_very_bytes_of_the_event,
    )
}

/// A schema of the test's own, which ends with the server. A database each would be some 300 files each,
/// and seconds of waiting for the disk when the server stops.
struct Fresh {
    database: Database,
    url: String,
}

impl Fresh {
    /// Migrated, with nothing in it.
    async fn on(server: &Postgres) -> Self {
        let schema = format!("test_{}", Uuid::now_v7().simple());
        let server = server.url("postgres");
        let mut administrator = PgConnection::connect(&server).await.unwrap();
        sqlx::raw_sql(AssertSqlSafe(format!("CREATE SCHEMA {schema}")))
            .execute(&mut administrator)
            .await
            .unwrap();
        let url = format!("{server}&options[search_path]={schema}");
        let database = Database::connect(&url, &DatabaseSettings::default())
            .await
            .unwrap();
        database.migrate().await.unwrap();
        Self { database, url }
    }

    fn task_store(&self) -> PostgresTaskStore {
        let topic = TopicName::new("", Topic::TaskEvents);
        PostgresTaskStore::new(self.database.clone(), topic)
    }

    fn outbox(&self) -> PostgresOutbox {
        PostgresOutbox::new(self.database.clone())
    }
}

async fn keeps_the_task_store_contract(server: Postgres) {
    let fresh = Fresh::on(&server).await;
    task_store_suite(&fresh.task_store(), &fresh.outbox()).await;
}

async fn keeps_the_outbox_contract(server: Postgres) {
    let fresh = Fresh::on(&server).await;
    outbox_suite(&fresh.task_store(), &fresh.outbox(), &fresh.outbox()).await;
}

async fn keeps_the_audit_log_contract(server: Postgres) {
    let fresh = Fresh::on(&server).await;
    audit_log_suite(&PostgresAuditLog::new(fresh.database, "audit")).await;
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

async fn a_lease_that_ran_out_is_taken_over_and_fences_off_its_former_holder(server: Postgres) {
    let fresh = Fresh::on(&server).await;
    let task = sample::task(UserId::generate(), "contested");
    let created = sample::creation(&task);
    fresh.task_store().commit(&created).await.expect("commit");
    let (slow, heir) = (fresh.outbox(), fresh.outbox());
    slow.renew(Duration::ZERO).await.expect("renew");
    heir.renew(Duration::from_mins(1)).await.expect("renew");
    assert_eq!(slow.unsent(10, &[]).await.expect("unsent"), []);
    let entries = heir.unsent(10, &[]).await.expect("unsent");
    assert_eq!(entries.len(), 1);
    let proof = Sent {
        seq: entries[0].seq,
        started_at: jiff::Timestamp::now(),
        took: Some(Duration::from_micros(900)),
    };
    assert_eq!(slow.mark_sent(&[proof]).await.expect("mark"), 0);
    assert_eq!(heir.mark_sent(&[proof]).await.expect("mark"), 1);
}

async fn the_outbox_keeps_the_very_bytes_of_the_event(server: Postgres) {
    let fresh = Fresh::on(&server).await;
    let task = sample::task(UserId::generate(), "bytes \u{e9} \u{1f980} \"\\/");
    let created = sample::creation(&task);
    fresh.task_store().commit(&created).await.expect("commit");
    // Past the adapter, which might undo on reading what it did on writing.
    let mut connection = PgConnection::connect(&fresh.url).await.expect("connect");
    let stored: String = sqlx::query_scalar("SELECT envelope FROM outbox")
        .fetch_one(&mut connection)
        .await
        .expect("select");
    let published = serde_json::to_string(&created.events[0]).expect("encode");
    assert_eq!(stored, published);
}
