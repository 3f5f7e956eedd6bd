//! When the instances of a series are due.

mod cron;
mod pattern;
mod schedule;
pub mod zone;

pub use schedule::{LAST_YEAR, Schedule, ScheduleError};
pub use zone::UnknownZone;
