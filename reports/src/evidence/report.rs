use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Component, ExitStatus, Finding, Providers, Verdict, number};

/// Name and version of the schema that [`Report`] serialises to.
pub const SCHEMA: &str = "gauntlet.report/1";

/// One run of the gauntlet: what ran, on what, and what was concluded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    pub schema: String,
    pub run: RunInfo,
    pub components: Vec<Component>,
    pub scenarios: Vec<ScenarioReport>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunInfo {
    pub id: String,
    pub started: Timestamp,
    pub finished: Timestamp,
    /// Replays the run's random choices: `gauntlet run --seed N`.
    pub seed: u64,
    /// The command line as typed.
    pub command: Vec<String>,
    pub version: String,
    /// Commit of the checkout that was built; none outside a checkout.
    pub commit: Option<String>,
    /// True when the checkout had uncommitted changes.
    pub dirty: bool,
    /// Build profile of the harness and of the system under test: `release` or `debug`.
    pub profile: String,
    /// `full` or `light`.
    pub stack: String,
    /// What the components ran in, and why.
    #[serde(flatten)]
    pub providers: Providers,
    pub host: Host,
    /// What setting up took, in order.
    pub timings: Vec<Timing>,
    /// Scenarios named by `--allow-not-run`: the exit code leaves them out when they were not run.
    #[serde(default)]
    pub allowed_not_run: Vec<String>,
    /// Why the harness could not carry the run to its end, when it could not: the exit status is then
    /// that of a harness failure, whatever was judged before.
    #[serde(default)]
    pub broken: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Host {
    pub os: String,
    pub kernel: String,
    pub cpu: String,
    pub cores: u32,
    pub memory_bytes: u64,
}

/// How long one step took.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Timing {
    pub what: String,
    pub seconds: f64,
}

/// One scenario's result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScenarioReport {
    pub id: String,
    pub title: String,
    /// The claim in the user's words.
    pub claim: String,
    /// What a pass does not show.
    pub not_shown: Vec<String>,
    pub requirements: Vec<String>,
    /// Which of `--repeat N`, from 1.
    pub repeat: u32,
    /// The provider of its stack, by name. Empty in older reports, whose run had one.
    #[serde(default)]
    pub provider: String,
    pub outcome: Outcome,
    pub seconds: f64,
    pub findings: Vec<Finding>,
    pub figures: Vec<Figure>,
    pub timeline: Vec<TimelineEntry>,
    pub plots: Vec<Plot>,
    pub timings: Vec<Timing>,
    pub notes: Vec<String>,
    /// Evidence files, relative to the report's folder.
    pub evidence: Vec<String>,
}

/// How far a scenario came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Outcome {
    Judged,
    /// A prerequisite is missing; nothing was tried.
    NotRun {
        needs: String,
        mend: String,
    },
    /// The scenario could not be driven to its end: inconclusive, never a fail.
    Aborted {
        reason: String,
    },
}

/// A number worth showing that no bar applies to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Figure {
    pub lane: String,
    pub name: String,
    #[serde(deserialize_with = "number::or_nan")]
    pub value: f64,
    pub unit: String,
    pub note: Option<String>,
}

/// Something that happened, in seconds since the scenario began.
///
/// A phase lasts until the next phase of the same lane, or of the whole run (empty lane); a lane
/// that stops working while another goes on therefore says so by a phase of its own. A fault lasts
/// until the next heal of its lane.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TimelineEntry {
    pub at_seconds: f64,
    pub kind: TimelineKind,
    pub lane: String,
    pub what: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimelineKind {
    Phase,
    Fault,
    Heal,
    Note,
}

/// Data of a plot; renderers draw it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Plot {
    /// Latency by percentile, the usual way to read a tail.
    Latency {
        title: String,
        series: Vec<LatencySeries>,
    },
    /// Values over time, e.g. resident memory.
    Time {
        title: String,
        unit: String,
        series: Vec<Series>,
    },
}

/// A latency distribution as `(percentile 0–100, milliseconds)`, ascending.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LatencySeries {
    pub name: String,
    pub count: u64,
    #[serde(deserialize_with = "number::pairs_or_nan")]
    pub points: Vec<(f64, f64)>,
}

/// A line as `(seconds, value)`, ascending.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Series {
    pub name: String,
    #[serde(deserialize_with = "number::pairs_or_nan")]
    pub points: Vec<(f64, f64)>,
}

impl ScenarioReport {
    /// The verdict against what was asked. Not run and aborted are inconclusive.
    pub fn asked(&self) -> Verdict {
        self.folded(|finding| finding.asked.counted())
    }

    /// The verdict against our own bars.
    pub fn ours(&self) -> Verdict {
        self.folded(|finding| finding.ours.counted())
    }

    /// Over the criteria that have the bar: where nobody asked, nothing was promised or broken.
    fn folded(&self, verdict: impl Fn(&Finding) -> Option<Verdict>) -> Verdict {
        let judged = Verdict::fold(self.findings.iter().filter_map(verdict));
        match self.outcome {
            Outcome::Judged => judged,
            Outcome::NotRun { .. } => Verdict::Inconclusive,
            // A violation seen before the abort stays a violation.
            Outcome::Aborted { .. } => judged.max(Verdict::Inconclusive),
        }
    }
}

impl Report {
    /// The provider that a scenario ran on: its own, or the run's only one.
    pub fn provider_of<'a>(&'a self, scenario: &'a ScenarioReport) -> &'a str {
        self.named_or_only(&scenario.provider)
    }

    /// The provider that ran a component.
    pub fn runner_of<'a>(&'a self, component: &'a Component) -> &'a str {
        self.named_or_only(&component.provider)
    }

    fn named_or_only<'a>(&'a self, name: &'a str) -> &'a str {
        let first = self.run.providers.iter().next();
        match (name, first) {
            ("", Some(first)) => &first.name,
            _ => name,
        }
    }

    /// The providers that scenarios ran on, in the run's order. Renderings set them beside each other
    /// where there is more than one.
    pub fn compared_providers(&self) -> Vec<&str> {
        let named = self.run.providers.iter().map(|info| info.name.as_str());
        let met = self.scenarios.iter().map(|one| self.provider_of(one));
        let mut providers: Vec<&str> = Vec::new();
        for name in named.chain(met) {
            let ran = self
                .scenarios
                .iter()
                .any(|one| self.provider_of(one) == name);
            if ran && !providers.contains(&name) {
                providers.push(name);
            }
        }
        providers
    }

    /// The verdict of the whole run against what was asked, without the scenarios that the run was
    /// told to leave out when they were not run. A run that broke off is never a pass.
    pub fn asked(&self) -> Verdict {
        self.folded(ScenarioReport::asked)
    }

    /// The verdict of the whole run against our own bars, as [`Report::asked`] counts.
    pub fn ours(&self) -> Verdict {
        self.folded(ScenarioReport::ours)
    }

    /// The exit status that the process ends with. A run that broke off is a failure of the harness;
    /// any other goes by *asked*, and scenarios named in `allowed_not_run` do not count when not run.
    pub fn exit_status(&self, allowed_not_run: &[String]) -> ExitStatus {
        if self.run.broken.is_some() {
            return ExitStatus::HarnessFailure;
        }
        match Verdict::fold(self.counted(allowed_not_run).map(ScenarioReport::asked)) {
            Verdict::Pass => ExitStatus::Pass,
            Verdict::Fail => ExitStatus::Fail,
            Verdict::Inconclusive => ExitStatus::InconclusiveOrNotRun,
        }
    }

    fn folded(&self, verdict: impl Fn(&ScenarioReport) -> Verdict) -> Verdict {
        let counted = self.counted(&self.run.allowed_not_run);
        let broken = self.run.broken.iter().map(|_| Verdict::Inconclusive);
        Verdict::fold(counted.map(verdict).chain(broken))
    }

    fn counted(&self, allowed_not_run: &[String]) -> impl Iterator<Item = &ScenarioReport> {
        self.scenarios.iter().filter(move |scenario| {
            !(matches!(scenario.outcome, Outcome::NotRun { .. })
                && allowed_not_run.contains(&scenario.id))
        })
    }
}
