//! How findings become the verdict of a scenario, and scenarios that of a run.

use gauntlet_reports::evidence::ExitStatus;
use gauntlet_reports::{Bar, Outcome, Report, ScenarioReport, Standing, Verdict};

use crate::fixture;

fn scenario(outcome: Outcome, asked: &[Verdict]) -> ScenarioReport {
    let findings = asked
        .iter()
        .map(|verdict| fixture::finding("c", "", *verdict, Verdict::Pass));
    ScenarioReport {
        outcome,
        findings: findings.collect(),
        ..fixture::report().scenarios.swap_remove(0)
    }
}

fn run(scenarios: Vec<ScenarioReport>) -> Report {
    Report {
        scenarios,
        ..fixture::report()
    }
}

fn not_run() -> Outcome {
    Outcome::NotRun {
        needs: "daprd".to_owned(),
        mend: "fetch it".to_owned(),
    }
}

fn abort() -> Outcome {
    Outcome::Aborted {
        reason: "not ready".to_owned(),
    }
}

#[test]
fn an_abort_is_never_a_pass_and_hides_no_fail() {
    use Verdict::{Fail, Inconclusive, Pass};
    assert_eq!(scenario(abort(), &[]).asked(), Inconclusive);
    assert_eq!(scenario(abort(), &[Pass]).asked(), Inconclusive);
    assert_eq!(scenario(abort(), &[Pass, Fail]).asked(), Fail);
}

#[test]
fn nothing_judged_is_inconclusive() {
    assert_eq!(
        scenario(Outcome::Judged, &[]).asked(),
        Verdict::Inconclusive
    );
    assert_eq!(run(vec![]).asked(), Verdict::Inconclusive);
    assert_eq!(
        run(vec![]).exit_status(&[]),
        ExitStatus::InconclusiveOrNotRun
    );
}

#[test]
fn not_run_reads_as_such_and_counts_as_inconclusive() {
    let scenario = scenario(not_run(), &[]);
    assert_eq!(scenario.asked(), Verdict::Inconclusive);
    assert_eq!(Standing::of(&scenario, Bar::Asked), Standing::NotRun);
    assert_eq!(
        Standing::of(&scenario, Bar::Ours).word(Bar::Ours),
        "not run"
    );
}

#[test]
fn the_exit_code_follows_asked() {
    let passed = || scenario(Outcome::Judged, &[Verdict::Pass]);
    let mut goal_missed = passed();
    goal_missed.findings[0].ours.verdict = Verdict::Fail;
    let report = run(vec![passed(), goal_missed]);
    assert_eq!(report.exit_status(&[]).code(), 0);
    assert_eq!(report.ours(), Verdict::Fail);
    let failed = scenario(Outcome::Judged, &[Verdict::Fail]);
    assert_eq!(
        run(vec![scenario(not_run(), &[]), failed])
            .exit_status(&[])
            .code(),
        1
    );
}

#[test]
fn a_run_that_broke_off_has_no_pass_and_the_harness_s_exit_code() {
    for (verdict, asked) in [
        (Verdict::Pass, Verdict::Inconclusive),
        // What was seen before stays seen.
        (Verdict::Fail, Verdict::Fail),
    ] {
        let mut report = run(vec![scenario(Outcome::Judged, &[verdict])]);
        report.run.broken = Some("interrupted".to_owned());
        assert_eq!(report.exit_status(&[]), ExitStatus::HarnessFailure);
        assert_eq!(report.asked(), asked);
    }
}

#[test]
fn planted_verdicts_that_nobody_asked_for_never_change_the_exit_code() {
    use Verdict::{Fail, Inconclusive, Pass};
    for ignored in [Pass, Inconclusive, Fail] {
        for ours in [Pass, Inconclusive, Fail] {
            let mut held = scenario(Outcome::Judged, &[Pass]);
            held.findings
                .push(fixture::goal("slope", "", ignored, ours));
            assert_eq!(Standing::of(&held, Bar::Ours), Standing::from(ours));
            let report = run(vec![held]);
            assert_eq!(report.exit_status(&[]).code(), 0);
            assert_eq!((report.asked(), report.ours()), (Pass, ours));
        }
    }
}

#[test]
fn planted_scenario_of_goals_alone_is_no_pass() {
    let mut goals = scenario(Outcome::Judged, &[]);
    goals.findings = vec![fixture::goal("slope", "", Verdict::Pass, Verdict::Pass)];
    assert_eq!(goals.asked(), Verdict::Inconclusive);
    assert_eq!(goals.ours(), Verdict::Pass);
}

#[test]
fn a_judgement_of_an_older_report_counts() {
    let older = r#"{ "bar": "0 lost", "verdict": "fail", "missed_by": "1 lost" }"#;
    let read: gauntlet_reports::Judgement = serde_json::from_str(older).expect("reads");
    assert_eq!(read.counted(), Some(Verdict::Fail));
}

#[test]
fn only_what_was_not_run_can_be_left_out() {
    let passed = scenario(Outcome::Judged, &[Verdict::Pass]);
    let missing = ScenarioReport {
        id: "missing".to_owned(),
        ..scenario(not_run(), &[])
    };
    let allowed = ["missing".to_owned()];
    let report = run(vec![passed.clone(), missing.clone()]);
    assert_eq!(report.exit_status(&[]).code(), 2);
    assert_eq!(report.exit_status(&allowed).code(), 0);
    let mut told = report.clone();
    told.run.allowed_not_run = allowed.to_vec();
    assert_eq!(
        (report.asked(), told.asked()),
        (Verdict::Inconclusive, Verdict::Pass)
    );
    // Leaving everything out leaves nothing that passed.
    assert_eq!(run(vec![missing]).exit_status(&allowed).code(), 2);
    let aborted = ScenarioReport {
        id: "missing".to_owned(),
        ..scenario(abort(), &[])
    };
    assert_eq!(run(vec![passed, aborted]).exit_status(&allowed).code(), 2);
}
