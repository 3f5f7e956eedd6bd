//! SC-018, a file for each block.

mod access;
mod invocation;
mod resiliency;
mod scenario;
mod secrets;
mod state;
mod system;
mod table;

pub use scenario::BuildingBlocks;
