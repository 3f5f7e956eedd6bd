//! State: the in-memory fake, and the contract of `StateStore`.

mod memory;
mod race_cases;
mod suite;
#[cfg(test)]
mod tests;

pub use memory::{MemoryStateStore, PlantedInState};
pub use suite::{state_store_suite, unconditional_state_suite};
