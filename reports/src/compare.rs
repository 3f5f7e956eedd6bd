//! Comparison of two reports, finding by finding.
//!
//! A comparison states what changed; whether a changed number means anything is for the reader,
//! who is told what else differed between the two runs.

use crate::evidence::{Finding, Quantity, Report, Verdict};
use crate::{format, summary};

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
    /// Scenario, with its repeat from the second on.
    pub scenario: String,
    pub check: String,
    pub lane: String,
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

/// Compares two reports by scenario, check and lane.
pub fn compare(before: &Report, after: &Report) -> Comparison {
    let earlier = keyed(before);
    let later = keyed(after);
    let mut changes: Vec<Change> = later
        .iter()
        .map(|(key, finding)| Change {
            key: key.clone(),
            before: find(&earlier, key),
            after: Some(Side::of(finding)),
        })
        .collect();
    // What vanished must not vanish from the comparison too.
    let gone = earlier
        .iter()
        .filter(|(key, _)| find(&later, key).is_none());
    changes.extend(gone.map(|(key, finding)| Change {
        key: key.clone(),
        before: Some(Side::of(finding)),
        after: None,
    }));
    Comparison {
        before: before.run.id.clone(),
        after: after.run.id.clone(),
        caveats: caveats(before, after),
        changes,
    }
}

impl Change {
    /// Later over earlier; none unless both were measured in one unit and the earlier is not zero.
    pub fn ratio(&self) -> Option<f64> {
        let before = self.before.as_ref()?.measured.as_ref()?;
        let after = self.after.as_ref()?.measured.as_ref()?;
        let ratio = after.value / before.value;
        (before.unit == after.unit && ratio.is_finite()).then_some(ratio)
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
            // Verdicts are ordered from pass to fail.
            (Some(before), Some(after)) => match after.cmp(&before) {
                std::cmp::Ordering::Less => Movement::Better,
                std::cmp::Ordering::Equal => Movement::Same,
                std::cmp::Ordering::Greater => Movement::Worse,
            },
        }
    }
}

impl Side {
    fn of(finding: &Finding) -> Side {
        Side {
            measured: finding.measured.clone(),
            asked: finding.asked.counted(),
            ours: finding.ours.counted(),
        }
    }
}

/// Findings in the report's order, each under what it is called in every run.
fn keyed(report: &Report) -> Vec<(Key, &Finding)> {
    let findings = report.scenarios.iter().flat_map(|scenario| {
        scenario.findings.iter().map(|finding| {
            let key = Key {
                scenario: summary::name(scenario),
                check: finding.check.clone(),
                lane: finding.lane.clone(),
            };
            (key, finding)
        })
    });
    findings.collect()
}

fn find(findings: &[(Key, &Finding)], key: &Key) -> Option<Side> {
    findings
        .iter()
        .find(|(other, _)| other == key)
        .map(|(_, finding)| Side::of(finding))
}

/// Everything beside the code that two runs may differ in, as `what: before → after`.
fn caveats(before: &Report, after: &Report) -> Vec<String> {
    let (old, new) = (&before.run, &after.run);
    let host = |run: &crate::evidence::RunInfo| {
        let host = &run.host;
        let memory = format::bytes(host.memory_bytes);
        format!("{}, {} × {}, {memory}", host.kernel, host.cores, host.cpu)
    };
    let mut caveats = Vec::new();
    let mut note = |what: &str, old: String, new: String| {
        if old != new {
            caveats.push(format!("{what}: {old} → {new}"));
        }
    };
    note("host", host(old), host(new));
    note("build profile", old.profile.clone(), new.profile.clone());
    note("stack", old.stack.clone(), new.stack.clone());
    note("provider", old.provider.clone(), new.provider.clone());
    note("seed", old.seed.to_string(), new.seed.to_string());
    for component in &after.components {
        let earlier = before
            .components
            .iter()
            .find(|other| other.name == component.name);
        if let Some(earlier) = earlier {
            note(
                &component.name,
                earlier.version.clone(),
                component.version.clone(),
            );
            // The same version built in another way is another binary.
            if earlier.version == component.version && earlier.sha256 != component.sha256 {
                note(
                    &component.name,
                    earlier.source.clone(),
                    component.source.clone(),
                );
            }
        }
    }
    caveats
}
