use std::path::Path;

use gauntlet_harness::check::{Check, GracefulStop};
use gauntlet_harness::ledger::{Ledger, append_endings, write_cases, write_jsonl};
use gauntlet_harness::provider::UnexpectedExit;
use gauntlet_reports::ScenarioReport;
use gauntlet_reports::evidence::Outcome;
use tokio_util::sync::CancellationToken;

use super::stopping::{Endings, stop};
use crate::run::{Run, Settings, plots};
use crate::scenario::{Abort, Meta, Scenario};

/// Where a scenario's evidence goes: a folder of the scenario's own in the run's folder, which the
/// report is in too.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    pub(super) run: &'a Path,
    pub(super) name: &'a str,
}

/// A section that says nothing yet beyond what the scenario is.
pub(super) fn blank(meta: &Meta, provider: &str, repeat: u32) -> ScenarioReport {
    let owned = |texts: &[&str]| texts.iter().map(ToString::to_string).collect();
    ScenarioReport {
        id: meta.id.to_owned(),
        title: meta.title.to_owned(),
        claim: meta.claim.to_owned(),
        not_shown: owned(meta.not_shown),
        requirements: owned(meta.requirements),
        repeat,
        provider: provider.to_owned(),
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

/// Drives a scenario on a stack that is ready, judges what was recorded, and stops the stack.
///
/// An abort does not discard the record: what was seen before it is judged all the same, and a
/// violation in it stays a violation.
pub(super) async fn drive_and_judge(
    scenario: &dyn Scenario,
    mut run: Run,
    settings: &Settings,
    place: Place<'_>,
    interrupt: &CancellationToken,
    report: &mut ScenarioReport,
) -> anyhow::Result<()> {
    let driven = drive(scenario, &mut run, interrupt).await;
    let salvaged = match &driven {
        Ok(()) => Ok(()),
        Err(_) => run.salvage().await,
    };
    let (ledger, timeline, stack, step) = run.close(scenario.meta().id);
    report.timeline = timeline;
    report.timings = stack.timings().to_vec();
    let deaths = stack.unexpected_exits();
    // What ended after the last moment of the drive was part of the run all the same.
    let driven = driven.and_then(|()| deaths.first().map_or(Ok(()), |death| Err(abort(death))));
    report.notes.extend(deaths.iter().map(words));
    if let Err(abort) = driven {
        let reason = abort.to_string();
        step.failed(&format!("aborted: {reason}"));
        report.outcome = Outcome::Aborted { reason };
    } else {
        step.done("");
    }
    // Before the stop, which may fail or be cut short: the record is what the run was for.
    let judged = keep(&ledger, place, report)
        .and_then(|()| judge_salvaged(scenario, &ledger, settings, salvaged, report));
    let stopped = stop(stack, report).await;
    let ended = stopped.and_then(|endings| judge_endings(ledger, endings, place, report));
    judged.and(ended)
}

/// The ends are a part of the record that is there only now.
fn judge_endings(
    ledger: Ledger,
    endings: Endings,
    place: Place<'_>,
    report: &mut ScenarioReport,
) -> anyhow::Result<()> {
    let checks: Vec<GracefulStop> = endings.keys().cloned().map(GracefulStop::new).collect();
    let ledger = ledger.ended(endings);
    append_endings(&ledger, &place.run.join(place.name))?;
    let findings = checks.iter().map(|check| check.judge(&ledger));
    report.findings.extend(findings);
    Ok(())
}

/// Drives until the end, the user's interrupt, or the death of a service that nobody had ordered:
/// whatever is measured on the rest of the stack says nothing of the claim.
async fn drive(
    scenario: &dyn Scenario,
    run: &mut Run,
    interrupt: &CancellationToken,
) -> Result<(), Abort> {
    let death = run.until_unexpected_exit();
    tokio::select! {
        driven = scenario.drive(run) => driven,
        death = death => Err(abort(&death)),
        () = interrupt.cancelled() => Err(Abort::because("drive the scenario", "interrupted")),
    }
}

fn abort(death: &UnexpectedExit) -> Abort {
    Abort::because("drive the scenario", words(death))
}

fn words(death: &UnexpectedExit) -> String {
    let last = death.last_output.last().map_or("", String::as_str);
    format!(
        "{} ended unasked ({}); its last line: {last}",
        death.service, death.exit
    )
}

/// Stores that were not read, or not to the end, say nothing: everything would look lost or invented.
fn judge_salvaged(
    scenario: &dyn Scenario,
    ledger: &Ledger,
    settings: &Settings,
    salvaged: Result<(), Abort>,
    report: &mut ScenarioReport,
) -> anyhow::Result<()> {
    match salvaged {
        Ok(()) => judge(scenario, ledger, settings, report),
        Err(abort) => {
            report.notes.push(format!("not judged: {abort}"));
            Ok(())
        }
    }
}

fn judge(
    scenario: &dyn Scenario,
    ledger: &Ledger,
    settings: &Settings,
    report: &mut ScenarioReport,
) -> anyhow::Result<()> {
    let on_this_stack = scenario.not_shown_on(&scenario.topology(settings.offered));
    report
        .not_shown
        .extend(on_this_stack.iter().map(ToString::to_string));
    let checks = scenario.checks(settings);
    report.findings = checks.iter().map(|check| check.judge(ledger)).collect();
    report.figures = scenario.figures(ledger, settings);
    report.plots = plots(ledger)?;
    Ok(())
}

/// The ledger itself is the evidence: whoever doubts a verdict can judge it again.
fn keep(ledger: &Ledger, place: Place<'_>, report: &mut ScenarioReport) -> anyhow::Result<()> {
    let folder = place.run.join(place.name);
    std::fs::create_dir_all(&folder)?;
    let mut files = write_jsonl(ledger, &folder)?;
    files.extend(write_cases(ledger, &folder)?);
    report.evidence = files
        .iter()
        .map(|file| {
            let within = file.strip_prefix(place.run).unwrap_or(file);
            within.display().to_string()
        })
        .collect();
    Ok(())
}

#[cfg(test)]
mod tests {
    use gauntlet_harness::ledger::{Ended, EndingRecord, Lane, read_jsonl, sample};
    use gauntlet_harness::stack::StackKind;
    use gauntlet_reports::evidence::Verdict;

    use super::*;
    use crate::registry;

    #[test]
    fn evidence_is_named_from_the_folder_that_the_report_is_in() {
        let folder = tempfile::tempdir().expect("a folder");
        let place = Place {
            run: folder.path(),
            name: "consumer-crash-1",
        };
        let ledger = Ledger::new("consumer-crash", vec![sample::lane("direct-redis", 2)]);
        let scenario = registry::find("consumer-crash").expect("a scenario");
        let mut report = blank(scenario.meta(), "process", 1);
        keep(&ledger, place, &mut report).expect("is written");
        assert_eq!(
            report.evidence,
            ["consumer-crash-1/ledger-direct-redis.jsonl"]
        );
        assert!(folder.path().join(&report.evidence[0]).is_file());
    }

    #[test]
    fn endings_are_judged_from_the_ledger_and_stand_in_the_evidence() {
        let folder = tempfile::tempdir().expect("a folder");
        let place = Place {
            run: folder.path(),
            name: "a",
        };
        let lane = Lane::new("direct-redis");
        let ledger = Ledger::new("consumer-crash", vec![sample::lane(lane.as_str(), 2)]);
        let scenario = registry::find("consumer-crash").expect("a scenario");
        let mut report = blank(scenario.meta(), "process", 1);
        keep(&ledger, place, &mut report).expect("is written");
        let killed = EndingRecord {
            service: "direct-redis/api".to_owned(),
            ended: Ended::ByForce,
        };
        let endings = Endings::from([(lane.clone(), vec![killed])]);
        judge_endings(ledger, endings, place, &mut report).expect("is written");
        let judged = &report.findings[0];
        assert_eq!(
            (judged.check.as_str(), judged.asked.verdict),
            ("graceful-stop", Verdict::Fail)
        );
        let file = folder.path().join(&report.evidence[0]);
        let read = read_jsonl(&[file]).expect("is a ledger");
        assert_eq!(&GracefulStop::new(lane).judge(&read), judged);
    }

    #[test]
    fn planted_stack_without_sidecars_says_that_none_was_killed() {
        let scenario = registry::find("consumer-crash").expect("a scenario");
        let not_shown = |offered| {
            let settings = Settings {
                offered,
                seed: 1,
                duration: None,
            };
            let ledger = Ledger::new("consumer-crash", Vec::new());
            let mut report = blank(scenario.meta(), "process", 1);
            judge(scenario.as_ref(), &ledger, &settings, &mut report).expect("is judged");
            report.not_shown
        };
        let no_sidecar = |line: &String| line.contains("no sidecar");
        assert!(not_shown(StackKind::Light).iter().any(no_sidecar));
        assert!(!not_shown(StackKind::Full).iter().any(no_sidecar));
    }
}
