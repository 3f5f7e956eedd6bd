//! The release gate: what keeps it closed, and that it says all of it.

use gauntlet_reports::evidence::ExitStatus;
use gauntlet_reports::gate::{Bars, Build, Policy, Reason, judge};
use gauntlet_reports::{Bar, Report, Verdict};

use crate::fixture;

fn policy() -> Policy {
    Policy {
        required: vec![],
        allowed_not_run: vec![],
        bars: Bars::Asked,
        build: Build::Any,
    }
}

/// Only the scenario that holds what was asked and misses a goal of ours.
fn passing() -> Report {
    let mut report = fixture::report();
    report.scenarios.truncate(1);
    report
}

#[test]
fn every_reason_is_named() {
    let decision = judge(&fixture::report(), &policy());
    assert_eq!(decision.status, ExitStatus::Fail);
    let reasons: Vec<String> = decision.reasons.iter().map(Reason::to_string).collect();
    insta::assert_snapshot!(reasons.join("\n"));
}

#[test]
fn the_gate_opens_by_asked_and_stays_closed_by_ours() {
    assert!(judge(&passing(), &policy()).is_open());
    let strict = Policy {
        bars: Bars::AskedAndOurs,
        ..policy()
    };
    let decision = judge(&passing(), &strict);
    assert_eq!(decision.status, ExitStatus::Fail);
    let [Reason::Criterion { bar, verdict, .. }] = decision.reasons.as_slice() else {
        panic!(
            "one missed goal keeps it closed, not {:?}",
            decision.reasons
        );
    };
    assert_eq!((*bar, *verdict), (Bar::Ours, Verdict::Fail));
}

#[test]
fn a_run_that_broke_off_keeps_the_gate_closed_whatever_was_judged_before() {
    let mut report = passing();
    report.run.broken = Some("interrupted".to_owned());
    let decision = judge(&report, &policy());
    assert_eq!(decision.status, ExitStatus::InconclusiveOrNotRun);
    let reasons: Vec<String> = decision.reasons.iter().map(Reason::to_string).collect();
    assert_eq!(reasons, ["the run broke off: interrupted"]);
}

#[test]
fn planted_verdict_that_nobody_asked_for_does_not_keep_the_gate_closed() {
    let mut report = passing();
    let findings = &mut report.scenarios[0].findings;
    findings.remove(0);
    findings.push(fixture::goal("slope", "", Verdict::Fail, Verdict::Fail));
    assert!(judge(&report, &policy()).is_open());
    let strict = Policy {
        bars: Bars::AskedAndOurs,
        ..policy()
    };
    let reasons: Vec<String> = judge(&report, &strict)
        .reasons
        .iter()
        .map(Reason::to_string)
        .collect();
    assert_eq!(
        reasons,
        ["burst-1000: slope: fail by ours: 18 MB in 10 min over (1800%)"]
    );
}

#[test]
fn planted_scenario_of_goals_alone_keeps_the_gate_closed() {
    let mut report = passing();
    report.scenarios[0].findings = vec![fixture::goal("slope", "", Verdict::Pass, Verdict::Pass)];
    assert!(matches!(
        judge(&report, &policy()).reasons.as_slice(),
        [Reason::NothingJudged { .. }]
    ));
}

#[test]
fn what_was_not_run_has_to_be_allowed_by_name() {
    let mut report = fixture::report();
    report
        .scenarios
        .retain(|scenario| ["burst-1000", "sidecar-memory"].contains(&&*scenario.id));
    let decision = judge(&report, &policy());
    assert_eq!(decision.status, ExitStatus::InconclusiveOrNotRun);
    assert!(matches!(
        decision.reasons.as_slice(),
        [Reason::NotRun { .. }]
    ));
    let lenient = Policy {
        allowed_not_run: vec!["sidecar-memory".to_owned()],
        ..policy()
    };
    assert!(judge(&report, &lenient).is_open());
}

#[test]
fn nothing_left_to_judge_is_not_a_pass() {
    let mut report = fixture::report();
    report
        .scenarios
        .retain(|scenario| scenario.id == "sidecar-memory");
    let lenient = Policy {
        allowed_not_run: vec!["sidecar-memory".to_owned()],
        ..policy()
    };
    assert_eq!(judge(&report, &lenient).reasons, [Reason::Empty]);
    report.scenarios.clear();
    assert_eq!(judge(&report, &policy()).reasons, [Reason::Empty]);
}

#[test]
fn a_required_scenario_has_to_be_there() {
    let demanding = Policy {
        required: vec!["broker-swap".to_owned()],
        ..policy()
    };
    let decision = judge(&passing(), &demanding);
    assert_eq!(decision.status, ExitStatus::InconclusiveOrNotRun);
    assert_eq!(
        decision.reasons,
        [Reason::Missing {
            scenario: "broker-swap".to_owned()
        }]
    );
}

#[test]
fn evidence_of_a_dirty_or_debug_build_does_not_release() {
    let strict = Policy {
        build: Build::CleanRelease,
        ..policy()
    };
    let mut report = passing();
    assert_eq!(judge(&report, &strict).reasons, [Reason::NotReproducible]);
    report.run.dirty = false;
    assert!(judge(&report, &strict).is_open());
    "debug".clone_into(&mut report.run.profile);
    assert_eq!(judge(&report, &strict).status, ExitStatus::Fail);
}
