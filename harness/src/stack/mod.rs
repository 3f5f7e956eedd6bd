//! A running stack: infrastructure, and lanes, each a way of running the system on it.
//!
//! [`Stack::start`] is the one starter: tests, `gauntlet up` and every scenario use it.

mod beside;
mod context;
mod describe;
mod environment;
mod keys;
mod lane;
mod lane_start;
mod member;
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
pub use beside::{Beside, BesideKind, Ended, StandingBeside};
pub use context::StackContext;
pub use describe::{LaneDescription, ServiceDescription, StackDescription};
pub use keys::{AUDIENCE, ISSUER, Keys};
pub use lane::RunningLane;
pub use member::Member;
pub use obtain::obtain;
pub use roster::StopReport;
pub use running::Stack;
pub use runs_on::{Network, RunsOn};
pub use topology::{Lane, Mode, StackKind, StateBackend, Topology};
