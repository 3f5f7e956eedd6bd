//! Postgres behind the storage ports.
//!
//! - Every call is bounded in time.
//! - An error of kind `Timeout` means that the statement may have been committed; every other kind,
//!   that it was not.
//! - What must be atomic is one statement: one round trip, and no transaction left open by a client
//!   that goes away midway.

mod audit;
mod database;
mod error;
mod leases;
mod outbox;
mod tasks;
mod time;

pub use audit::PostgresAuditLog;
pub use database::{Database, DatabaseSettings};
pub use outbox::PostgresOutbox;
pub use tasks::PostgresTaskStore;
