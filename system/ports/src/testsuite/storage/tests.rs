//! The fakes keep the contracts that the real backends are held to.

use std::time::Duration;

use async_trait::async_trait;
use gauntlet_contract::{AuditEntry, Envelope, UserId};

use super::{
    MemoryAuditLog, MemoryOutbox, MemoryStore, Planted, answer_suite, audit_log_suite, label_suite,
    list_suite, outbox_suite, sample, series_suite, task_store_suite,
};
use crate::error::{PortError, PortErrorKind};
use crate::storage::{
    AuditLog, AuditQuery, CommitStore as _, Committed, Gap, Recorded, TaskStore as _,
};

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

/// What is wrong with the answers of a trail.
#[derive(Clone, Copy, PartialEq)]
enum Flaw {
    /// A page is cut before it is narrowed.
    CutsBeforeItFilters,
    /// Whoever knows an id is told of it.
    TellsStrangers,
}

/// A log whose lines are right, and whose answers are not.
struct Flawed {
    log: MemoryAuditLog,
    flaw: Flaw,
}

impl Flawed {
    fn with(flaw: Flaw) -> Self {
        let log = MemoryAuditLog::default();
        Self { log, flaw }
    }

    /// The user's page of all actions, narrowed to the one that is asked for.
    async fn cut_first(&self, query: &AuditQuery) -> Result<Vec<AuditEntry>, PortError> {
        let of_any_action = AuditQuery {
            action: None,
            ..query.clone()
        };
        let mut page = self.log.query(&of_any_action).await?;
        let is_asked_for = |line: &AuditEntry| {
            let action = query.action.as_ref();
            action.is_none_or(|action| line.action == *action)
        };
        page.retain(is_asked_for);
        Ok(page)
    }
}

#[async_trait]
impl AuditLog for Flawed {
    async fn record(&self, events: &[Envelope]) -> Vec<Result<Recorded, PortError>> {
        self.log.record(events).await
    }

    async fn release(&self, patience: Duration) -> Result<Vec<Gap>, PortError> {
        self.log.release(patience).await
    }

    async fn count_failure(&self, event: &Envelope) -> Result<u32, PortError> {
        self.log.count_failure(event).await
    }

    async fn query(&self, query: &AuditQuery) -> Result<Vec<AuditEntry>, PortError> {
        if self.flaw == Flaw::CutsBeforeItFilters {
            return self.cut_first(query).await;
        }
        let trail = self.log.trail();
        let mut told = trail
            .iter()
            .filter(|line| Some(line.entity_id) == query.entity_id);
        let user_id = told.next().map_or(query.user_id, |line| line.user_id);
        let query = AuditQuery {
            user_id,
            ..query.clone()
        };
        self.log.query(&query).await
    }
}

#[tokio::test]
#[should_panic(expected = "page by page")]
async fn planted_pages_that_are_cut_before_they_are_filtered_are_found() {
    audit_log_suite(&Flawed::with(Flaw::CutsBeforeItFilters)).await;
}

#[tokio::test]
#[should_panic(expected = "a stranger's")]
async fn planted_answers_to_strangers_are_found() {
    audit_log_suite(&Flawed::with(Flaw::TellsStrangers)).await;
}
