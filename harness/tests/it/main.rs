//! The harness's own machinery, tried on small stand-in services. Nothing is fetched.
//!
//! What is true of every provider is a [`contract`], tried on each. The feature `engine` adds the one of
//! containers, on the engine that answers; where none does, its tests fail.

#![expect(
    clippy::unwrap_used,
    reason = "a helper fails its test by panicking; clippy excepts test functions alone"
)]

mod bench;
#[cfg(feature = "engine")]
mod containers;
mod contract;
mod fault;
mod parent_death;
mod parts;
mod process;
mod supervisor;
mod tools;
mod victim;
