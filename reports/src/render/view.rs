//! The page as the template needs it: every decision is made here, none in the template.

use std::fmt::Write;

use serde::Serialize;

use super::beside::{BesideView, beside_view};
use super::chip::Chip;
use super::error::RenderError;
use super::facts;
use super::plot::{PlotView, plot};
use super::strip::{Strip, strip};
use crate::evidence::{
    ExitStatus, Figure, Finding, Judgement, Outcome, Report, ScenarioReport, Timing, Violations,
};
use crate::standing::{Bar, Standing};
use crate::{format, summary};

/// The whole page, top to bottom.
#[derive(Debug, Serialize)]
pub(super) struct Page {
    title: String,
    subtitle: String,
    overall: [Overall; 2],
    exit: Exit,
    summary: Vec<SummaryRow>,
    /// Where the run had several providers.
    beside: Option<BesideView>,
    scenarios: Vec<Section>,
    facts: Vec<(&'static str, String)>,
    components: Vec<ComponentView>,
    timings: Vec<(String, String)>,
}

/// The run's verdict by one bar, and how many scenarios stand how.
#[derive(Debug, Serialize)]
struct Overall {
    heading: &'static str,
    chip: Chip,
    counts: Vec<(usize, Chip)>,
}

/// The code that the process ended with, among all that it could have ended with.
#[derive(Debug, Serialize)]
struct Exit {
    code: u8,
    codes: Vec<(u8, &'static str)>,
    /// Why the run broke off, when it did.
    broken: Option<String>,
    /// Scenarios that were not run, allowed or not.
    not_run: Option<String>,
}

/// A line of the first screen's table; `anchor` leads to the scenario's own section.
#[derive(Debug, Serialize)]
struct SummaryRow {
    anchor: String,
    name: String,
    title: String,
    asked: Chip,
    ours: Chip,
    headline: String,
}

/// One scenario. Lists that are empty leave no heading behind.
#[derive(Debug, Serialize)]
struct Section {
    anchor: String,
    name: String,
    title: String,
    claim: String,
    requirements: Vec<String>,
    asked: Chip,
    ours: Chip,
    /// None when nothing was tried.
    took: Option<String>,
    /// What is missing and how to get it, when the scenario was not run.
    not_run: Option<(String, String)>,
    aborted: Option<String>,
    criteria: Vec<Criterion>,
    strip: Option<Strip>,
    plots: Vec<PlotView>,
    /// Name, lane, value with unit, note.
    figures: Vec<(String, String, String, String)>,
    notes: Vec<String>,
    not_shown: Vec<String>,
    timings: Vec<(String, String)>,
    /// Path as the report names it, and where that leads from the page.
    evidence: Vec<(String, String)>,
}

/// One claim, with a row for each lane that it was judged on.
#[derive(Debug, Serialize)]
struct Criterion {
    check: String,
    requirement: String,
    claim: String,
    rows: Vec<CriterionRow>,
}

/// One finding. What broke the claim stands right below it.
#[derive(Debug, Serialize)]
struct CriterionRow {
    lane: String,
    measured: Option<String>,
    asked: BarCell,
    ours: BarCell,
    examined: String,
    /// How many items the check did not get to see.
    unseen: Option<String>,
    violations: Option<ViolationsView>,
    note: Option<String>,
}

/// A verdict beside the bar that it was judged by, since one means little without the other.
#[derive(Debug, Serialize)]
struct BarCell {
    bar: String,
    chip: Chip,
    missed_by: Option<String>,
}

/// The count of all, and the sample that the evidence kept.
#[derive(Debug, Serialize)]
struct ViolationsView {
    heading: String,
    shown: Vec<crate::evidence::Violation>,
}

/// Where a component came from, with all that it takes to get the same one.
#[derive(Debug, Serialize)]
struct ComponentView {
    name: String,
    /// Which provider ran it, where the run had several.
    provider: Option<String>,
    version: String,
    source: String,
    how: String,
    sha256: String,
    size: String,
    path: String,
}

pub(super) fn page(report: &Report) -> Result<Page, RenderError> {
    let scenarios = report.scenarios.iter();
    let sections: Result<_, _> = scenarios.map(|one| section(report, one)).collect();
    let run = &report.run;
    Ok(Page {
        title: format!("gauntlet report {}", run.id),
        subtitle: facts::subtitle(report),
        overall: [
            overall(report, Bar::Asked, "Against what was asked"),
            overall(report, Bar::Ours, "Against our own bars"),
        ],
        exit: exit(report),
        summary: report
            .scenarios
            .iter()
            .zip(summary::rows(report))
            .map(|(scenario, row)| summary_row(report, scenario, row))
            .collect(),
        beside: beside_view(report),
        scenarios: sections?,
        facts: facts::run(report),
        components: components(report),
        timings: timings(&run.timings),
    })
}

/// Kinds that no scenario stands at are left out: a row of zeros tells nothing.
fn overall(report: &Report, bar: Bar, heading: &'static str) -> Overall {
    let verdict = match bar {
        Bar::Asked => report.asked(),
        Bar::Ours => report.ours(),
    };
    let standings: Vec<Standing> = report
        .scenarios
        .iter()
        .map(|scenario| Standing::of(scenario, bar))
        .collect();
    let kinds = [
        Standing::Pass,
        Standing::Fail,
        Standing::Inconclusive,
        Standing::NotRun,
    ];
    let counts = kinds.into_iter().filter_map(|kind| {
        let count = standings
            .iter()
            .filter(|standing| **standing == kind)
            .count();
        (count > 0).then(|| (count, Chip::new(kind, bar)))
    });
    Overall {
        heading,
        chip: Chip::new(verdict.into(), bar),
        counts: counts.collect(),
    }
}

fn exit(report: &Report) -> Exit {
    let status = facts::exit_status(report);
    Exit {
        code: status.code(),
        codes: ExitStatus::ALL
            .map(|status| (status.code(), status.meaning()))
            .to_vec(),
        broken: report.run.broken.clone(),
        not_run: summary::not_run(report),
    }
}

fn summary_row(report: &Report, scenario: &ScenarioReport, row: summary::Row) -> SummaryRow {
    SummaryRow {
        anchor: anchor(report, scenario),
        name: row.scenario,
        title: scenario.title.clone(),
        asked: Chip::new(row.asked, Bar::Asked),
        ours: Chip::new(row.ours, Bar::Ours),
        headline: row.headline,
    }
}

/// Repeats of one scenario need targets of their own, and so does each provider.
fn anchor(report: &Report, scenario: &ScenarioReport) -> String {
    let anchor = format!("{}-{}", scenario.id, scenario.repeat);
    match report.compared_providers().len() {
        0 | 1 => anchor,
        _ => format!("{anchor}-{}", report.provider_of(scenario)),
    }
}

fn section(report: &Report, scenario: &ScenarioReport) -> Result<Section, RenderError> {
    let (mut not_run, mut aborted) = (None, None);
    match &scenario.outcome {
        Outcome::Judged => {}
        Outcome::NotRun { needs, mend } => not_run = Some((needs.clone(), mend.clone())),
        Outcome::Aborted { reason } => aborted = Some(reason.clone()),
    }
    let plots: Result<_, _> = scenario.plots.iter().map(plot).collect();
    Ok(Section {
        anchor: anchor(report, scenario),
        name: summary::name(report, scenario),
        title: scenario.title.clone(),
        claim: scenario.claim.clone(),
        requirements: scenario.requirements.clone(),
        asked: Chip::new(Standing::of(scenario, Bar::Asked), Bar::Asked),
        ours: Chip::new(Standing::of(scenario, Bar::Ours), Bar::Ours),
        took: not_run.is_none().then(|| format::span(scenario.seconds)),
        not_run,
        aborted,
        criteria: criteria(&scenario.findings),
        strip: strip(scenario),
        plots: plots?,
        figures: scenario.figures.iter().map(figure).collect(),
        notes: scenario.notes.clone(),
        not_shown: scenario.not_shown.clone(),
        timings: timings(&scenario.timings),
        evidence: scenario
            .evidence
            .iter()
            .map(|path| evidence(path))
            .collect(),
    })
}

/// Findings of one check with one claim stand together, so that lanes can be compared at a glance.
fn criteria(findings: &[Finding]) -> Vec<Criterion> {
    let mut criteria: Vec<Criterion> = Vec::new();
    for finding in findings {
        // The claim is part of the key: one check may judge two claims on the same lanes.
        let row = criterion_row(finding);
        let same = |criterion: &&mut Criterion| {
            criterion.check == finding.check && criterion.claim == finding.claim
        };
        match criteria.iter_mut().find(same) {
            Some(criterion) => criterion.rows.push(row),
            None => criteria.push(Criterion {
                check: finding.check.clone(),
                requirement: finding.requirement.clone(),
                claim: finding.claim.clone(),
                rows: vec![row],
            }),
        }
    }
    criteria
}

fn criterion_row(finding: &Finding) -> CriterionRow {
    // More may be examined than expected: an unknown outcome may turn out to have happened.
    let unseen = finding.expected.saturating_sub(finding.examined);
    CriterionRow {
        lane: finding.lane.clone(),
        measured: finding.measured.as_ref().map(format::quantity),
        asked: bar_cell(&finding.asked, Bar::Asked),
        ours: bar_cell(&finding.ours, Bar::Ours),
        examined: facts::examined(finding),
        unseen: (unseen > 0).then(|| format!("{} unseen", format::count(unseen))),
        violations: violations(&finding.violations),
        note: finding.note.clone(),
    }
}

fn bar_cell(judgement: &Judgement, bar: Bar) -> BarCell {
    let standing = Standing::from(judgement);
    BarCell {
        // There is none, and the chip says so.
        bar: match standing {
            Standing::NotAsked => String::new(),
            _ => judgement.bar.clone(),
        },
        chip: Chip::new(standing, bar),
        missed_by: judgement.missed_by.clone(),
    }
}

fn violations(violations: &Violations) -> Option<ViolationsView> {
    (violations.total > 0).then(|| ViolationsView {
        heading: facts::violation_count(violations),
        shown: violations.shown.clone(),
    })
}

fn figure(figure: &Figure) -> (String, String, String, String) {
    (
        figure.name.clone(),
        figure.lane.clone(),
        format::with_unit(figure.value, &figure.unit),
        figure.note.clone().unwrap_or_default(),
    )
}

fn evidence(path: &str) -> (String, String) {
    (path.to_owned(), relative_link(path))
}

/// A link that stays below the page's own folder for any path, also one that reads like an address.
fn relative_link(path: &str) -> String {
    let mut link = "./".to_owned();
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b'/' => {
                link.push(char::from(byte));
            }
            other => _ = write!(link, "%{other:02X}"),
        }
    }
    link
}

fn components(report: &Report) -> Vec<ComponentView> {
    let is_mixed = report.compared_providers().len() > 1;
    let components = report.components.iter().map(|component| {
        let provenance = &component.provenance;
        ComponentView {
            name: provenance.name.clone(),
            provider: is_mixed.then(|| report.runner_of(component).to_owned()),
            version: provenance.version.clone(),
            source: provenance.source.clone(),
            how: provenance.how.clone(),
            sha256: provenance.sha256.clone(),
            size: format::bytes(provenance.size_bytes),
            path: provenance.path.clone(),
        }
    });
    components.collect()
}

fn timings(timings: &[Timing]) -> Vec<(String, String)> {
    timings
        .iter()
        .map(|timing| (timing.what.clone(), format::span(timing.seconds)))
        .collect()
}
