//! The audit trail, the gate before it, the inbox that keeps its lines single, and what the outbox reads of it.

mod gate;
mod log;
mod release;
mod statement;
mod touched;
mod trail;

pub use log::PostgresAuditLog;
pub(super) use trail::{columns, line};
