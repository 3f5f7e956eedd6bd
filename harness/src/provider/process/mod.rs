//! Services as supervised children on 127.0.0.1, without root and without a container engine.
//!
//! No child outlives the harness, however that ends: each one asks the kernel for SIGKILL at its
//! parent's death (`shim`), is written down for the sweep of the next start, and is killed by a `Drop`.
//! A tool that has children of its own has a supervisor, which sees to them too (`tether`).

mod command;
mod instance;
mod proctable;
pub mod shim;
mod spawner;
mod supervisor;
mod supply;
pub(crate) mod tether;

pub use command::Launcher;
pub use supply::ProcessProvider;

pub(super) use proctable::{Identity, kill_family};
