//! Arrival schedules as pure data: when each operation is meant to start, whatever became of the
//! earlier ones.

mod burst;
mod ramp;
mod rate;
mod schedule;
mod spike;
mod steady;

pub use burst::Burst;
pub use ramp::Ramp;
pub use rate::Rate;
pub use schedule::{Arrival, Offsets};
pub use spike::Spike;
pub use steady::Steady;
