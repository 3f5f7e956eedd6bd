mod commits;
mod fresh;
mod migrations;
mod model;
mod plans;
mod seeded;

use std::sync::Arc;
use std::time::Duration;

use gauntlet_adapters::postgres::PostgresAuditLog;
use gauntlet_contract::{Topic, TopicName, UserId};
use gauntlet_harness::component::postgres::Postgres;
use gauntlet_ports::testsuite::storage::{
    answer_suite, audit_gate_suite, audit_log_suite, label_suite, list_suite, outbox_suite, sample,
    series_suite, task_store_suite,
};
use gauntlet_ports::{CommitStore as _, OutboxQueue as _, Sent};
use libtest_mimic::Trial;

pub(crate) use fresh::Fresh;

use crate::components::Components;
use crate::trials::trials;

pub(crate) fn trials(components: &Arc<Components>) -> Vec<Trial> {
    let mut trials = trials!(components, Components::postgres =>
        keeps_the_contract_of_tasks,
        keeps_the_contract_of_lists,
        keeps_the_contract_of_labels,
        keeps_the_contract_of_series,
        keeps_the_contract_of_answers,
        keeps_the_outbox_contract,
        keeps_the_audit_log_contract,
        keeps_the_order_of_audited_versions,
        a_lease_that_ran_out_is_taken_over_and_fences_off_its_former_holder,
        the_outbox_keeps_the_very_bytes_of_the_event,
    );
    trials.extend(commits::trials(components));
    trials.extend(migrations::trials(components));
    trials.extend(model::trials(components));
    trials.extend(plans::trials(components));
    trials.extend(seeded::trials(components));
    trials
}

async fn keeps_the_contract_of_tasks(server: Postgres) {
    let fresh = Fresh::on(&server).await;
    task_store_suite(&fresh.store(), &fresh.outbox()).await;
}

async fn keeps_the_contract_of_lists(server: Postgres) {
    let fresh = Fresh::on(&server).await;
    list_suite(&fresh.store()).await;
}

async fn keeps_the_contract_of_labels(server: Postgres) {
    let fresh = Fresh::on(&server).await;
    label_suite(&fresh.store(), &fresh.outbox()).await;
}

async fn keeps_the_contract_of_series(server: Postgres) {
    let fresh = Fresh::on(&server).await;
    series_suite(&fresh.store(), &fresh.outbox()).await;
}

async fn keeps_the_contract_of_answers(server: Postgres) {
    let fresh = Fresh::on(&server).await;
    answer_suite(&fresh.store(), &fresh.outbox()).await;
}

async fn keeps_the_outbox_contract(server: Postgres) {
    let fresh = Fresh::on(&server).await;
    outbox_suite(&fresh.store(), &fresh.outbox(), &fresh.outbox()).await;
}

async fn keeps_the_audit_log_contract(server: Postgres) {
    let fresh = Fresh::on(&server).await;
    let topic = TopicName::new("", Topic::AuditLogs);
    audit_log_suite(&PostgresAuditLog::new(fresh.database, "audit", topic)).await;
}

async fn keeps_the_order_of_audited_versions(server: Postgres) {
    let fresh = Fresh::on(&server).await;
    let topic = TopicName::new("", Topic::AuditLogs);
    audit_gate_suite(&PostgresAuditLog::new(fresh.database, "audit", topic)).await;
}

async fn a_lease_that_ran_out_is_taken_over_and_fences_off_its_former_holder(server: Postgres) {
    let fresh = Fresh::on(&server).await;
    let task = sample::task(UserId::generate(), "contested");
    let created = sample::creation(&task);
    fresh.store().commit(&created).await.expect("commit");
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
    fresh.store().commit(&created).await.expect("commit");
    // Past the adapter, which might undo on reading what it did on writing.
    let stored: String = sqlx::query_scalar("SELECT envelope FROM outbox")
        .fetch_one(&mut fresh.raw().await)
        .await
        .expect("select");
    let published = serde_json::to_string(&created.events[0]).expect("encode");
    assert_eq!(stored, published);
}
