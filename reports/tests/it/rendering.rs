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

#[test]
fn every_rendering_tells_that_the_run_broke_off_and_why() {
    let mut report = fixture::report();
    report.run.broken = Some("no room for <kafka>".to_owned());
    let told = "Exit code 3: the harness itself failed, and there is no verdict: \
                no room for &lt;kafka&gt;";
    assert!(render_markdown(&report).contains(told));
    let page = render_html(&report).expect("renders");
    assert!(page.contains("<p class=\"verdict\">3</p>"));
    assert!(page.contains("Broke off: no room for &lt;kafka&gt;"));
    let xml = render_junit(&report).expect("renders");
    assert!(xml.contains("errors=\"1\""), "{xml}");
    assert!(xml.contains("<error message=\"no room for &lt;kafka&gt;\" type=\"harness\"/>"));
}

#[test]
fn evidence_is_a_link_from_the_page_s_own_folder() {
    let mut report = fixture::report();
    report.scenarios[0].evidence = vec![
        "burst-1000-1/ledger-dapr-kafka.jsonl".to_owned(),
        "javascript:alert(1) \"x".to_owned(),
    ];
    let page = render_html(&report).expect("renders");
    // The template writes a slash as a reference, which a browser reads back.
    let page = page.replace("&#x2f;", "/");
    assert!(page.contains("<a href=\"./burst-1000-1/ledger-dapr-kafka.jsonl\">"));
    assert!(page.contains("<a href=\"./javascript%3Aalert%281%29%20%22x\">"));
}

/// A report of one scenario whose second criterion is held to our own bar alone, and misses it.
fn with_a_goal() -> Report {
    let mut report = fixture::report();
    report.scenarios.truncate(1);
    let goal = fixture::goal("slope", "dapr-kafka", Verdict::Pass, Verdict::Fail);
    report.scenarios[0].findings.truncate(1);
    report.scenarios[0].findings.push(goal);
    report
}

#[test]
fn planted_criterion_that_nobody_asked_for_is_no_pass_in_any_rendering() {
    let report = with_a_goal();
    let markdown = render_markdown(&report);
    let row = markdown.lines().find(|line| line.contains(" slope: "));
    let row = row.expect("the criterion has a row");
    assert!(row.contains("| – not asked |"), "{row}");
    assert!(row.contains("**✗ goal missed**"), "{row}");
    assert!(!row.contains("pass"), "{row}");

    let html = render_html(&report).expect("renders");
    let chip = "<span class=\"chip not-asked\"><span class=\"mark\" aria-hidden=\"true\">–</span> not asked</span></td>";
    assert!(html.contains(chip), "no chip of its own");
    assert!(html.contains("18 MB in 10 min over (1800%)"));

    let (before, after) = (report.clone(), report.clone());
    let comparison = comparison_markdown(&compare::compare(&before, &after));
    let row = comparison.lines().find(|line| line.contains("| slope |"));
    let row = row.expect("the criterion has a row");
    assert!(row.ends_with("| – not asked | ✗ goal missed |"), "{row}");
}

#[test]
fn planted_criterion_that_nobody_asked_for_is_skipped_in_junit() {
    let xml = render_junit(&with_a_goal()).expect("renders");
    assert!(xml.contains(r#"tests="2" failures="0" errors="0" skipped="1""#));
    let told = "not asked; ours: slope ≤ 1 MB in 10 min: goal missed: 18 MB in 10 min over (1800%)";
    assert!(
        xml.contains(&format!(r#"<skipped message="{told}"/>"#)),
        "{xml}"
    );
    assert!(xml.contains("asked: not asked\n"), "{xml}");
}

#[test]
fn a_missed_goal_leads_the_headline_though_nobody_asked() {
    let mut report = with_a_goal();
    let findings = &mut report.scenarios[0].findings;
    findings[1].measured = Some(fixture::quantity(19.0, "MB in 10 min"));
    let asked = fixture::finding("burst", "", Verdict::Pass, Verdict::Pass);
    findings[0] = gauntlet_reports::Finding {
        measured: Some(fixture::quantity(1.0, "s")),
        ..asked
    };
    let headline = &summary::rows(&report)[0].headline;
    assert_eq!(headline, "slope dapr-kafka 19 MB in 10 min · burst 1 s");
}

/// Puts hostile text wherever a report has text that the harness did not choose itself.
fn hostile_report() -> Report {
    let mut report = fixture::report();
    HOSTILE.clone_into(&mut report.run.id);
    report.run.broken = Some(HOSTILE.to_owned());
    report.run.command.push(HOSTILE.to_owned());
    HOSTILE.clone_into(&mut report.components[0].provenance.how);
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
    let (mut cases, mut failures, mut errors, mut skipped, mut totals) = (0, 0, 0, 0, None);
    loop {
        match reader.read_event().expect("well formed") {
            Event::Eof => break,
            Event::Start(tag) | Event::Empty(tag) => match tag.name().as_ref() {
                b"testcase" => cases += 1,
                b"failure" => failures += 1,
                b"error" => errors += 1,
                b"skipped" => skipped += 1,
                b"testsuites" => totals = Some(counts(&tag)),
                _ => {}
            },
            _ => {}
        }
    }
    let counted = [cases, failures, errors, skipped];
    assert_eq!(totals, Some(counted));
    assert_eq!(counted, [9, 1, 1, 3]);
    assert!(!xml.contains('\u{1b}'), "XML 1.0 has no escape character");
}

fn counts(tag: &quick_xml::events::BytesStart) -> [u32; 4] {
    let count = |name: &str| {
        let attribute = tag
            .try_get_attribute(name)
            .expect("well formed")
            .expect("is there");
        let text = std::str::from_utf8(&attribute.value).expect("is text");
        text.parse().expect("is a number")
    };
    ["tests", "failures", "errors", "skipped"].map(count)
}
