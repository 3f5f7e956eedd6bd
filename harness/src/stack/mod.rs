//! A running stack: infrastructure, and lanes, each a way of running the system on it.
//!
//! [`Stack::start`] is the one starter: tests, `gauntlet up` and every scenario use it.

mod context;
mod describe;
mod environment;
mod keys;
mod lane;
mod lane_start;
mod obtain;
mod programs;
mod promise;
mod roster;
mod running;
mod runs_on;
mod start;
mod starter;
mod topology;

pub use crate::error::{StackError, StackErrorKind};
pub use context::StackContext;
pub use describe::{LaneDescription, ServiceDescription, StackDescription};
pub use keys::{AUDIENCE, ISSUER, Keys};
pub use lane::RunningLane;
pub use obtain::obtain;
pub use roster::StopReport;
pub use running::Stack;
pub use runs_on::RunsOn;
pub use topology::{Lane, Mode, StackKind, Topology};
