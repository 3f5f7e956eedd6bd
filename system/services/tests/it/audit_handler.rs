use std::sync::Arc;

use gauntlet_contract::{Envelope, TaskId, UserId};
use gauntlet_ports::testsuite::storage::{MemoryAuditLog, sample};
use gauntlet_ports::{Delivery, Handler as _, Settle};
use gauntlet_services::consumers::AuditHandler;

fn setup() -> (MemoryAuditLog, AuditHandler) {
    let log = MemoryAuditLog::default();
    (log.clone(), AuditHandler::new(Arc::new(log)))
}

async fn handle(handler: &AuditHandler, events: &[&Envelope]) -> Vec<Settle> {
    let batch: Vec<_> = events
        .iter()
        .map(|event| Delivery {
            envelope: (*event).clone(),
            attempt: 1,
        })
        .collect();
    handler.handle(&batch).await
}

fn creation(title: &str) -> Envelope {
    sample::event(None, Some(&sample::task(UserId::generate(), title)))
}

#[tokio::test]
async fn an_event_leaves_one_line_however_often_it_is_delivered() {
    let (log, handler) = setup();
    let event = creation("once");
    assert_eq!(handle(&handler, &[&event]).await, [Settle::Done]);
    assert_eq!(
        handle(&handler, &[&event, &event]).await,
        [Settle::Done, Settle::Done]
    );
    assert_eq!(log.trail().len(), 1);
}

#[tokio::test]
async fn the_third_failure_through_its_own_fault_parks_an_event_and_no_other() {
    let (log, handler) = setup();
    let poison = creation("\0");
    for _ in 0..2 {
        let healthy = creation("healthy");
        let settled = handle(&handler, &[&poison, &healthy]).await;
        assert_eq!(settled, [Settle::Retry, Settle::Done]);
    }
    let settled = handle(&handler, &[&poison]).await;
    assert!(
        matches!(settled[..], [Settle::DeadLetter(_)]),
        "{settled:?}"
    );
    assert_eq!(log.trail().len(), 2);
}

#[tokio::test]
async fn an_outage_is_retried_without_bound_and_counts_against_no_event() {
    let (log, handler) = setup();
    let event = creation("patient");
    log.take_down();
    for _ in 0..10 {
        assert_eq!(handle(&handler, &[&event]).await, [Settle::Retry]);
    }
    log.bring_up();
    assert_eq!(handle(&handler, &[&event]).await, [Settle::Done]);
    assert_eq!(log.trail().len(), 1);
}

#[tokio::test]
async fn an_event_that_contradicts_itself_is_at_fault() {
    let (log, handler) = setup();
    let mut other_subject = creation("a");
    other_subject.subject = TaskId::generate();
    let mut no_version = creation("b");
    no_version.data.version = 0;
    let mut no_state = creation("c");
    no_state.data.new = None;
    let mut anothers_state = creation("d");
    anothers_state.data.user_id = UserId::generate();
    for event in [other_subject, no_version, no_state, anothers_state] {
        let mut last = Vec::new();
        for _ in 0..3 {
            last = handle(&handler, &[&event]).await;
        }
        assert!(
            matches!(last[..], [Settle::DeadLetter(_)]),
            "{event:?}: {last:?}"
        );
    }
    assert_eq!(log.trail(), []);
}
