//! Evidence that outlives the run that made it: the versioned report schema, comparison of two
//! reports, release gates, and renderers.
//!
//! This crate knows nothing of how evidence is gathered. It holds no runtime and does no IO of its
//! own beyond reading and writing the files it renders.

pub mod beside;
mod caveats;
pub mod compare;
pub mod evidence;
pub mod format;
pub mod gate;
mod numbers;
mod pairing;
pub mod regression;
pub mod render;
mod scale;
mod standing;
pub mod summary;

pub use evidence::{
    Component, Finding, Judgement, Outcome, Provenance, Report, ScenarioReport, Verdict,
};
pub use render::{Written, read, write_all};
pub use standing::{Bar, Standing};
