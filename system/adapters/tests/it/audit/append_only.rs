//! Nothing that connects changes a line of the trail.

use std::sync::Arc;

use gauntlet_contract::UserId;
use gauntlet_harness::component::postgres::Postgres;
use gauntlet_ports::AuditLog as _;
use gauntlet_ports::testsuite::storage::sample;
use libtest_mimic::Trial;
use sqlx::PgConnection;

use super::{every, log};
use crate::components::Components;
use crate::postgres::Fresh;
use crate::trials::trials;

/// The last version that refused nothing.
const WITHOUT: i64 = 4;

/// Each in a way of its own; that no row matches is no excuse.
const CHANGES: [&str; 6] = [
    "UPDATE audit_log SET action = 'updated'",
    "UPDATE audit_log SET action = action WHERE false",
    "DELETE FROM audit_log",
    "DELETE FROM audit_log WHERE seq < 0",
    "TRUNCATE audit_log",
    "INSERT INTO audit_log SELECT * FROM audit_log
     ON CONFLICT (seq) DO UPDATE SET action = 'updated'",
];

pub(super) fn trials(components: &Arc<Components>) -> Vec<Trial> {
    trials!(components, Components::postgres =>
        every_change_of_a_line_is_refused_also_after_migrating_back_and_forward,
        pretending_to_replicate_changes_nothing_either,
    )
}

async fn every_change_of_a_line_is_refused_also_after_migrating_back_and_forward(server: Postgres) {
    let fresh = Fresh::on(&server).await;
    let mut raw = fresh.raw().await;
    let task = sample::task(UserId::generate(), "kept");
    let event = sample::event(None, Some(&task));
    log(&fresh)
        .record(&[event])
        .await
        .remove(0)
        .expect("record");
    let before = log(&fresh).query(&every(task.user_id)).await;
    let before = before.expect("query");
    assert_eq!(before.len(), 1);

    assert_all_refused(&mut raw).await;
    fresh.database.migrate_back_to(WITHOUT).await.expect("back");
    fresh.database.migrate().await.expect("forward");
    assert_all_refused(&mut raw).await;
    let after = log(&fresh).query(&every(task.user_id)).await;
    assert_eq!(after.expect("query"), before);
}

/// In such a session ordinary triggers sleep; the tests connect as a superuser, who may begin one.
async fn pretending_to_replicate_changes_nothing_either(server: Postgres) {
    let fresh = Fresh::on(&server).await;
    let mut raw = fresh.raw().await;
    sqlx::raw_sql("SET session_replication_role = replica")
        .execute(&mut raw)
        .await
        .expect("set");
    assert_all_refused(&mut raw).await;
}

async fn assert_all_refused(raw: &mut PgConnection) {
    for change in CHANGES {
        let refused = sqlx::raw_sql(change).execute(&mut *raw).await;
        let Err(sqlx::Error::Database(refused)) = refused else {
            panic!("{change}: {refused:?}");
        };
        assert_eq!(refused.code().as_deref(), Some("42501"), "{change}");
        let message = refused.message();
        assert!(message.contains("audit_log is append-only"), "{message}");
    }
}
