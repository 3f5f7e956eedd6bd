//! Postgres behind the storage ports.
//!
//! - Every call is bounded in time.
//! - An error of kind `Timeout` means that the statement may have been committed; every other kind,
//!   that it was not.
//! - What must be atomic is one statement wherever it can be: one round trip, and no transaction left
//!   open by a client that goes away midway.

mod answers;
mod audit;
mod commit;
mod database;
mod error;
mod labels;
mod leases;
mod outbox;
mod search;
mod series;
mod state;
mod store;
mod task_list;
mod task_row;
mod tasks;
mod time;

pub use audit::PostgresAuditLog;
pub use database::{Database, DatabaseSettings};
pub use outbox::PostgresOutbox;
pub use state::PostgresStateStore;
pub use store::PostgresStore;
