//! Services as containers of a local engine, on a network of the run's own.
//!
//! Nothing outlives the run: every container and network carries the run's id as a label, and a volume that
//! an image declares goes with its container. A reaper removes them when the harness ends, however it ends,
//! and the next start sweeps what is left.

mod engine;
mod instance;
mod names;
mod output;
pub mod reaper;
mod remove;
mod request;
mod supply;

pub use engine::Engine;
pub use supply::ContainerProvider;

pub(super) use remove::remove_run;
