//! The report's schema, version 1. Fields may be added within a version; none is renamed or removed.

mod component;
mod finding;
mod number;
mod provider;
mod report;
mod verdict;

pub use component::{Component, Provenance};
pub use finding::{Finding, Judgement, Quantity, Violation, Violations};
pub use provider::{ProviderInfo, Providers};
pub use report::{
    Figure, Host, LatencySeries, Outcome, Plot, Report, RunInfo, SCHEMA, ScenarioReport, Series,
    TimelineEntry, TimelineKind, Timing,
};
pub use verdict::{ExitStatus, Verdict};
