//! The harness's own machinery, tried on small stand-in children. Nothing is fetched.

#![expect(
    clippy::unwrap_used,
    reason = "a helper fails its test by panicking; clippy excepts test functions alone"
)]

mod bench;
mod fault;
mod parent_death;
mod process;
mod supervisor;
mod tools;
mod victim;
