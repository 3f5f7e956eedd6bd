//! Rows and their transactions.

mod audit;
mod outbox;
mod tasks;

pub use audit::{AuditLog, AuditQuery, Recorded};
pub use outbox::{OutboxEntry, OutboxQueue, Sent};
pub use tasks::{Expected, TaskChange, TaskOutcome, TaskQuery, TaskStore};
