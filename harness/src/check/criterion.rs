use std::fmt::Debug;

use gauntlet_reports::evidence::Finding;

use super::Bars;
use super::evidence::Evidence;
use crate::ledger::{Lane, LaneView, Ledger};

/// A claim, and how a ledger is searched for what breaks it.
pub trait Check: Debug + Send + Sync {
    /// Stable identifier, e.g. `nothing-lost`.
    fn id(&self) -> &'static str;

    /// The requirement that the check judges, e.g. `SC-004`.
    fn requirement(&self) -> &'static str;

    /// The claim in the user's words.
    fn claim(&self) -> String;

    /// Judges a closed ledger. Pure: the same ledger gives the same finding.
    fn judge(&self, ledger: &Ledger) -> Finding;
}

/// Which lane a check looks at, and how much it has to find there at the least.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    lane: Lane,
    at_least: u64,
}

impl Scope {
    /// A lane, with what its own ledger says as the only expectation.
    pub fn lane(lane: Lane) -> Self {
        Self { lane, at_least: 0 }
    }

    /// Fewer items than this are inconclusive, even where the ledger knows of no more.
    #[must_use]
    pub fn at_least(mut self, items: u64) -> Self {
        self.at_least = items;
        self
    }

    pub(super) fn minimum(&self) -> u64 {
        self.at_least
    }

    /// None where the ledger has no such lane.
    pub(super) fn view<'a>(&self, ledger: &'a Ledger) -> Option<LaneView<'a>> {
        ledger.lane(&self.lane)
    }

    /// Runs the search on the scope's lane, and holds what it gathers against the bars. A ledger
    /// without the lane is inconclusive.
    pub(super) fn judge(
        &self,
        check: &dyn Check,
        ledger: &Ledger,
        bars: &Bars,
        of: &str,
        search: impl FnOnce(LaneView<'_>) -> Evidence,
    ) -> Finding {
        let evidence = match self.view(ledger) {
            Some(view) => search(view),
            None => Evidence::default().doubt(format!("the run has no lane {}", self.lane)),
        };
        let expected = evidence.expected.max(self.at_least);
        evidence
            .expected(expected)
            .finding(check, &self.lane, bars, of)
    }
}

impl From<Lane> for Scope {
    fn from(lane: Lane) -> Self {
        Scope::lane(lane)
    }
}
