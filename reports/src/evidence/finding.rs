use serde::{Deserialize, Serialize};

use super::{Verdict, number};

/// What one check concluded from one ledger. A criterion gets two verdicts: against the bar that
/// was *asked* for, and against *ours*.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// Stable identifier of the check, e.g. `nothing-lost`.
    pub check: String,
    /// Requirement that the check judges, e.g. `SC-004`.
    pub requirement: String,
    /// Which side of a comparison this is about, e.g. `dapr-kafka`; empty for the whole run.
    pub lane: String,
    /// The claim in the user's words.
    pub claim: String,
    pub measured: Option<Quantity>,
    pub asked: Judgement,
    pub ours: Judgement,
    /// How many items the check looked at.
    pub examined: u64,
    /// How many it had to look at, by the ledger. `examined < expected` is inconclusive.
    pub expected: u64,
    pub violations: Violations,
    pub note: Option<String>,
}

/// A verdict against one bar.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judgement {
    /// The bar in words, with its unit: `p95 < 10 ms`.
    pub bar: String,
    /// Where nothing was asked, only whether the measurement is complete; nothing follows from it.
    pub verdict: Verdict,
    /// True where there is no such bar. The verdict then counts for nothing, and is neither a pass nor a
    /// fail. Absent from older reports, which show such a judgement as what it is not.
    #[serde(default)]
    pub not_asked: bool,
    /// By how much the bar is missed, in words that stand alone: `3 ms over (15%)`, `2 lost events`.
    /// None when it is met or nothing was measured.
    pub missed_by: Option<String>,
}

impl Judgement {
    /// The verdict; none where nothing was asked.
    pub fn counted(&self) -> Option<Verdict> {
        (!self.not_asked).then_some(self.verdict)
    }
}

/// A measured number with its unit (`ms`, `s`, `MB`, `events`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Quantity {
    #[serde(deserialize_with = "number::or_nan")]
    pub value: f64,
    pub unit: String,
}

/// Everything that broke the claim: the whole count, and a capped sample.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Violations {
    pub total: u64,
    pub shown: Vec<Violation>,
}

/// One thing that broke the claim, with what is known of its history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Violation {
    /// What it is about: an event id, a task id, a process.
    pub subject: String,
    pub what: String,
    /// The subject's whole timeline, one line an entry, oldest first.
    pub timeline: Vec<String>,
}
