//! What got worse between two runs, and what only looks so.

use gauntlet_reports::regression::{Regression, Tolerance, Worse, regression};
use gauntlet_reports::render::regression_markdown;
use gauntlet_reports::{Finding, Outcome, Report, Verdict};

use crate::fixture;

/// A run that holds what was asked, in three repeats of one scenario that took these seconds.
fn good(seconds: &[f64]) -> Report {
    let mut report = fixture::report();
    report.run.allowed_not_run.clear();
    let mut burst = report.scenarios.swap_remove(0);
    for finding in burst.findings.iter_mut().take(2) {
        "last effect ≤ 10 s".clone_into(&mut finding.asked.bar);
        "last effect ≤ 2 s".clone_into(&mut finding.ours.bar);
    }
    report.scenarios = (1..)
        .zip(seconds)
        .map(|(repeat, seconds)| {
            let mut scenario = burst.clone();
            scenario.repeat = repeat;
            scenario.findings[0].measured = Some(fixture::quantity(*seconds, "s"));
            scenario
        })
        .collect();
    report
}

fn held(before: &Report, after: &Report) -> Regression {
    regression(before, after, Tolerance::default())
}

fn first(report: &mut Report) -> &mut Finding {
    &mut report.scenarios[0].findings[0]
}

#[test]
fn a_run_is_not_worse_than_itself() {
    let found = held(&good(&[2.3]), &good(&[2.3]));
    assert_eq!(found.worse, []);
    assert_eq!((found.verdicts, found.numbers), (3, 2));
    assert!(!found.is_void());
    let told = regression_markdown(&found);
    assert!(told.contains("Compared: 3 verdicts, and 2 numbers with a tolerance of 20%."));
    assert!(told.ends_with("**Nothing got worse.**\n"), "{told}");
}

#[test]
fn planted_criterion_that_no_longer_passes_is_worse() {
    for verdict in [Verdict::Fail, Verdict::Inconclusive] {
        let mut after = good(&[2.3]);
        first(&mut after).asked.verdict = verdict;
        let found = held(&good(&[2.3]), &after);
        assert!(
            matches!(found.worse.as_slice(), [Worse::Verdict { after, .. }] if *after == verdict),
            "{:?}",
            found.worse
        );
    }
}

#[test]
fn planted_fail_in_one_of_three_repeats_is_worse() {
    let mut after = good(&[2.3, 2.3, 2.3]);
    after.scenarios[2].findings[2].asked.verdict = Verdict::Fail;
    let found = held(&good(&[2.3, 2.3, 2.3]), &after);
    assert!(matches!(found.worse.as_slice(), [Worse::Verdict { .. }]));
}

#[test]
fn a_criterion_that_failed_before_is_not_worse_and_the_earlier_run_is_named() {
    let mut report = good(&[2.3]);
    first(&mut report).asked.verdict = Verdict::Fail;
    let found = held(&report, &report);
    assert_eq!(found.worse, []);
    let told = regression_markdown(&found);
    assert!(
        told.contains("The earlier run is no good one itself: fail"),
        "{told}"
    );
}

#[test]
fn planted_scenario_that_is_gone_is_worse_and_told_once() {
    let mut after = good(&[2.3]);
    after.scenarios.clear();
    let found = held(&good(&[2.3]), &after);
    let told = |found: &Regression| match found.worse.as_slice() {
        [Worse::Scenario { scenario, now }] => format!("{scenario}: {now}"),
        other => panic!("one scenario is lost, not {other:?}"),
    };
    assert_eq!(told(&found), "burst-1000: not in the report");
    for (outcome, words) in [
        (
            Outcome::NotRun {
                needs: "daprd".to_owned(),
                mend: String::new(),
            },
            "burst-1000: not run, needs daprd",
        ),
        (
            Outcome::Aborted {
                reason: "api was not ready".to_owned(),
            },
            "burst-1000: aborted: api was not ready",
        ),
    ] {
        let mut after = good(&[2.3]);
        after.scenarios[0].outcome = outcome;
        after.scenarios[0].findings.clear();
        assert_eq!(told(&held(&good(&[2.3]), &after)), words);
    }
}

#[test]
fn planted_scenario_that_was_aborted_before_and_is_gone_is_told_once() {
    let mut before = good(&[2.3]);
    before.scenarios[0].outcome = Outcome::Aborted {
        reason: "interrupted".to_owned(),
    };
    let mut after = good(&[2.3]);
    after.scenarios.clear();
    let found = held(&before, &after);
    assert!(matches!(found.worse.as_slice(), [Worse::Scenario { .. }]));
}

#[test]
fn fewer_repeats_are_not_worse_and_an_aborted_one_is() {
    assert_eq!(held(&good(&[2.3, 2.3, 2.3]), &good(&[2.3])).worse, []);
    let mut after = good(&[2.3, 2.3]);
    after.scenarios[1].outcome = Outcome::Aborted {
        reason: "interrupted".to_owned(),
    };
    let found = held(&good(&[2.3]), &after);
    assert!(matches!(found.worse.as_slice(), [Worse::Scenario { .. }]));
}

#[test]
fn what_was_not_run_before_is_not_missed() {
    let before = fixture::report();
    let mut after = fixture::report();
    after
        .scenarios
        .retain(|one| !["sidecar-memory", "api-p95"].contains(&&*one.id));
    assert_eq!(held(&before, &after).worse, []);
}

#[test]
fn planted_criterion_that_is_no_longer_judged_is_worse() {
    let mut after = good(&[2.3]);
    after.scenarios[0].findings.remove(2);
    let found = held(&good(&[2.3]), &after);
    assert!(matches!(found.worse.as_slice(), [Worse::NotJudged { .. }]));

    // Still measured, and nobody asks any more.
    let mut after = good(&[2.3]);
    after.scenarios[0].findings[2].asked.not_asked = true;
    let found = held(&good(&[2.3]), &after);
    assert!(matches!(found.worse.as_slice(), [Worse::NotJudged { .. }]));
}

#[test]
fn planted_number_beyond_the_tolerance_is_worse_though_it_passes() {
    let found = held(&good(&[2.3]), &good(&[3.0]));
    let [Worse::Number { percent, bar, .. }] = found.worse.as_slice() else {
        panic!("one number is worse, not {:?}", found.worse);
    };
    assert_eq!(percent.map(f64::round), Some(30.0));
    assert_eq!(bar, "last effect ≤ 2 s");
}

#[test]
fn planted_number_of_an_inconclusive_finding_is_not_held_against_another() {
    let is_number = |worse: &Worse| matches!(worse, Worse::Number { .. });
    for (before_is_open, after_is_open) in [(true, false), (false, true), (true, true)] {
        let (mut before, mut after) = (good(&[2.3]), good(&[9.0]));
        for (report, is_open) in [(&mut before, before_is_open), (&mut after, after_is_open)] {
            if is_open {
                first(report).ours.verdict = Verdict::Inconclusive;
            }
        }
        let found = held(&before, &after);
        assert!(!found.worse.iter().any(is_number), "{:?}", found.worse);
        // The other lane's.
        assert_eq!(found.numbers, 1);
    }
    // The repeats that are settled still count.
    let mut after = good(&[9.0, 9.0]);
    first(&mut after).asked.verdict = Verdict::Inconclusive;
    let found = held(&good(&[2.3, 2.3]), &after);
    assert!(found.worse.iter().any(is_number), "{:?}", found.worse);
}

#[test]
fn noise_is_not_worse() {
    // Within the tolerance, better, and with a spread that the earlier run had too.
    for (before, after) in [
        (vec![2.3], vec![2.7]),
        (vec![2.3], vec![1.1]),
        (vec![2.0, 2.1, 4.2], vec![3.9, 4.0, 4.1]),
        // Four in five of the later repeats are worse than all before; the best is not.
        (vec![2.0, 2.1, 2.2], vec![2.1, 3.9, 4.0]),
    ] {
        let found = held(&good(&before), &good(&after));
        assert_eq!(found.worse, [], "{before:?} → {after:?}");
        assert_eq!(found.numbers, 2);
    }
}

#[test]
fn planted_shift_of_all_repeats_is_worse() {
    let found = held(&good(&[2.0, 2.1, 2.2]), &good(&[2.9, 3.0, 3.3]));
    assert!(matches!(found.worse.as_slice(), [Worse::Number { .. }]));
}

#[test]
fn planted_slowness_that_changes_the_unit_is_worse() {
    let mut before = good(&[2.3]);
    first(&mut before).measured = Some(fixture::quantity(940.0, "ms"));
    let found = held(&before, &good(&[1.88]));
    assert!(matches!(
        found.worse.as_slice(),
        [Worse::Number { percent: Some(percent), .. }] if (percent - 100.0).abs() < 1e-6
    ));
}

#[test]
fn next_to_nothing_that_doubles_is_not_worse() {
    let with = |percent: f64| {
        let mut report = good(&[2.3]);
        let late = first(&mut report);
        late.measured = Some(fixture::quantity(percent, "%"));
        "sent late ≤ 1%".clone_into(&mut late.asked.bar);
        "sent late ≤ 1%".clone_into(&mut late.ours.bar);
        report
    };
    assert_eq!(held(&with(0.0), &with(0.1)).worse, []);
    assert_eq!(held(&with(0.05), &with(0.1)).worse, []);
    let found = held(&with(0.0), &with(0.5));
    assert!(matches!(
        found.worse.as_slice(),
        [Worse::Number { percent: None, .. }]
    ));
}

#[test]
fn planted_rate_that_sinks_is_worse_and_one_that_rises_is_not() {
    let with = |rate: f64| {
        let mut report = good(&[2.3]);
        let finding = first(&mut report);
        finding.measured = Some(fixture::quantity(rate, "events/s"));
        "rate ≥ 1,000 events/s".clone_into(&mut finding.asked.bar);
        finding.ours.not_asked = true;
        report
    };
    assert_eq!(held(&with(2000.0), &with(4000.0)).worse, []);
    let found = held(&with(4000.0), &with(2000.0));
    assert!(matches!(found.worse.as_slice(), [Worse::Number { .. }]));
}

#[test]
fn a_number_without_a_limit_is_left_to_its_verdict() {
    let with = |lost: f64| {
        let mut report = good(&[2.3]);
        report.scenarios[0].findings[2].measured = Some(fixture::quantity(lost, "lost"));
        report
    };
    assert_eq!(held(&with(0.0), &with(7.0)).worse, []);
}

#[test]
fn numbers_of_another_machine_are_not_held_against_each_other_but_verdicts_are() {
    let mut after = good(&[9.0]);
    after.run.host.cores = 8;
    let found = held(&good(&[2.3]), &after);
    assert_eq!(
        (found.worse.len(), found.numbers, found.verdicts),
        (0, 0, 3)
    );
    let told = regression_markdown(&found);
    assert!(
        told.contains("Numbers are not, because the machine differs"),
        "{told}"
    );
    first(&mut after).asked.verdict = Verdict::Fail;
    assert_eq!(held(&good(&[2.3]), &after).worse.len(), 1);
}

#[test]
fn across_providers_verdicts_are_compared_and_numbers_are_not() {
    let (before, mut after) = crate::compare::across();
    after.scenarios[0].findings[0].measured = Some(fixture::quantity(9.0, "s"));
    let found = held(&before, &after);
    assert_eq!(found.incomparable, ["the provider"]);
    assert_eq!((found.worse.len(), found.numbers), (0, 0));
    assert!(found.verdicts > 0);
}

#[test]
fn planted_provider_that_is_gone_is_worse() {
    let found = held(&fixture::both(), &fixture::report());
    let lost = found.worse.iter().filter_map(|worse| match worse {
        Worse::Scenario { scenario, .. } => Some(scenario.as_str()),
        _ => None,
    });
    assert_eq!(
        lost.collect::<Vec<_>>(),
        [
            "burst-1000 [containers]",
            "publish-latency [containers]",
            "consumer-crash [containers]"
        ]
    );
}

#[test]
fn planted_run_that_broke_off_is_worse() {
    let mut after = good(&[2.3]);
    after.run.broken = Some("interrupted".to_owned());
    let found = held(&good(&[2.3]), &after);
    assert!(matches!(found.worse.as_slice(), [Worse::BrokeOff { .. }]));
}

#[test]
fn two_runs_without_a_criterion_in_common_say_nothing() {
    let mut before = good(&[2.3]);
    before.scenarios.clear();
    let found = held(&before, &good(&[2.3]));
    assert!(found.is_void());
    assert!(regression_markdown(&found).contains("Nothing was compared"));
}

#[test]
fn the_table_names_where_and_why() {
    let mut before = good(&[2.3]);
    let mut after = good(&[3.0]);
    let direct = &mut after.scenarios[0].findings[1];
    direct.asked.verdict = Verdict::Fail;
    direct.asked.missed_by = Some("2 s over (20%)".to_owned());
    after.scenarios[0].findings.remove(2);
    let crash = fixture::report().scenarios.swap_remove(2);
    before.scenarios.push(crash);
    insta::assert_snapshot!(regression_markdown(&held(&before, &after)));
}
