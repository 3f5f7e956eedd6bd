//! Several providers in one report.

use gauntlet_reports::beside::{Beside, Line, beside};
use gauntlet_reports::render::{render_html, render_junit, render_markdown};
use gauntlet_reports::{Bar, Verdict, summary};

use crate::fixture;

fn both() -> Beside {
    beside(&fixture::both()).expect("has two providers")
}

fn line<'a>(beside: &'a Beside, scenario: usize, name: &str, lane: &str) -> &'a Line {
    let mut lines = beside.scenarios[scenario].criteria.iter();
    lines
        .find(|line| line.name == name && line.lane == lane)
        .expect("has a line")
}

#[test]
fn one_provider_has_nothing_beside_it() {
    let report = fixture::report();
    assert_eq!(beside(&report), None);
    assert!(!render_markdown(&report).contains("side by side"));
    assert!(
        !render_html(&report)
            .expect("renders")
            .contains("side by side")
    );
}

#[test]
fn a_criterion_is_one_line_with_the_difference() {
    let beside = both();
    assert_eq!(beside.providers, ["process", "containers"]);
    let burst = line(&beside, 0, "last-effect", "dapr-kafka");
    assert_eq!(burst.sides.len(), 2);
    let ratio = burst.ratios()[0].expect("two numbers");
    assert!((ratio - 3.9 / 2.3141).abs() < 1e-9);
}

#[test]
fn planted_inconclusive_number_has_no_ratio_whichever_provider_it_is_of() {
    for provider in ["process", "containers"] {
        let mut report = fixture::both();
        let mut scenarios = report.scenarios.iter_mut();
        let burst = scenarios
            .find(|one| one.id == "burst-1000" && one.provider == provider)
            .expect("has a burst on each");
        burst.findings[0].ours.verdict = Verdict::Inconclusive;
        let beside = beside(&report).expect("has two providers");
        let burst = line(&beside, 0, "last-effect", "dapr-kafka");
        assert_eq!(burst.ratios(), [None], "{provider}");
    }
}

#[test]
fn planted_change_of_unit_and_wording_between_providers_keeps_the_line_whole() {
    let beside = both();
    let burst = line(&beside, 0, "last-effect", "direct-kafka");
    let ratio = burst.ratios()[0].expect("s and ms measure the same");
    assert!((ratio - 0.94 / 1.042).abs() < 1e-9);
    let lost = line(&beside, 0, "nothing-lost", "dapr-kafka");
    assert!(lost.sides.iter().all(Option::is_some));
}

#[test]
fn what_one_provider_lacks_stays_in_sight() {
    let beside = both();
    let only_inside = line(&beside, 1, "publish-p95", "direct-kafka");
    assert_eq!(only_inside.sides[0], None);
    assert_eq!(only_inside.ratios(), [None]);
    let figure = beside.scenarios[0].figures.last().expect("has figures");
    assert_eq!(
        (figure.name.as_str(), &figure.sides[0]),
        ("working set", &None)
    );
    // Not run as processes, and not at all in containers.
    let memory = beside.scenarios.last().expect("has scenarios");
    assert_eq!(memory.scenario, "sidecar-memory");
    let why = memory.ends[0].as_ref().and_then(|end| end.why.as_deref());
    assert_eq!(why, Some("needs daprd"));
    assert_eq!(memory.ends[1], None);
}

#[test]
fn markdown_of_two_providers() {
    let markdown = render_markdown(&fixture::both());
    let (_, from) = markdown
        .split_once("## The providers side by side")
        .expect("has the section");
    let (section, _) = from.split_once("\n## ").expect("another follows");
    insta::assert_snapshot!(section);
}

#[test]
fn the_page_sets_both_in_one_row_and_marks_where_they_differ() {
    let page = render_html(&fixture::both()).expect("renders");
    assert!(page.contains("<h2>The providers side by side</h2>"));
    assert!(page.contains("containers ÷ process"));
    assert!(page.contains(
        "<td class=\"number side ratio\" data-label=\"containers ÷ process\">× 1.69</td>"
    ));
    let marked = page.matches("<tr class=\"differs\">").count();
    // One verdict differs, and one criterion was judged in containers alone.
    assert_eq!(marked, 2);
    // Whose reason it is.
    assert!(page.contains("containers: aborted: api was not ready within 30 s"));
    // Each provider's section has a target of its own.
    for anchor in ["burst-1000-1-process", "burst-1000-1-containers"] {
        assert!(page.contains(&format!("id=\"{anchor}\"")), "{anchor}");
        assert!(page.contains(&format!("href=\"#{anchor}\"")), "{anchor}");
    }
}

#[test]
fn every_rendering_says_which_providers_and_why() {
    let report = fixture::both();
    let page = render_html(&report).expect("renders");
    for text in [render_markdown(&report), page] {
        for told in [
            "process: asked for by --provider",
            "containers: asked for by --provider; Docker 20.10 answers",
            "burst-1000 [containers]",
        ] {
            assert!(
                text.contains(told) || text.contains(&told.replace('[', "\\[").replace(']', "\\]")),
                "{told}"
            );
        }
    }
}

#[test]
fn junit_names_the_provider_only_where_there_are_several() {
    let one = render_junit(&fixture::report()).expect("renders");
    assert!(
        !one.contains("process") && !one.contains("\"provider\""),
        "{one}"
    );
    let both = render_junit(&fixture::both()).expect("renders");
    for told in [
        "<testsuite name=\"burst-1000 [process]\"",
        "<testsuite name=\"burst-1000 [containers]\"",
        "classname=\"gauntlet.burst-1000 [containers]\"",
        "<property name=\"provider\" value=\"containers\"/>",
    ] {
        assert!(both.contains(told), "{told}");
    }
}

#[test]
fn the_closing_table_tells_the_providers_apart() {
    let report = fixture::both();
    let rows = summary::rows(&report);
    let names: Vec<&str> = rows.iter().map(|row| row.scenario.as_str()).collect();
    assert_eq!(names[0], "burst-1000 [process]");
    assert_eq!(names[5], "burst-1000 [containers]");
    assert_eq!(rows[7].asked.word(Bar::Asked), "fail");
    assert_eq!(report.asked(), Verdict::Fail);
}
