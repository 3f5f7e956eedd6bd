use std::path::Path;
use std::time::{Duration, Instant};

use gauntlet_harness::ledger::{Ledger, write_jsonl};
use gauntlet_harness::stack::Stack;
use gauntlet_reports::ScenarioReport;
use gauntlet_reports::evidence::{Outcome, Timing};
use tokio_util::sync::CancellationToken;

use crate::run::{Run, Settings, plots};
use crate::scenario::{Abort, Meta, Scenario};

/// The system drains within its own 30 s; what is left of it then is stuck.
pub(crate) const STOP_GRACE: Duration = Duration::from_secs(35);

/// A section that says nothing yet beyond what the scenario is.
pub(super) fn blank(meta: &Meta, repeat: u32) -> ScenarioReport {
    let owned = |texts: &[&str]| texts.iter().map(ToString::to_string).collect();
    ScenarioReport {
        id: meta.id.to_owned(),
        title: meta.title.to_owned(),
        claim: meta.claim.to_owned(),
        not_shown: owned(meta.not_shown),
        requirements: owned(meta.requirements),
        repeat,
        outcome: Outcome::Judged,
        seconds: 0.0,
        findings: Vec::new(),
        figures: Vec::new(),
        timeline: Vec::new(),
        plots: Vec::new(),
        timings: Vec::new(),
        notes: Vec::new(),
        evidence: Vec::new(),
    }
}

/// Drives a scenario on a stack that is ready, stops the stack, and judges what was recorded.
///
/// An abort does not discard the record: what was seen before it is judged all the same, and a
/// violation in it stays a violation.
pub(super) async fn drive_and_judge(
    scenario: &dyn Scenario,
    mut run: Run,
    settings: &Settings,
    folder: &Path,
    interrupt: &CancellationToken,
    report: &mut ScenarioReport,
) -> anyhow::Result<()> {
    let driven = tokio::select! {
        driven = scenario.drive(&mut run) => driven,
        () = interrupt.cancelled() => Err(Abort::because("drive the scenario", "interrupted")),
    };
    let salvaged = match &driven {
        Ok(()) => Ok(()),
        Err(_) => run.salvage().await,
    };
    let (ledger, timeline, stack, step) = run.close(scenario.meta().id);
    report.timeline = timeline;
    report.timings = stack.timings().to_vec();
    let surprises = stack.unexpected_exits();
    stop(stack, report).await?;
    for exit in &surprises {
        let last = exit.last_output.last().map_or("", String::as_str);
        report.notes.push(format!(
            "{} ended unasked ({}); its last line: {last}",
            exit.service, exit.exit
        ));
    }
    if let Err(abort) = driven {
        let reason = abort.to_string();
        step.failed(&format!("aborted: {reason}"));
        report.outcome = Outcome::Aborted { reason };
    } else {
        step.done("");
    }
    keep(&ledger, folder, report)?;
    match salvaged {
        Ok(()) => judge(scenario, &ledger, settings, report),
        // Stores that were not read say nothing: everything would look lost.
        Err(abort) => {
            report.notes.push(format!("not judged: {abort}"));
            Ok(())
        }
    }
}

/// Stops the stack; what would not end by itself is worth a note.
async fn stop(stack: Stack, report: &mut ScenarioReport) -> anyhow::Result<()> {
    let began = Instant::now();
    let stopped = stack.stop(STOP_GRACE).await?;
    report.timings.push(Timing {
        what: "stack stopped".to_owned(),
        seconds: began.elapsed().as_secs_f64(),
    });
    for service in stopped.forced {
        report.notes.push(format!(
            "{service} did not stop within {} s and was killed",
            STOP_GRACE.as_secs()
        ));
    }
    Ok(())
}

fn judge(
    scenario: &dyn Scenario,
    ledger: &Ledger,
    settings: &Settings,
    report: &mut ScenarioReport,
) -> anyhow::Result<()> {
    let checks = scenario.checks(settings);
    report.findings = checks.iter().map(|check| check.judge(ledger)).collect();
    report.figures = scenario.figures(ledger, settings);
    report.plots = plots(ledger)?;
    Ok(())
}

/// The ledger itself is the evidence: whoever doubts a verdict can judge it again.
fn keep(ledger: &Ledger, folder: &Path, report: &mut ScenarioReport) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder)?;
    let files = write_jsonl(ledger, folder)?;
    report.evidence = files
        .iter()
        .map(|file| file.display().to_string())
        .collect();
    Ok(())
}
