//! The scenarios, the registry that lists them, and the `gauntlet` command line that runs them.
//!
//! A scenario makes things happen and records them; it never asserts. Checks of the harness judge the
//! record, and the reports crate renders what they found.

pub mod blackbox;
pub mod catalogue;
pub mod cli;
pub mod console;
mod failure;
pub mod host;
pub mod registry;
pub mod run;
pub mod runner;
pub mod scenario;
