use async_trait::async_trait;
use gauntlet_contract::task::AuditEntry;
use gauntlet_contract::{Envelope, TaskId, UserId};
use jiff::Timestamp;

use crate::error::PortError;

/// What recording did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recorded {
    Fresh,
    /// The inbox knew the event: nothing was written.
    Duplicate,
}

/// Selects a page of one user's trail, oldest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditQuery {
    pub user_id: UserId,
    pub task_id: Option<TaskId>,
    pub action: Option<String>,
    pub from: Option<Timestamp>,
    pub to: Option<Timestamp>,
    /// Only entries behind this one.
    pub after: Option<i64>,
    pub limit: u32,
}

/// The append-only trail with its inbox.
#[async_trait]
pub trait AuditLog: Send + Sync {
    /// Records each event once, inbox row and trail row in one transaction, with a savepoint per
    /// entry so that one failure leaves the others standing. Answers per event, in order.
    async fn record(&self, events: &[Envelope]) -> Vec<Result<Recorded, PortError>>;

    /// Counts one more handled failure of the event in its inbox; answers the count so far.
    async fn count_failure(&self, event: &Envelope) -> Result<u32, PortError>;

    async fn query(&self, query: &AuditQuery) -> Result<Vec<AuditEntry>, PortError>;
}
