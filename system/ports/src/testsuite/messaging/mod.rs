//! An in-memory broker, and the contract of `Publisher` and `Ingress`.

mod contract;
mod events;
mod memory;
mod recorder;

pub use contract::{MessagingBackend, messaging_contract};
pub use events::task_event;
pub use memory::MemoryBroker;
pub use recorder::{Recorder, SETTLE_WITHIN};
