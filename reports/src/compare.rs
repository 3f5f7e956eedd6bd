//! Comparison of two reports, finding by finding.
//!
//! A comparison states what changed; whether a changed number means anything is for the reader,
//! who is told what else differed between the two runs.

use crate::caveats::caveats;
use crate::evidence::{Finding, Quantity, Report, ScenarioReport, Verdict};
use crate::pairing::{Matching, partner};
use crate::scale;

/// Two reports side by side.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    pub before: String,
    pub after: String,
    /// What differs between the runs besides the results, so that a number is not blamed on the
    /// code when the machine changed.
    pub caveats: Vec<String>,
    /// In the order of the later report; what only the earlier one has comes last.
    pub changes: Vec<Change>,
}

/// What identifies a finding from one report to the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// Scenario, with its repeat from the second on, and with its provider where a run had several.
    pub scenario: String,
    pub check: String,
    pub lane: String,
    /// The claim, where the check judged several on this lane.
    pub claim: Option<String>,
}

/// One finding in both reports, or in one of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    pub key: Key,
    pub before: Option<Side>,
    pub after: Option<Side>,
}

/// A finding as one of the two reports has it.
#[derive(Clone, Debug, PartialEq)]
pub struct Side {
    pub measured: Option<Quantity>,
    /// None where nothing was asked.
    pub asked: Option<Verdict>,
    pub ours: Option<Verdict>,
}

/// How a verdict moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Movement {
    Same,
    Better,
    Worse,
    /// Only the later report judged it.
    Appeared,
    /// Only the earlier report judged it: nothing vouches for it any more.
    Vanished,
}

/// Compares two reports by scenario, provider, repeat, check and lane.
///
/// Two runs that had one provider each, and not the same, are compared across providers, which the first
/// caveat then says.
pub fn compare(before: &Report, after: &Report) -> Comparison {
    let matching = Matching::new(before, after);
    let same = |earlier: &ScenarioReport, later: &ScenarioReport| {
        earlier.repeat == later.repeat && matching.is_same(earlier, later)
    };
    let mut changes = Vec::new();
    for later in &after.scenarios {
        let earlier = before.scenarios.iter().find(|earlier| same(earlier, later));
        let name = matching.name(after, later);
        let (own, others) = (all(Some(later)), all(earlier));
        changes.extend(own.iter().map(|finding| Change {
            key: Key::new(&name, finding, &own),
            before: partner(finding, &own, &others).map(Side::of),
            after: Some(Side::of(finding)),
        }));
    }
    // What vanished must not vanish from the comparison too.
    for earlier in &before.scenarios {
        let later = after.scenarios.iter().find(|later| same(earlier, later));
        let name = matching.name(before, earlier);
        let (own, others) = (all(Some(earlier)), all(later));
        let gone = own
            .iter()
            .filter(|finding| partner(finding, &own, &others).is_none());
        changes.extend(gone.map(|finding| Change {
            key: Key::new(&name, finding, &own),
            before: Some(Side::of(finding)),
            after: None,
        }));
    }
    Comparison {
        before: before.run.id.clone(),
        after: after.run.id.clone(),
        caveats: caveats(before, after),
        changes,
    }
}

fn all(scenario: Option<&ScenarioReport>) -> Vec<&Finding> {
    scenario.iter().flat_map(|one| &one.findings).collect()
}

impl Key {
    pub(crate) fn new(scenario: &str, finding: &Finding, among: &[&Finding]) -> Key {
        let has_sibling = among.iter().any(|other| {
            other.check == finding.check
                && other.lane == finding.lane
                && other.claim != finding.claim
        });
        Key {
            scenario: scenario.to_owned(),
            check: finding.check.clone(),
            lane: finding.lane.clone(),
            claim: has_sibling.then(|| finding.claim.clone()),
        }
    }
}

impl Change {
    /// Later over earlier; none unless both measured the same thing, neither is inconclusive, and the
    /// earlier is not zero.
    pub fn ratio(&self) -> Option<f64> {
        let number = |side: &Option<Side>| side.as_ref().and_then(Side::settled).cloned();
        let (before, after) = (number(&self.before), number(&self.after));
        scale::ratio(after.as_ref(), before.as_ref())
    }

    /// How the verdict against what was asked moved.
    pub fn asked(&self) -> Movement {
        self.movement(|side| side.asked)
    }

    /// How the verdict against our own bars moved.
    pub fn ours(&self) -> Movement {
        self.movement(|side| side.ours)
    }

    fn movement(&self, verdict: impl Fn(&Side) -> Option<Verdict>) -> Movement {
        let (Some(before), Some(after)) = (&self.before, &self.after) else {
            return match self.before {
                None => Movement::Appeared,
                Some(_) => Movement::Vanished,
            };
        };
        match (verdict(before), verdict(after)) {
            (None, None) => Movement::Same,
            (None, Some(_)) => Movement::Appeared,
            (Some(_), None) => Movement::Vanished,
            (Some(before), Some(after)) => movement(before, after),
        }
    }
}

/// Verdicts are ordered from pass to fail.
pub(crate) fn movement(before: Verdict, after: Verdict) -> Movement {
    match after.cmp(&before) {
        std::cmp::Ordering::Less => Movement::Better,
        std::cmp::Ordering::Equal => Movement::Same,
        std::cmp::Ordering::Greater => Movement::Worse,
    }
}

impl Side {
    /// The number, where nothing that it was judged by is inconclusive: else a ratio would tell of the
    /// measurement and not of the system.
    pub(crate) fn settled(&self) -> Option<&Quantity> {
        let is_open = [self.asked, self.ours].contains(&Some(Verdict::Inconclusive));
        self.measured.as_ref().filter(|_| !is_open)
    }

    pub(crate) fn of(finding: &Finding) -> Side {
        Side {
            measured: finding.measured.clone(),
            asked: finding.asked.counted(),
            ours: finding.ours.counted(),
        }
    }
}
