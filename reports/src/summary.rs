//! The closing table of a run, as data: whoever prints it decides on widths and colours.

use crate::evidence::{ExitStatus, Finding, Judgement, Outcome, Report, ScenarioReport, Verdict};
use crate::format;
use crate::standing::{Bar, Standing};

/// How many numbers fit beside two verdicts on one terminal line.
const NUMBERS_IN_HEADLINE: usize = 2;

/// One line of the closing table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// As [`name`] tells it from the report's others.
    pub scenario: String,
    pub asked: Standing,
    pub ours: Standing,
    /// The measured numbers that matter most, or why there are none.
    pub headline: String,
}

/// One row per scenario, in the order they ran.
pub fn rows(report: &Report) -> Vec<Row> {
    let rows = report.scenarios.iter();
    rows.map(|scenario| row(report, scenario)).collect()
}

/// The scenario's name among its repeats, and among those on another provider where there are any:
/// `burst-1000 (repeat 2) [containers]`.
pub fn name(report: &Report, scenario: &ScenarioReport) -> String {
    let name = name_among_repeats(scenario);
    match report.compared_providers().len() {
        0 | 1 => name,
        _ => format!("{name} [{}]", report.provider_of(scenario)),
    }
}

/// The scenario's name on its provider, with its repeat from the second on: `burst-1000 (repeat 2)`.
pub(crate) fn name_among_repeats(scenario: &ScenarioReport) -> String {
    match scenario.repeat {
        0 | 1 => scenario.id.clone(),
        repeat => format!("{} (repeat {repeat})", scenario.id),
    }
}

/// The run in one sentence: what its exit status means, why the run broke off if it did, and which
/// scenarios that leaves open.
///
/// What was not run is named even where it was allowed to be missing: the exit code forgives it, a
/// reader has to know.
pub fn conclusion(report: &Report, status: ExitStatus) -> String {
    let missing = not_run(report);
    let missing = missing.map_or_else(String::new, |missing| format!("; not run: {missing}"));
    let broken = report.run.broken.as_ref();
    let broken = broken.map_or_else(String::new, |reason| format!(": {reason}"));
    format!("{}{broken}{missing}", status.meaning())
}

/// Scenarios that were not run, by what they need: `publish-latency, sidecar-memory (needs daprd)`.
/// None where all were run.
pub fn not_run(report: &Report) -> Option<String> {
    let mut by_need: Vec<(&str, Vec<&str>)> = Vec::new();
    for scenario in &report.scenarios {
        let Outcome::NotRun { needs, .. } = &scenario.outcome else {
            continue;
        };
        let group = by_need.iter_mut().find(|(need, _)| need == needs);
        match group {
            // Repeats of one scenario are missing once.
            Some((_, ids)) if ids.contains(&scenario.id.as_str()) => {}
            Some((_, ids)) => ids.push(&scenario.id),
            None => by_need.push((needs, vec![&scenario.id])),
        }
    }
    let groups: Vec<String> = by_need
        .into_iter()
        .map(|(needs, ids)| format!("{} (needs {needs})", ids.join(", ")))
        .collect();
    (!groups.is_empty()).then(|| groups.join(", "))
}

fn row(report: &Report, scenario: &ScenarioReport) -> Row {
    Row {
        scenario: name(report, scenario),
        asked: Standing::of(scenario, Bar::Asked),
        ours: Standing::of(scenario, Bar::Ours),
        headline: headline(scenario),
    }
}

/// A scenario without findings says why instead.
fn headline(scenario: &ScenarioReport) -> String {
    match &scenario.outcome {
        Outcome::NotRun { needs, .. } => format!("needs {needs}"),
        Outcome::Aborted { reason } => format!("aborted: {reason}"),
        Outcome::Judged => numbers(&scenario.findings),
    }
}

/// The numbers of the worst findings: what failed explains a verdict, what passed does not.
fn numbers(findings: &[Finding]) -> String {
    // A stable sort: among equals the scenario's own order stands, its main claim first.
    let mut worst_first: Vec<&Finding> = findings.iter().collect();
    worst_first.sort_by(|a, b| {
        // What nobody asked for ranks by our own bar alone.
        let rank = |judgement: &Judgement| judgement.counted().unwrap_or(Verdict::Pass);
        let severity = |finding: &Finding| (rank(&finding.asked), rank(&finding.ours));
        severity(b).cmp(&severity(a))
    });
    let mut parts: Vec<String> = worst_first
        .into_iter()
        .filter_map(part)
        .take(NUMBERS_IN_HEADLINE)
        .collect();
    if parts.is_empty() {
        parts.push(format::plural(findings.len() as u64, "finding"));
    }
    parts.join(" · ")
}

/// A finding as `check lane value`; none when it has neither a number nor a violation.
fn part(finding: &Finding) -> Option<String> {
    let value = match (&finding.measured, finding.violations.total) {
        (Some(measured), _) => format::quantity(measured),
        (None, 0) => return None,
        (None, total) => format::plural(total, "violation"),
    };
    let lane = match finding.lane.as_str() {
        "" => String::new(),
        lane => format!(" {lane}"),
    };
    Some(format!("{}{lane} {value}", finding.check))
}
