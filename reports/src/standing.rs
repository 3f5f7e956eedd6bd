//! The words and marks for verdicts, the same in the terminal, in every rendering and at the gate.

use serde::Serialize;

use crate::evidence::{Judgement, Outcome, ScenarioReport, Verdict};

/// The two bars that every criterion is held to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Bar {
    /// What the claim promised. The exit code follows it.
    Asked,
    /// What the project holds itself to.
    Ours,
}

impl Bar {
    pub fn as_str(self) -> &'static str {
        match self {
            Bar::Asked => "asked",
            Bar::Ours => "ours",
        }
    }
}

/// Where a claim stands, for people: a verdict, or the fact that nothing was tried or asked.
///
/// *Not run* counts as inconclusive, but a reader has to tell "we looked and cannot say" from "we
/// did not look". *Not asked* counts as nothing at all: a number that nobody asked for is neither a
/// pass nor a fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    Pass,
    Fail,
    Inconclusive,
    NotRun,
    NotAsked,
}

impl Standing {
    pub fn of(scenario: &ScenarioReport, bar: Bar) -> Standing {
        match (&scenario.outcome, bar) {
            (Outcome::NotRun { .. }, _) => Standing::NotRun,
            (_, Bar::Asked) => scenario.asked().into(),
            (_, Bar::Ours) => scenario.ours().into(),
        }
    }

    /// The word beside the mark. Missing our own bar is a missed goal, not a failed claim.
    pub fn word(self, bar: Bar) -> &'static str {
        match (self, bar) {
            (Standing::Pass, Bar::Asked) => "pass",
            (Standing::Fail, Bar::Asked) => "fail",
            (Standing::Pass, Bar::Ours) => "goal met",
            (Standing::Fail, Bar::Ours) => "goal missed",
            (Standing::Inconclusive, _) => "inconclusive",
            (Standing::NotRun, _) => "not run",
            (Standing::NotAsked, _) => "not asked",
        }
    }

    /// A mark that is told apart without colour.
    pub fn mark(self) -> &'static str {
        match self {
            Standing::Pass => "✓",
            Standing::Fail => "✗",
            Standing::Inconclusive => "?",
            Standing::NotRun | Standing::NotAsked => "–",
        }
    }

    /// Mark and word, e.g. `✗ goal missed`.
    pub fn label(self, bar: Bar) -> String {
        format!("{} {}", self.mark(), self.word(bar))
    }
}

impl From<Verdict> for Standing {
    fn from(verdict: Verdict) -> Standing {
        match verdict {
            Verdict::Pass => Standing::Pass,
            Verdict::Fail => Standing::Fail,
            Verdict::Inconclusive => Standing::Inconclusive,
        }
    }
}

impl From<&Judgement> for Standing {
    fn from(judgement: &Judgement) -> Standing {
        judgement
            .counted()
            .map_or(Standing::NotAsked, Standing::from)
    }
}
