#![doc = include_str!("../README.md")]

pub mod flags;
pub mod ports;

mod daprd;
mod loopback;
mod placement;
mod scheduler;

pub use daprd::{DAPRD_IMAGE, Daprd};
pub use loopback::on_loopback;
pub use placement::{PLACEMENT_IMAGE, Placement};
pub use scheduler::{SCHEDULER_IMAGE, Scheduler};

/// The tag of the three images unless `with_tag` of [`testcontainers::ImageExt`] says otherwise. The flags are
/// those of this version.
pub const TAG: &str = "1.16.5";
