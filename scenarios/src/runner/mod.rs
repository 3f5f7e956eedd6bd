//! Carries out scenarios one after another and turns each into a section of the report.

mod info;
mod one;
mod selection;
mod stopping;

pub use info::{RunFacts, run_info};
pub use selection::{Carried, Runner};
pub(crate) use stopping::STOP_GRACE;
