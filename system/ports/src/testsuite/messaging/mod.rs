//! An in-memory broker, and the contract of `Publisher` and `Ingress`.

mod contract;
mod events;
mod memory;
mod recorder;
#[cfg(test)]
mod tests;
mod waiver;

pub use contract::{MessagingBackend, messaging_contract};
pub use events::task_event;
pub use memory::MemoryBroker;
pub use recorder::{Recorder, SETTLE_WITHIN};
pub use waiver::{Clause, Waiver};
