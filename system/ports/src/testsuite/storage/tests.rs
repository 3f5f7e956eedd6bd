//! The fakes keep the contracts that the real backends are held to.

use gauntlet_contract::{Topic, TopicName};

use super::{
    MemoryAuditLog, MemoryOutbox, MemoryStore, audit_log_suite, outbox_suite, task_store_suite,
};

fn store() -> MemoryStore {
    MemoryStore::new(TopicName::new("", Topic::TaskEvents))
}

#[tokio::test]
async fn memory_store_keeps_the_task_store_contract() {
    let store = store();
    task_store_suite(&store, &MemoryOutbox::new(store.clone())).await;
}

#[tokio::test]
async fn memory_outbox_keeps_the_outbox_contract() {
    let store = store();
    let one = MemoryOutbox::new(store.clone());
    outbox_suite(&store, &one, &one.for_another_relay()).await;
}

#[tokio::test]
async fn memory_audit_log_keeps_the_audit_log_contract() {
    audit_log_suite(&MemoryAuditLog::default()).await;
}
