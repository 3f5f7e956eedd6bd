//! Markdown for a pull request or a CI summary.

use std::fmt::Write;

use super::beside::beside_markdown;
use super::facts;
use crate::evidence::{
    Figure, Finding, Judgement, Outcome, Report, ScenarioReport, TimelineEntry, Timing,
};
use crate::standing::{Bar, Standing};
use crate::{format, summary};

/// Renders the whole report but its plots, which Markdown cannot draw.
pub fn render_markdown(report: &Report) -> String {
    let mut text = String::new();
    head(&mut text, report);
    beside_markdown(&mut text, report);
    for scenario in &report.scenarios {
        section(&mut text, report, scenario);
    }
    run(&mut text, report);
    text
}

/// Makes any text safe inside a Markdown paragraph or table cell.
///
/// Violations quote what the system was sent, so markup in it has to stay text.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '\\' | '|' | '*' | '`' | '[' | ']' => escaped.extend(['\\', c]),
            // A line break would end the cell, a blank line the HTML block around it.
            _ if c.is_control() => escaped.push(' '),
            _ => escaped.push(c),
        }
    }
    escaped
}

/// What fits a pull request's first screen: the verdicts and one line a scenario.
fn head(text: &mut String, report: &Report) {
    let asked = Standing::from(report.asked()).label(Bar::Asked);
    let ours = Standing::from(report.ours()).label(Bar::Ours);
    _ = writeln!(
        text,
        "# gauntlet report\n\n**Asked: {asked}** · Ours: {ours} · {}\n\n{}\n",
        escape(&facts::exit_sentence(report)),
        escape(&facts::subtitle(report)),
    );
    text.push_str("| Scenario | Asked | Ours | Key numbers |\n|---|---|---|---|\n");
    for row in summary::rows(report) {
        _ = writeln!(
            text,
            "| {} | {} | {} | {} |",
            escape(&row.scenario),
            row.asked.label(Bar::Asked),
            row.ours.label(Bar::Ours),
            escape(&row.headline),
        );
    }
}

/// One scenario, in the order of the page: claim, verdicts, criteria, history, limits.
fn section(text: &mut String, report: &Report, scenario: &ScenarioReport) {
    _ = writeln!(
        text,
        "\n## {}: {}\n\n> {}\n\nAsked: {} · Ours: {} · {}\n",
        escape(&summary::name(report, scenario)),
        escape(&scenario.title),
        escape(&scenario.claim),
        Standing::of(scenario, Bar::Asked).label(Bar::Asked),
        Standing::of(scenario, Bar::Ours).label(Bar::Ours),
        format::span(scenario.seconds),
    );
    match &scenario.outcome {
        Outcome::Judged => {}
        Outcome::NotRun { needs, mend } => {
            _ = writeln!(
                text,
                "**Not run.** Needs: {}. Mend: {}\n",
                escape(needs),
                escape(mend)
            );
        }
        Outcome::Aborted { reason } => {
            _ = writeln!(text, "**Aborted, so inconclusive:** {}\n", escape(reason));
        }
    }
    findings(text, &scenario.findings);
    figures(text, &scenario.figures);
    timeline(text, &scenario.timeline);
    list(text, "Notes", &scenario.notes);
    list(text, "What this does not show", &scenario.not_shown);
    list(text, "Evidence files", &scenario.evidence);
    folded_timings(text, &scenario.timings);
}

/// The table first; notes follow, because a long note would make the table unreadable.
fn findings(text: &mut String, findings: &[Finding]) {
    if findings.is_empty() {
        return;
    }
    text.push_str(
        "| Criterion | Lane | Measured | Asked | Ours | Examined |\n|---|---|--:|---|---|--:|\n",
    );
    for finding in findings {
        let measured = finding.measured.as_ref();
        _ = writeln!(
            text,
            "| {} {}: {} | {} | {} | {} | {} | {} |",
            escape(&finding.requirement),
            escape(&finding.check),
            escape(&finding.claim),
            escape(&finding.lane),
            measured.map_or_else(
                || "–".to_owned(),
                |measured| escape(&format::quantity(measured))
            ),
            judgement(&finding.asked, Bar::Asked),
            judgement(&finding.ours, Bar::Ours),
            facts::examined(finding),
        );
    }
    text.push('\n');
    for finding in findings {
        if let Some(note) = &finding.note {
            _ = writeln!(
                text,
                "- {}: {}",
                escape(&facts::finding_name(finding)),
                escape(note)
            );
        }
    }
    // Last, since a sample of timelines can be longer than all the rest.
    for finding in findings {
        violations(text, finding);
    }
}

/// Verdict first: a reader who scans a column of bars looks for the one that is not met.
fn judgement(judgement: &Judgement, bar: Bar) -> String {
    let standing = Standing::from(judgement);
    let label = standing.label(bar);
    if standing == Standing::NotAsked {
        return label;
    }
    let missed = judgement.missed_by.as_ref();
    let missed = missed.map_or(String::new(), |by| format!(": {}", escape(by)));
    format!("**{label}** ({}){missed}", escape(&judgement.bar))
}

/// The sample, each entry folded. The count is of all of them, shown or not.
fn violations(text: &mut String, finding: &Finding) {
    let violations = &finding.violations;
    if violations.total == 0 {
        return;
    }
    _ = writeln!(
        text,
        "\n**{}: {}**\n",
        escape(&facts::finding_name(finding)),
        facts::violation_count(violations),
    );
    for violation in &violations.shown {
        _ = writeln!(
            text,
            "<details><summary>{}: {}</summary>\n<pre>",
            escape(&violation.subject),
            escape(&violation.what)
        );
        for entry in &violation.timeline {
            // Inside <pre> only HTML's own characters have to give way; a blank line would end the
            // block.
            let entry: String = entry
                .chars()
                .map(|c| if c.is_control() { ' ' } else { c })
                .collect();
            let entry = entry
                .replace('&', "&amp;")
                .replace('<', "&lt;")
                .replace('>', "&gt;");
            _ = writeln!(
                text,
                "{}",
                if entry.trim().is_empty() {
                    "·"
                } else {
                    &entry
                }
            );
        }
        text.push_str("</pre></details>\n");
    }
}

fn figures(text: &mut String, figures: &[Figure]) {
    if figures.is_empty() {
        return;
    }
    text.push_str("\n| Figure | Lane | Value | Note |\n|---|---|--:|---|\n");
    for figure in figures {
        _ = writeln!(
            text,
            "| {} | {} | {} | {} |",
            escape(&figure.name),
            escape(&figure.lane),
            escape(&format::with_unit(figure.value, &figure.unit)),
            escape(figure.note.as_deref().unwrap_or_default()),
        );
    }
}

/// As a list: the strip that the page draws has no counterpart in Markdown.
fn timeline(text: &mut String, entries: &[TimelineEntry]) {
    if entries.is_empty() {
        return;
    }
    text.push_str("\n**Timeline**\n\n");
    for entry in entries {
        let lane = if entry.lane.is_empty() {
            "whole run"
        } else {
            &entry.lane
        };
        _ = writeln!(
            text,
            "- {:.1} s, {} ({}): {}",
            entry.at_seconds,
            facts::kind_word(entry.kind),
            escape(lane),
            escape(&entry.what)
        );
    }
}

/// A list under its heading, or nothing.
fn list(text: &mut String, title: &str, items: &[String]) {
    if items.is_empty() {
        return;
    }
    _ = writeln!(text, "\n**{title}**\n");
    for item in items {
        _ = writeln!(text, "- {}", escape(item));
    }
}

/// What ran, on what, and where each part of it came from.
fn run(text: &mut String, report: &Report) {
    text.push_str("\n## The run\n\n");
    for (name, value) in facts::run(report) {
        _ = writeln!(text, "- {name}: {}", escape(&value));
    }
    components(text, report);
    text.push('\n');
    timings(text, "Set-up", &report.run.timings);
}

/// With the provider that ran each, where the run had several.
fn components(text: &mut String, report: &Report) {
    let is_mixed = report.compared_providers().len() > 1;
    let (head, rule) = if is_mixed {
        (" Provider |", "---|")
    } else {
        ("", "")
    };
    _ = writeln!(
        text,
        "\n| Component |{head} Version | Source | Size | SHA-256 |\n|---|{rule}---|---|--:|---|"
    );
    for component in &report.components {
        let provider = if is_mixed {
            format!(" {} |", escape(report.runner_of(component)))
        } else {
            String::new()
        };
        let component = &component.provenance;
        _ = writeln!(
            text,
            "| {} |{provider} {} | {}: {} | {} | {} |",
            escape(&component.name),
            escape(&component.version),
            escape(&component.source),
            escape(&component.how),
            format::bytes(component.size_bytes),
            escape(&component.sha256),
        );
    }
}

/// Folded, because a full stack has two dozen of them and few readers want to know.
fn folded_timings(text: &mut String, entries: &[Timing]) {
    if entries.is_empty() {
        return;
    }
    // The blank line makes what follows a table and not HTML.
    text.push_str("\n<details><summary>What took how long</summary>\n\n");
    timings(text, "Step", entries);
    text.push_str("\n</details>\n");
}

fn timings(text: &mut String, title: &str, entries: &[Timing]) {
    _ = writeln!(text, "| {title} | Took |\n|---|--:|");
    for timing in entries {
        _ = writeln!(
            text,
            "| {} | {} |",
            escape(&timing.what),
            format::span(timing.seconds)
        );
    }
}
