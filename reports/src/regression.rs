//! What got worse from one run to the next: the gate of a series of runs, such as one a night, each held
//! against the last good one.
//!
//! [`crate::gate`] asks whether a run is good enough by itself. A run may be that and still be worse than
//! the one before, long before a bar breaks.

use crate::caveats::incomparable;
use crate::compare::{Key, Movement, movement};
use crate::evidence::{Finding, Outcome, Quantity, Report, ScenarioReport, Verdict};
use crate::numbers;
use crate::pairing::{Matching, partner};

/// How much worse a number may be, in percent of its earlier value and of the bar that it is held to: it
/// has to be worse by more than both.
///
/// The second half keeps a number that is far below its bar from counting when it moves by next to
/// nothing, such as 0 % of late sends that become 0.1 %.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tolerance {
    pub percent: f64,
}

impl Default for Tolerance {
    /// Two runs of `sidecar-memory` on one machine differed by up to 4 % in a peak and by up to 17 % in
    /// the growth over a minute.
    fn default() -> Self {
        Tolerance { percent: 20.0 }
    }
}

/// What is worse in the later of two runs, and how much there was to compare.
#[derive(Clone, Debug, PartialEq)]
pub struct Regression {
    pub before: String,
    pub after: String,
    pub tolerance: Tolerance,
    pub worse: Vec<Worse>,
    /// Criteria of which both runs have a verdict against what was asked.
    pub verdicts: usize,
    /// Numbers of both runs that were held against each other.
    pub numbers: usize,
    /// Why no number was, where the runs were not measured on the same thing: `the machine` …
    pub incomparable: Vec<&'static str>,
    /// The earlier run's own verdict against what was asked. Little follows from not being worse than a
    /// run that failed.
    pub before_asked: Verdict,
}

/// One thing that got worse.
#[derive(Clone, Debug, PartialEq)]
pub enum Worse {
    /// The harness did not carry the later run to its end.
    BrokeOff { reason: String },
    /// The earlier run judged it; the later one does not have it, or not in every repeat.
    Scenario { scenario: String, now: String },
    /// What was asked held before, or was open, and no longer is.
    Verdict {
        key: Key,
        before: Verdict,
        after: Verdict,
        missed_by: Option<String>,
    },
    /// The earlier run judged it by what was asked, and the later one does not.
    NotJudged { key: Key, before: Verdict },
    /// Worse by more than the tolerance, and in its best repeat worse than the earlier run in its worst.
    Number {
        key: Key,
        before: Quantity,
        after: Quantity,
        /// Of the earlier number; none where that was zero or less.
        percent: Option<f64>,
        /// In words, as the report has it.
        bar: String,
    },
}

impl Regression {
    /// Nothing was compared, so that nothing being worse says nothing.
    pub fn is_void(&self) -> bool {
        self.worse.is_empty() && self.verdicts == 0 && self.numbers == 0
    }
}

/// A scenario in all its repeats on one provider: a run with fewer repeats has lost none of its claims.
#[derive(Debug)]
struct Group<'a> {
    name: String,
    repeats: Vec<&'a ScenarioReport>,
}

impl<'a> Group<'a> {
    fn findings(&self) -> impl Iterator<Item = &'a Finding> + '_ {
        self.repeats.iter().flat_map(|one| &one.findings)
    }

    /// Whether every repeat was driven to its end and judged.
    fn is_whole(&self) -> bool {
        let judged =
            |one: &&ScenarioReport| one.outcome == Outcome::Judged && !one.findings.is_empty();
        !self.repeats.is_empty() && self.repeats.iter().all(judged)
    }

    /// One finding a criterion, for all repeats.
    fn criteria(&self) -> Vec<&'a Finding> {
        let mut criteria: Vec<&Finding> = Vec::new();
        for finding in self.findings() {
            if !criteria.iter().any(|known| is_same(known, finding)) {
                criteria.push(finding);
            }
        }
        criteria
    }

    fn all_of(&self, criterion: &Finding) -> Vec<&'a Finding> {
        self.findings()
            .filter(|finding| is_same(criterion, finding))
            .collect()
    }
}

fn is_same(one: &Finding, other: &Finding) -> bool {
    one.check == other.check && one.lane == other.lane && one.claim == other.claim
}

/// Finds what got worse. What is new in the later run is not: its own exit code judges that.
pub fn regression(before: &Report, after: &Report, tolerance: Tolerance) -> Regression {
    let mut found = Regression {
        before: before.run.id.clone(),
        after: after.run.id.clone(),
        tolerance,
        worse: Vec::new(),
        verdicts: 0,
        numbers: 0,
        incomparable: incomparable(before, after),
        before_asked: before.asked(),
    };
    if let (Some(reason), None) = (&after.run.broken, &before.run.broken) {
        let reason = reason.clone();
        found.worse.push(Worse::BrokeOff { reason });
    }
    let matching = Matching::new(before, after);
    for earlier in groups(before, &matching) {
        let first = earlier.repeats.first();
        let is_same =
            |later: &&ScenarioReport| first.is_some_and(|earlier| matching.is_same(earlier, later));
        let later = Group {
            name: earlier.name.clone(),
            repeats: after.scenarios.iter().filter(is_same).collect(),
        };
        found.hold(&earlier, &later);
    }
    found
}

fn groups<'a>(report: &'a Report, matching: &Matching<'_>) -> Vec<Group<'a>> {
    let mut groups: Vec<Group<'a>> = Vec::new();
    for scenario in &report.scenarios {
        let name = matching.name_of_all(report, scenario);
        match groups.iter_mut().find(|group| group.name == name) {
            Some(group) => group.repeats.push(scenario),
            None => groups.push(Group {
                name,
                repeats: vec![scenario],
            }),
        }
    }
    groups
}

impl Regression {
    fn hold(&mut self, earlier: &Group<'_>, later: &Group<'_>) {
        let lost = lost(earlier, later);
        let is_lost = lost.is_some();
        self.worse.extend(lost.map(|now| Worse::Scenario {
            scenario: earlier.name.clone(),
            now,
        }));
        let (own, others) = (earlier.criteria(), later.criteria());
        for criterion in &own {
            let key = Key::new(&earlier.name, criterion, &own);
            let olds = earlier.all_of(criterion);
            match partner(criterion, &own, &others) {
                Some(found) => {
                    let news = later.all_of(found);
                    self.hold_verdict(&key, &olds, &news);
                    self.hold_number(&key, &olds, &news);
                }
                // That the scenario is lost says it for all its criteria.
                None if is_lost => {}
                None => self.worse.extend(asked(&olds).map(|before| {
                    let key = key.clone();
                    Worse::NotJudged { key, before }
                })),
            }
        }
    }

    fn hold_verdict(&mut self, key: &Key, olds: &[&Finding], news: &[&Finding]) {
        let (before, after) = (asked(olds), asked(news));
        let key = key.clone();
        match (before, after) {
            (Some(before), Some(after)) => {
                self.verdicts += 1;
                if movement(before, after) == Movement::Worse {
                    let missed = news.iter().find_map(|new| new.asked.missed_by.clone());
                    self.worse.push(Worse::Verdict {
                        key,
                        before,
                        after,
                        missed_by: missed,
                    });
                }
            }
            (Some(before), None) => self.worse.push(Worse::NotJudged { key, before }),
            (None, _) => {}
        }
    }

    fn hold_number(&mut self, key: &Key, olds: &[&Finding], news: &[&Finding]) {
        if !self.incomparable.is_empty() {
            return;
        }
        let Some(held) = numbers::hold(olds, news, self.tolerance.percent) else {
            return;
        };
        self.numbers += 1;
        if held.is_worse {
            self.worse.push(Worse::Number {
                key: key.clone(),
                before: held.before,
                after: held.after,
                percent: held.percent,
                bar: held.bar,
            });
        }
    }
}

/// The worst of all repeats; none where nobody asked.
fn asked(findings: &[&Finding]) -> Option<Verdict> {
    let verdicts = findings
        .iter()
        .filter_map(|finding| finding.asked.counted());
    verdicts.max()
}

/// How a scenario stands now, where the earlier run had more of it: every repeat judged, or anything at
/// all.
fn lost(earlier: &Group<'_>, later: &Group<'_>) -> Option<String> {
    let had_any = earlier.findings().next().is_some();
    let has_none = later.findings().next().is_none();
    let is_less = had_any && has_none || earlier.is_whole() && !later.is_whole();
    is_less.then(|| {
        let mut outcomes = later.repeats.iter().map(|one| &one.outcome);
        let open = outcomes.find_map(|outcome| match outcome {
            Outcome::Judged => None,
            Outcome::NotRun { needs, .. } => Some(format!("not run, needs {needs}")),
            Outcome::Aborted { reason } => Some(format!("aborted: {reason}")),
        });
        match (later.repeats.as_slice(), open) {
            ([], _) => "not in the report".to_owned(),
            (_, Some(open)) => open,
            (_, None) => "nothing was judged".to_owned(),
        }
    })
}
