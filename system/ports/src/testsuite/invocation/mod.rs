//! Invocation: the in-memory fake, an app that tells what it was sent, and the contract of `Invoker`.

mod echo;
mod memory;
#[cfg(test)]
mod persistence;
mod suite;
#[cfg(test)]
mod tests;

pub use echo::{Heard, Reply, echo, echo_router};
pub use memory::{MemoryInvoker, PlantedInCall};
pub use suite::{InvokerBench, invoker_suite};
