//! Storage: the in-memory fakes, sample rows, and the contract suite of each port.
//!
//! A suite is a list of cases; each case wants a store of its own, with nothing in it.

mod audit_suite;
mod memory;
mod memory_audit;
mod memory_outbox;
mod outbox_suite;
pub mod sample;
mod task_suite;
#[cfg(test)]
mod tests;

pub use audit_suite::audit_log_suite;
pub use memory::{MemoryStore, Planted};
pub use memory_audit::MemoryAuditLog;
pub use memory_outbox::MemoryOutbox;
pub use outbox_suite::outbox_suite;
pub use task_suite::task_store_suite;
