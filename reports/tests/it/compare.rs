//! Two reports side by side.

use gauntlet_reports::compare::{Comparison, Movement, compare};
use gauntlet_reports::evidence::Providers;
use gauntlet_reports::{Report, Verdict};

use crate::fixture;

/// The fixture, and a later run of it: one number is twice as good and meets our bar, one check went
/// missing, one is new, and the machine is another.
pub(crate) fn two_runs() -> (Report, Report) {
    let before = fixture::report();
    let mut after = fixture::report();
    "2026-03-15-1000-aaaa".clone_into(&mut after.run.id);
    after.run.host.cores = 8;
    "4.2.0".clone_into(&mut after.components[0].provenance.version);
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
fn a_ratio_needs_two_numbers_that_measure_the_same() {
    let (before, mut after) = two_runs();
    let ratio = |after: &Report| compare(&before, after).changes[0].ratio();
    assert!(ratio(&after).is_some_and(|ratio| (ratio - 0.5).abs() < 1e-9));
    after.scenarios[0].findings[0].measured = Some(fixture::quantity(1_157.05, "ms"));
    assert!(ratio(&after).is_some_and(|ratio| (ratio - 0.5).abs() < 1e-9));
    after.scenarios[0].findings[0].measured = Some(fixture::quantity(1.157, "MB"));
    assert_eq!(ratio(&after), None);
    after.scenarios[0].findings[0].measured = None;
    assert_eq!(ratio(&after), None);
}

#[test]
fn planted_inconclusive_number_has_no_ratio_on_either_side() {
    let ratio = |before: &Report, after: &Report| compare(before, after).changes[0].ratio();
    let (mut before, mut after) = two_runs();
    assert!(ratio(&before, &after).is_some());
    after.scenarios[0].findings[0].ours.verdict = Verdict::Inconclusive;
    assert_eq!(ratio(&before, &after), None);
    let (_, after) = two_runs();
    before.scenarios[0].findings[0].asked.verdict = Verdict::Inconclusive;
    assert_eq!(ratio(&before, &after), None);
    // A bar that there is not leaves nothing open.
    before.scenarios[0].findings[0].asked.not_asked = true;
    assert!(ratio(&before, &after).is_some());
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

/// One check on one lane, once a sidecar: only the claim tells them apart.
#[test]
fn planted_second_claim_of_a_check_is_not_compared_with_the_first() {
    let of = |process: &str, megabytes: f64| gauntlet_reports::Finding {
        claim: format!("{process} stays small"),
        measured: Some(fixture::quantity(megabytes, "MB")),
        ..fixture::finding("memory", "dapr-kafka", Verdict::Pass, Verdict::Pass)
    };
    let (mut before, mut after) = two_runs();
    before.scenarios[0].findings = vec![of("daprd-api", 100.0), of("daprd-audit", 50.0)];
    after.scenarios[0].findings = vec![of("daprd-api", 100.0), of("daprd-audit", 75.0)];
    let changes = compare(&before, &after).changes;
    assert_eq!(changes[1].ratio(), Some(1.5));
    assert_eq!(
        changes[1].key.claim.as_deref(),
        Some("daprd-audit stays small")
    );
}

#[test]
fn a_claim_that_is_worded_anew_is_the_same_criterion() {
    let (before, mut after) = two_runs();
    "said in another way".clone_into(&mut after.scenarios[0].findings[0].claim);
    // The other lane's is another criterion, and stays as it is.
    let change = &compare(&before, &after).changes[0];
    assert_eq!(change.asked(), Movement::Same);
    assert_eq!(change.key.claim, None);
}

#[test]
fn scenarios_are_matched_on_their_provider() {
    let both = fixture::both();
    let comparison = compare(&both, &both);
    assert!(comparison.caveats.is_empty(), "{:?}", comparison.caveats);
    assert!(comparison.changes.iter().all(|change| {
        change.asked() == Movement::Same
            && change
                .ratio()
                .is_none_or(|ratio| (ratio - 1.0).abs() < 1e-9)
    }));
    let named = |name: &str| {
        let mut changes = comparison.changes.iter();
        changes.any(|change| change.key.scenario == name)
    };
    assert!(named("burst-1000 [process]") && named("burst-1000 [containers]"));

    // What only one of the two has is no longer judged on the other.
    let comparison = compare(&both, &fixture::report());
    let gone = comparison
        .changes
        .iter()
        .filter(|change| change.after.is_none());
    let mut gone = gone.map(|change| change.key.scenario.as_str());
    assert!(gone.all(|name| name.ends_with("[containers]")));
    assert!(
        comparison
            .caveats
            .contains(&"providers: process, containers → process".to_owned()),
        "{:?}",
        comparison.caveats
    );
}

#[test]
fn two_runs_of_one_provider_each_are_compared_across_them_and_say_so() {
    let (before, after) = across();
    let comparison = compare(&before, &after);
    assert_eq!(
        comparison.caveats[0],
        "compared across providers: process → containers; a number may differ by that alone"
    );
    let change = &comparison.changes[0];
    assert_eq!(change.key.scenario, "burst-1000");
    assert_eq!(change.ratio(), Some(1.0));
}

/// The fixture, and the same run in containers.
pub(crate) fn across() -> (Report, Report) {
    let (before, mut after) = (fixture::report(), fixture::report());
    after.run.providers = Providers::one("containers", "asked for");
    for scenario in &mut after.scenarios {
        "containers".clone_into(&mut scenario.provider);
    }
    (before, after)
}

#[test]
fn a_run_that_watched_for_longer_is_told() {
    let (before, mut after) = (fixture::report(), fixture::report());
    after
        .run
        .command
        .extend(["--for".to_owned(), "1h".to_owned()]);
    assert_eq!(
        compare(&before, &after).caveats,
        ["length (--for): default → 1h"]
    );
}
