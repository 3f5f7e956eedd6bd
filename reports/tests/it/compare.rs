//! Two reports side by side.

use gauntlet_reports::compare::{Comparison, Movement, compare};
use gauntlet_reports::{Report, Verdict};

use crate::fixture;

/// The fixture, and a later run of it: one number is twice as good and meets our bar, one check went
/// missing, one is new, and the machine is another.
pub(crate) fn two_runs() -> (Report, Report) {
    let before = fixture::report();
    let mut after = fixture::report();
    "2026-03-15-1000-aaaa".clone_into(&mut after.run.id);
    after.run.host.cores = 8;
    "4.2.0".clone_into(&mut after.components[0].version);
    let findings = &mut after.scenarios[0].findings;
    findings[0].measured = Some(fixture::quantity(2.3141 / 2.0, "s"));
    findings[0].ours.verdict = Verdict::Pass;
    "nothing-lost-at-all".clone_into(&mut findings[2].check);
    after.scenarios[2].findings[1].asked.verdict = Verdict::Fail;
    (before, after)
}

fn compared() -> Comparison {
    let (before, after) = two_runs();
    compare(&before, &after)
}

#[test]
fn verdicts_move_in_their_own_direction() {
    let comparison = compared();
    let moved = |check: &str, lane: &str| {
        let mut changes = comparison.changes.iter();
        let change = changes.find(|change| change.key.check == check && change.key.lane == lane);
        change.map(|change| (change.asked(), change.ours()))
    };
    assert_eq!(
        moved("last-effect", "dapr-kafka"),
        Some((Movement::Same, Movement::Better))
    );
    assert_eq!(
        moved("last-effect", "direct-kafka"),
        Some((Movement::Same, Movement::Same))
    );
    assert_eq!(
        moved("no-duplicate-effect", "dapr-kafka"),
        Some((Movement::Worse, Movement::Same))
    );
    let appeared = Some((Movement::Appeared, Movement::Appeared));
    assert_eq!(moved("nothing-lost-at-all", "dapr-kafka"), appeared);
}

#[test]
fn planted_verdict_that_nobody_asked_for_does_not_move() {
    let (mut before, mut after) = two_runs();
    let goal = |verdict, ours| fixture::goal("slope", "", verdict, ours);
    before.scenarios[0].findings = vec![goal(Verdict::Pass, Verdict::Pass)];
    after.scenarios[0].findings = vec![goal(Verdict::Fail, Verdict::Fail)];
    let change = &compare(&before, &after).changes[0];
    assert_eq!(
        (change.asked(), change.ours()),
        (Movement::Same, Movement::Worse)
    );

    // Somebody asks from now on, or no longer.
    let asked = fixture::finding("slope", "", Verdict::Pass, Verdict::Pass);
    after.scenarios[0].findings = vec![asked];
    assert_eq!(
        compare(&before, &after).changes[0].asked(),
        Movement::Appeared
    );
    assert_eq!(
        compare(&after, &before).changes[0].asked(),
        Movement::Vanished
    );
}

#[test]
fn what_is_no_longer_judged_is_listed() {
    let comparison = compared();
    let last = comparison.changes.last().expect("has changes");
    assert_eq!(
        (last.key.scenario.as_str(), last.asked()),
        ("burst-1000", Movement::Vanished)
    );
}

#[test]
fn a_ratio_needs_two_numbers_of_one_unit() {
    let (before, mut after) = two_runs();
    let ratio = |after: &Report| compare(&before, after).changes[0].ratio();
    assert!(ratio(&after).is_some_and(|ratio| (ratio - 0.5).abs() < 1e-9));
    after.scenarios[0].findings[0].measured = Some(fixture::quantity(1_157.0, "ms"));
    assert_eq!(ratio(&after), None);
    after.scenarios[0].findings[0].measured = None;
    assert_eq!(ratio(&after), None);
}

#[test]
fn what_else_differs_is_said() {
    let caveats = compared().caveats;
    assert!(
        caveats.iter().any(|caveat| caveat.starts_with("host: ")),
        "{caveats:?}"
    );
    assert!(
        caveats.contains(&"kafka: 4.1.0 → 4.2.0".to_owned()),
        "{caveats:?}"
    );
    let (before, _) = two_runs();
    assert!(compare(&before, &before).caveats.is_empty());
}
