//! What the renderings say, and that evidence cannot become markup in any of them.

use gauntlet_reports::evidence::ExitStatus;
use gauntlet_reports::render::{comparison_markdown, render_html, render_junit, render_markdown};
use gauntlet_reports::{Outcome, Report, Verdict, compare, summary};
use quick_xml::events::Event;

use crate::fixture::{self, HOSTILE};

#[test]
fn markdown() {
    insta::assert_snapshot!(render_markdown(&fixture::report()));
}

#[test]
fn junit() {
    insta::assert_snapshot!(render_junit(&fixture::report()).expect("renders"));
}

#[test]
fn html() {
    insta::assert_snapshot!(render_html(&fixture::report()).expect("renders"));
}

#[test]
fn comparison() {
    let (before, after) = crate::compare::two_runs();
    insta::assert_snapshot!(comparison_markdown(&compare::compare(&before, &after)));
}

#[test]
fn summary_rows() {
    let rows = summary::rows(&fixture::report());
    let lines = rows.iter().map(|row| {
        let summary::Row {
            scenario,
            asked,
            ours,
            headline,
        } = row;
        format!("{scenario} | {asked:?} | {ours:?} | {headline}")
    });
    insta::assert_snapshot!(lines.collect::<Vec<_>>().join("\n"));
}

/// A run that passes because it was allowed to leave scenarios out must not read like a whole one.
#[test]
fn every_summary_names_what_was_not_run() {
    let mut report = fixture::report();
    report.scenarios.retain(|scenario| {
        matches!(scenario.outcome, Outcome::NotRun { .. }) || scenario.asked() == Verdict::Pass
    });
    // A repeat of it is not a second thing that is missing.
    report.scenarios.extend(report.scenarios.last().cloned());
    let status = report.exit_status(&report.run.allowed_not_run);
    let conclusion = summary::conclusion(&report, status);
    assert_eq!(
        conclusion,
        "every claim that was run holds against what was asked; not run: sidecar-memory (needs daprd)"
    );
    assert!(render_markdown(&report).contains(&conclusion));
    assert!(
        render_html(&report)
            .expect("renders")
            .contains("Not run: sidecar-memory (needs daprd).")
    );
}

#[test]
fn a_whole_run_concludes_without_a_list() {
    let mut report = fixture::report();
    report
        .scenarios
        .retain(|scenario| !matches!(scenario.outcome, Outcome::NotRun { .. }));
    let conclusion = summary::conclusion(&report, report.exit_status(&[]));
    assert_eq!(conclusion, ExitStatus::Fail.meaning());
}

/// Puts hostile text wherever a report has text that the harness did not choose itself.
fn hostile_report() -> Report {
    let mut report = fixture::report();
    HOSTILE.clone_into(&mut report.run.id);
    report.run.command.push(HOSTILE.to_owned());
    HOSTILE.clone_into(&mut report.components[0].how);
    for scenario in &mut report.scenarios {
        HOSTILE.clone_into(&mut scenario.title);
        HOSTILE.clone_into(&mut scenario.id);
        scenario.notes.push(HOSTILE.to_owned());
        for finding in &mut scenario.findings {
            HOSTILE.clone_into(&mut finding.lane);
            HOSTILE.clone_into(&mut finding.asked.bar);
            finding.note = Some(HOSTILE.to_owned());
        }
        for plot in &mut scenario.plots {
            match plot {
                gauntlet_reports::evidence::Plot::Latency { title, series } => {
                    HOSTILE.clone_into(title);
                    HOSTILE.clone_into(&mut series[0].name);
                }
                gauntlet_reports::evidence::Plot::Time {
                    title,
                    unit,
                    series,
                } => {
                    HOSTILE.clone_into(title);
                    HOSTILE.clone_into(unit);
                    HOSTILE.clone_into(&mut series[0].name);
                }
            }
        }
    }
    report
}

#[test]
fn evidence_never_becomes_markup() {
    let report = hostile_report();
    let html = render_html(&report).expect("renders");
    assert!(!html.contains("<script"), "the page carries a script");
    assert!(
        html.contains("&lt;script&gt;"),
        "the quoted text is gone from the page"
    );
    let markdown = render_markdown(&report);
    assert!(
        !markdown.contains("<script"),
        "the Markdown carries a script"
    );
    assert!(
        markdown.contains("&lt;script&gt;"),
        "the quoted text is gone from the Markdown"
    );
}

#[test]
fn the_page_asks_for_nothing_outside_itself() {
    let html = render_html(&fixture::report()).expect("renders");
    // The one address is the name of the SVG namespace, which nothing fetches.
    let html = html.replace("xmlns=\"http://www.w3.org/2000/svg\"", "");
    for outside in ["http:", "https:", "src=", "url(", "@import", "<link"] {
        assert!(
            !html.contains(outside),
            "the page refers to something by {outside:?}"
        );
    }
}

#[test]
fn junit_is_well_formed_and_counts_what_it_holds() {
    let xml = render_junit(&hostile_report()).expect("renders");
    let mut reader = quick_xml::Reader::from_str(&xml);
    let (mut cases, mut failures, mut skipped, mut totals) = (0, 0, 0, None);
    loop {
        match reader.read_event().expect("well formed") {
            Event::Eof => break,
            Event::Start(tag) | Event::Empty(tag) => match tag.name().as_ref() {
                b"testcase" => cases += 1,
                b"failure" => failures += 1,
                b"skipped" => skipped += 1,
                b"testsuites" => totals = Some(counts(&tag)),
                _ => {}
            },
            _ => {}
        }
    }
    assert_eq!(totals, Some((cases, failures, skipped)));
    assert_eq!((cases, failures, skipped), (8, 1, 3));
    assert!(!xml.contains('\u{1b}'), "XML 1.0 has no escape character");
}

fn counts(tag: &quick_xml::events::BytesStart) -> (u32, u32, u32) {
    let count = |name: &str| {
        let attribute = tag
            .try_get_attribute(name)
            .expect("well formed")
            .expect("is there");
        let text = std::str::from_utf8(&attribute.value).expect("is text");
        text.parse().expect("is a number")
    };
    (count("tests"), count("failures"), count("skipped"))
}
