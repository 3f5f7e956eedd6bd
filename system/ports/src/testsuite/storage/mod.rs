//! Storage: the in-memory fakes, sample rows, and the contract suite of each port.
//!
//! A suite is a list of cases; each suite wants a store of its own, with nothing in it.

mod answer_suite;
mod audit_calls;
mod audit_gate_suite;
mod audit_suite;
mod check;
mod label_suite;
mod list_sample;
mod list_suite;
mod memory;
mod memory_audit;
mod memory_commit;
mod memory_outbox;
mod memory_read;
mod outbox_suite;
pub mod sample;
mod series_suite;
mod stores;
mod task_suite;
#[cfg(test)]
mod tests;

pub use answer_suite::answer_suite;
pub use audit_gate_suite::audit_gate_suite;
pub use audit_suite::{Recording, audit_log_suite, audit_outbox_suite};
pub use label_suite::label_suite;
pub use list_suite::list_suite;
pub use memory::{MemoryStore, Planted};
pub use memory_audit::MemoryAuditLog;
pub use memory_outbox::MemoryOutbox;
pub use outbox_suite::{EventSource, outbox_suite};
pub use series_suite::series_suite;
pub use stores::Stores;
pub use task_suite::task_store_suite;
