//! The outboxes. A table has one owning role, so the api and the audit role have one each, with leases of
//! its own; what is asked of them is the same.

mod queue;
mod statement;

pub use queue::PostgresOutbox;
