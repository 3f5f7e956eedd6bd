//! The report's schema, version 1. Fields may be added within a version; none is renamed or removed.

mod finding;
mod number;
mod report;
mod verdict;

pub use finding::{Finding, Judgement, Quantity, Violation, Violations};
pub use report::{
    Figure, Host, LatencySeries, Outcome, Plot, Provenance, Report, RunInfo, SCHEMA,
    ScenarioReport, Series, TimelineEntry, TimelineKind, Timing,
};
pub use verdict::{ExitStatus, Verdict};
