//! The audit trail and the inbox that keeps its lines single.

mod log;
mod statement;

pub use log::PostgresAuditLog;
