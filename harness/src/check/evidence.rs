use gauntlet_reports::evidence::{Finding, Violation, Violations};
use gauntlet_reports::format;

use super::bar::judge_bar;
use super::{Amount, Bars, Check};
use crate::ledger::{Lane, LaneRecord};

/// Violations shown in full. The rest is counted: a thousand timelines help nobody.
const SHOWN_AT_MOST: usize = 20;

/// What a check gathered, before it is held against the bars.
#[derive(Clone, Debug, Default)]
pub(super) struct Evidence {
    pub(super) measured: Option<Amount>,
    /// Where the true value lies with 95 % confidence; none where the measurement is exact.
    pub(super) interval: Option<(Amount, Amount)>,
    pub(super) examined: u64,
    pub(super) expected: u64,
    pub(super) violations: Violations,
    /// What the violations are, in the plural, e.g. `lost events`.
    pub(super) violations_are: &'static str,
    /// Reasons why the measurement cannot be trusted.
    doubts: Vec<String>,
    notes: Vec<String>,
}

impl Evidence {
    pub(super) fn measured(amount: impl Into<Amount>) -> Self {
        Self {
            measured: Some(amount.into()),
            ..Self::default()
        }
    }

    /// For a quantity of which there may have been no sample.
    pub(super) fn maybe(amount: Option<impl Into<Amount>>) -> Self {
        Self {
            measured: amount.map(Into::into),
            ..Self::default()
        }
    }

    /// For a claim that tolerates none: the measurement is the number of violations.
    pub(super) fn none_tolerated(violations: Collected) -> Self {
        Self::measured(Amount::count(violations.found.total, violations.are)).broken_by(violations)
    }

    /// Things that break the claim whatever the measurement says.
    pub(super) fn broken_by(mut self, violations: Collected) -> Self {
        self.violations = violations.found;
        self.violations_are = violations.are;
        self
    }

    pub(super) fn examined(mut self, examined: u64) -> Self {
        self.examined = examined;
        self
    }

    pub(super) fn expected(mut self, expected: u64) -> Self {
        self.expected = expected;
        self
    }

    pub(super) fn interval(mut self, low: impl Into<Amount>, high: impl Into<Amount>) -> Self {
        self.interval = Some((low.into(), high.into()));
        self
    }

    pub(super) fn doubt(mut self, doubt: impl Into<String>) -> Self {
        self.doubts.push(doubt.into());
        self
    }

    pub(super) fn doubts(mut self, doubts: impl IntoIterator<Item = String>) -> Self {
        self.doubts.extend(doubts);
        self
    }

    pub(super) fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    pub(super) fn notes(mut self, notes: impl IntoIterator<Item = String>) -> Self {
        self.notes.extend(notes);
        self
    }

    pub(super) fn is_doubtful(&self) -> bool {
        self.examined == 0 || self.examined < self.expected || !self.doubts.is_empty()
    }

    /// Holds the evidence against both bars; `of` names the measurement in the bars' words. Doubts
    /// come first in the note, because they are what explains an inconclusive verdict.
    pub(super) fn finding(self, check: &dyn Check, lane: &Lane, bars: &Bars, of: &str) -> Finding {
        let asked = judge_bar(&bars.asked, of, &self);
        let ours = judge_bar(&bars.ours, of, &self);
        let coverage = self.coverage();
        let notes: Vec<String> = self
            .doubts
            .into_iter()
            .chain(coverage)
            .chain(self.notes)
            .collect();
        Finding {
            check: check.id().to_owned(),
            requirement: check.requirement().to_owned(),
            lane: lane.to_string(),
            claim: check.claim(),
            measured: self.measured.map(Amount::quantity),
            asked,
            ours,
            examined: self.examined,
            expected: self.expected,
            violations: self.violations,
            note: (!notes.is_empty()).then(|| notes.join("; ")),
        }
    }

    /// Says so where too little was examined.
    fn coverage(&self) -> Option<String> {
        if self.examined == 0 {
            Some("nothing to examine".to_owned())
        } else if self.examined < self.expected {
            let (examined, expected) = (format::count(self.examined), format::count(self.expected));
            Some(format!("examined {examined} of {expected} expected"))
        } else {
            None
        }
    }
}

/// Violations as they are found: all counted, the first ones kept.
#[derive(Clone, Debug)]
pub(super) struct Collected {
    are: &'static str,
    found: Violations,
}

impl Collected {
    /// `are` says what they are, in the plural.
    pub(super) fn new(are: &'static str) -> Self {
        Self {
            are,
            found: Violations::default(),
        }
    }

    /// Counts a violation. Description and timeline are made only where it is shown.
    pub(super) fn add(&mut self, describe: impl FnOnce() -> Violation) {
        self.found.total += 1;
        if self.found.shown.len() < SHOWN_AT_MOST {
            self.found.shown.push(describe());
        }
    }

    pub(super) fn total(&self) -> u64 {
        self.found.total
    }
}

/// Doubts about every timing of a lane whose load did not keep its schedule.
pub(super) fn generator_doubts(record: &LaneRecord) -> Option<String> {
    match &record.generator {
        None => Some("the generator's lateness was not recorded".to_owned()),
        Some(generator) if generator.was_late() => {
            let late = Amount::share(generator.late, generator.offered);
            let after = Amount::from(generator.late_after());
            Some(format!(
                "the generator sent {late} of the load more than {after} late"
            ))
        }
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_violations_are_counted_and_few_are_shown() {
        let mut collected = Collected::new("lost events");
        let mut described = 0;
        for _ in 0..1_000 {
            collected.add(|| {
                described += 1;
                Violation {
                    subject: String::new(),
                    what: String::new(),
                    timeline: Vec::new(),
                }
            });
        }
        assert_eq!(collected.found.total, 1_000);
        assert_eq!(
            (collected.found.shown.len(), described),
            (SHOWN_AT_MOST, SHOWN_AT_MOST)
        );
    }
}
