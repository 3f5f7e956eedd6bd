//! Carries out scenarios one after another and turns each into a section of the report.

mod info;
mod one;
mod selection;

pub use info::{RunFacts, run_info};
pub(crate) use one::STOP_GRACE;
pub use selection::{Carried, Runner};
