//! The fakes keep the contracts that the real backends are held to.

use gauntlet_contract::UserId;

use super::{
    MemoryAuditLog, MemoryOutbox, MemoryStore, Planted, answer_suite, audit_log_suite, label_suite,
    list_suite, outbox_suite, sample, series_suite, task_store_suite,
};
use crate::error::PortErrorKind;
use crate::storage::{CommitStore as _, Committed, TaskStore as _};

fn store() -> (MemoryStore, MemoryOutbox) {
    let store = MemoryStore::new("");
    let outbox = MemoryOutbox::new(store.clone());
    (store, outbox)
}

#[tokio::test]
async fn memory_store_keeps_the_contract_of_tasks() {
    let (store, outbox) = store();
    task_store_suite(&store, &outbox).await;
}

#[tokio::test]
async fn memory_store_keeps_the_contract_of_lists() {
    list_suite(&store().0).await;
}

#[tokio::test]
async fn memory_store_keeps_the_contract_of_labels() {
    let (store, outbox) = store();
    label_suite(&store, &outbox).await;
}

#[tokio::test]
async fn memory_store_keeps_the_contract_of_series() {
    let (store, outbox) = store();
    series_suite(&store, &outbox).await;
}

#[tokio::test]
async fn memory_store_keeps_the_contract_of_answers() {
    let (store, outbox) = store();
    answer_suite(&store, &outbox).await;
}

#[tokio::test]
async fn memory_outbox_keeps_the_outbox_contract() {
    let (store, one) = store();
    outbox_suite(&store, &one, &one.for_another_relay()).await;
}

#[tokio::test]
async fn memory_audit_log_keeps_the_audit_log_contract() {
    audit_log_suite(&MemoryAuditLog::default()).await;
}

#[tokio::test]
async fn a_planted_defect_shows_until_it_is_taken_away() {
    let (store, _) = store();
    let task = sample::task(UserId::generate(), "planted");
    let (plain, keyed) = {
        let creation = sample::creation(&task);
        (creation.clone(), sample::keyed(creation, "k"))
    };
    let is_there = async || store.find(task.user_id, task.id).await.unwrap().is_some();

    store.plant(Some(Planted::Unavailable));
    let refused = store.commit(&plain).await.unwrap_err();
    assert_eq!(refused.kind, PortErrorKind::Unavailable);
    store.plant(Some(Planted::KeyInFlight));
    let told = store.commit(&keyed).await.unwrap();
    assert_eq!(told, Committed::KeyInFlight);
    assert!(!is_there().await);
    store.plant(Some(Planted::AnswerLost));
    let lost = store.commit(&keyed).await.unwrap_err();
    assert_eq!(lost.kind, PortErrorKind::Timeout);
    assert!(is_there().await);
    store.plant(None);
    assert_eq!(store.commit(&keyed).await.unwrap(), Committed::KeyTaken);
}
