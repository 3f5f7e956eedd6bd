//! What the suites of the audit log ask of it.

use gauntlet_contract::{Envelope, UserId};

use crate::error::{PortError, PortErrorKind};
use crate::storage::{AuditLog, AuditQuery, Direction, Recorded};

pub(super) async fn record(
    log: &dyn AuditLog,
    events: &[Envelope],
) -> Vec<Result<Recorded, PortErrorKind>> {
    let kind = |error: PortError| error.kind;
    let answers = log.record(events).await;
    answers
        .into_iter()
        .map(|answer| answer.map_err(kind))
        .collect()
}

pub(super) async fn record_one(
    log: &dyn AuditLog,
    event: &Envelope,
) -> Result<Recorded, PortErrorKind> {
    let answers = record(log, std::slice::from_ref(event)).await;
    assert_eq!(answers.len(), 1);
    answers[0]
}

/// All lines of a user, in the order of the trail.
pub(super) fn every(user_id: UserId) -> AuditQuery {
    AuditQuery {
        user_id,
        entity: None,
        entity_id: None,
        action: None,
        from: None,
        to: None,
        order: Direction::Ascending,
        after: None,
        limit: 100,
    }
}
