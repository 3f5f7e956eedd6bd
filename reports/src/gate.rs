//! The release gate: whether a report is good enough to ship what it judged, and why not.

use std::fmt;

use crate::evidence::{ExitStatus, Outcome, Report, ScenarioReport, Verdict};
use crate::standing::Bar;
use crate::summary;

/// What a release demands of a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Scenarios that have to be in the report: a report of nothing but passes can still lack the
    /// scenario that would have failed.
    pub required: Vec<String>,
    /// Scenarios that may stand as *not run*.
    pub allowed_not_run: Vec<String>,
    pub bars: Bars,
    pub build: Build,
}

/// Which bars a release is held to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bars {
    Asked,
    AskedAndOurs,
}

/// Which build the evidence may come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Build {
    Any,
    /// Release profile, from a checkout without uncommitted changes: what was judged can be built
    /// again.
    CleanRelease,
}

/// What the gate decided. It opens when no reason blocks it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    pub status: ExitStatus,
    pub reasons: Vec<Reason>,
}

/// One thing that keeps the gate closed, in words that end with what to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// A criterion is not met, or was not settled.
    Criterion {
        scenario: String,
        check: String,
        lane: String,
        bar: Bar,
        verdict: Verdict,
        missed_by: Option<String>,
    },
    NotRun {
        scenario: String,
        needs: String,
    },
    Aborted {
        scenario: String,
        reason: String,
    },
    /// The scenario was driven to its end and yet nothing was judged.
    NothingJudged {
        scenario: String,
    },
    /// Required by the policy, and nowhere in the report.
    Missing {
        scenario: String,
    },
    /// The harness could not carry the run to its end, so what it did not come to is not known.
    BrokeOff {
        reason: String,
    },
    /// No scenario was run, or all that were not run are excused.
    Empty,
    DebugBuild {
        profile: String,
    },
    /// Built from uncommitted changes, or outside a checkout.
    NotReproducible,
}

impl Decision {
    pub fn is_open(&self) -> bool {
        self.status == ExitStatus::Pass
    }
}

/// Holds a report against a policy. Every reason is named, not only the first.
pub fn judge(report: &Report, policy: &Policy) -> Decision {
    let mut reasons = Vec::new();
    // A report whose every scenario is excused vouches for nothing.
    if report
        .scenarios
        .iter()
        .all(|scenario| is_excused(scenario, policy))
    {
        reasons.push(Reason::Empty);
    }
    if let Some(reason) = &report.run.broken {
        reasons.push(Reason::BrokeOff {
            reason: reason.clone(),
        });
    }
    for id in &policy.required {
        if !report.scenarios.iter().any(|scenario| scenario.id == *id) {
            reasons.push(Reason::Missing {
                scenario: id.clone(),
            });
        }
    }
    for scenario in &report.scenarios {
        judge_scenario(report, scenario, policy, &mut reasons);
    }
    if policy.build == Build::CleanRelease {
        judge_build(report, &mut reasons);
    }
    let status = match Verdict::fold(reasons.iter().map(Reason::weight)) {
        _ if reasons.is_empty() => ExitStatus::Pass,
        Verdict::Fail => ExitStatus::Fail,
        Verdict::Pass | Verdict::Inconclusive => ExitStatus::InconclusiveOrNotRun,
    };
    Decision { status, reasons }
}

/// Only *not run* can be excused by name. A scenario that was tried and failed or aborted cannot.
fn is_excused(scenario: &ScenarioReport, policy: &Policy) -> bool {
    matches!(scenario.outcome, Outcome::NotRun { .. })
        && policy.allowed_not_run.contains(&scenario.id)
}

/// A scenario of nothing but goals of our own has nothing to ship by.
fn is_judged_by_asked(scenario: &ScenarioReport) -> bool {
    let mut findings = scenario.findings.iter();
    findings.any(|finding| finding.asked.counted().is_some())
}

/// A violation counts even where the scenario was aborted later: what was seen was seen.
fn judge_scenario(
    report: &Report,
    scenario: &ScenarioReport,
    policy: &Policy,
    reasons: &mut Vec<Reason>,
) {
    if is_excused(scenario, policy) {
        return;
    }
    let name = summary::name(report, scenario);
    match &scenario.outcome {
        Outcome::NotRun { needs, .. } => {
            reasons.push(Reason::NotRun {
                scenario: name,
                needs: needs.clone(),
            });
            return;
        }
        Outcome::Aborted { reason } => {
            reasons.push(Reason::Aborted {
                scenario: name.clone(),
                reason: reason.clone(),
            });
        }
        Outcome::Judged if !is_judged_by_asked(scenario) => {
            reasons.push(Reason::NothingJudged {
                scenario: name.clone(),
            });
        }
        Outcome::Judged => {}
    }
    for finding in &scenario.findings {
        let held = match policy.bars {
            Bars::Asked => vec![(Bar::Asked, &finding.asked)],
            Bars::AskedAndOurs => vec![(Bar::Asked, &finding.asked), (Bar::Ours, &finding.ours)],
        };
        for (bar, judgement) in held {
            let Some(verdict) = judgement.counted() else {
                continue;
            };
            if verdict != Verdict::Pass {
                reasons.push(Reason::Criterion {
                    scenario: name.clone(),
                    check: finding.check.clone(),
                    lane: finding.lane.clone(),
                    bar,
                    verdict,
                    missed_by: judgement.missed_by.clone(),
                });
            }
        }
    }
}

/// Numbers of a debug build say nothing of what ships; a dirty checkout cannot be shipped at all.
fn judge_build(report: &Report, reasons: &mut Vec<Reason>) {
    if report.run.profile != "release" {
        reasons.push(Reason::DebugBuild {
            profile: report.run.profile.clone(),
        });
    }
    if report.run.dirty || report.run.commit.is_none() {
        reasons.push(Reason::NotReproducible);
    }
}

impl Reason {
    /// A broken claim and an unfit build are settled; all else is a question left open.
    fn weight(&self) -> Verdict {
        match self {
            Reason::Criterion { verdict, .. } => *verdict,
            Reason::DebugBuild { .. } | Reason::NotReproducible => Verdict::Fail,
            Reason::NotRun { .. }
            | Reason::Aborted { .. }
            | Reason::NothingJudged { .. }
            | Reason::Missing { .. }
            | Reason::BrokeOff { .. }
            | Reason::Empty => Verdict::Inconclusive,
        }
    }
}

/// One line: which scenario, which check on which lane, by which bar, and by how much.
impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::Criterion {
                scenario,
                check,
                lane,
                bar,
                verdict,
                missed_by,
            } => {
                write!(f, "{scenario}: {check}")?;
                if !lane.is_empty() {
                    write!(f, " on {lane}")?;
                }
                write!(f, ": {} by {}", verdict.as_str(), bar.as_str())?;
                match missed_by {
                    Some(missed_by) => write!(f, ": {missed_by}"),
                    None => Ok(()),
                }
            }
            Reason::NotRun { scenario, needs } => write!(f, "{scenario}: not run, needs {needs}"),
            Reason::Aborted { scenario, reason } => write!(f, "{scenario}: aborted: {reason}"),
            Reason::NothingJudged { scenario } => write!(f, "{scenario}: nothing was judged"),
            Reason::Missing { scenario } => {
                write!(f, "{scenario}: required, and not in the report")
            }
            Reason::BrokeOff { reason } => write!(f, "the run broke off: {reason}"),
            Reason::Empty => f.write_str("the report holds no scenario that was run"),
            Reason::DebugBuild { profile } => {
                write!(
                    f,
                    "the evidence comes from a {profile} build, not a release build"
                )
            }
            Reason::NotReproducible => {
                f.write_str("the evidence comes from no commit: the checkout had changes or none")
            }
        }
    }
}
