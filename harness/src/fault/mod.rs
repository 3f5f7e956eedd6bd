//! Faults: what is done to a running stack on purpose, and undone.

mod guard;
mod kind;

pub use guard::{FaultGuard, Healed};
pub use kind::Fault;
