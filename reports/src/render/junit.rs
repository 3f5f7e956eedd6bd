//! `JUnit` XML, the dialect that CI servers agree on: a suite a scenario, a case a finding.

use std::io;

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};

use super::error::{RenderError, RenderErrorKind};
use crate::evidence::{Finding, Judgement, Outcome, Report, ScenarioReport, Verdict};
use crate::standing::{Bar, Standing};
use crate::{format, summary};

/// In memory: the report is written to disk whole, by whoever asked for it.
type Xml = Writer<Vec<u8>>;

/// Renders by *asked*, as the exit code does: a missed goal of ours is told in a case's output and
/// fails nothing.
pub fn render_junit(report: &Report) -> Result<String, RenderError> {
    let failed = |source: io::Error| RenderError::new(RenderErrorKind::Junit, source);
    let mut xml = Writer::new_with_indent(Vec::new(), b' ', 2);
    suites(&mut xml, report).map_err(failed)?;
    let mut bytes = xml.into_inner();
    bytes.push(b'\n');
    String::from_utf8(bytes).map_err(|source| RenderError::new(RenderErrorKind::Junit, source))
}

/// One `<testcase>`: how it ended by *asked*, and what there is to say about it.
struct Case {
    name: String,
    end: End,
    output: String,
}

enum End {
    Pass,
    Failure {
        message: String,
    },
    Skipped {
        message: String,
    },
    /// The harness failed, not what it judges.
    Error {
        message: String,
    },
}

/// Cases are made first: the root element states totals before it holds what they count.
fn suites(xml: &mut Xml, report: &Report) -> io::Result<()> {
    xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let broken: Vec<Case> = report
        .run
        .broken
        .as_deref()
        .map(broken_off)
        .into_iter()
        .collect();
    let suites: Vec<(&ScenarioReport, Vec<Case>)> = report
        .scenarios
        .iter()
        .map(|scenario| (scenario, cases(scenario)))
        .collect();
    // Sums over the run's own cases, never counted a second time in another way.
    let all = || suites.iter().flat_map(|(_, cases)| cases).chain(&broken);
    let seconds: f64 = report
        .scenarios
        .iter()
        .map(|scenario| scenario.seconds)
        .sum();
    let counts = counts(all());
    xml.create_element("testsuites")
        .with_attribute(("name", "gauntlet"))
        .with_attributes(counts.iter().map(|(name, count)| (*name, count.as_str())))
        .with_attribute(("time", time(seconds).as_str()))
        .write_inner_content(|xml| {
            suites
                .iter()
                .try_for_each(|(scenario, cases)| suite(xml, report, scenario, cases))?;
            if broken.is_empty() {
                return Ok(());
            }
            harness_suite(xml, report, &broken)
        })?;
    Ok(())
}

/// One scenario, with what identifies the run in its properties, where CI servers index them.
fn suite(
    xml: &mut Xml,
    report: &Report,
    scenario: &ScenarioReport,
    cases: &[Case],
) -> io::Result<()> {
    let name = clean(&summary::name(report, scenario));
    let mut properties = vec![
        ("seed", report.run.seed.to_string()),
        ("commit", report.run.commit.clone().unwrap_or_default()),
        ("profile", report.run.profile.clone()),
        ("stack", report.run.stack.clone()),
        ("requirements", scenario.requirements.join(" ")),
    ];
    if report.compared_providers().len() > 1 {
        properties.push(("provider", report.provider_of(scenario).to_owned()));
    }
    xml.create_element("testsuite")
        .with_attribute(("name", name.as_str()))
        .with_attributes(
            counts(cases)
                .iter()
                .map(|(name, count)| (*name, count.as_str())),
        )
        .with_attribute(("time", time(scenario.seconds).as_str()))
        .with_attribute(("timestamp", report.run.started.to_string().as_str()))
        .write_inner_content(|xml| {
            xml.create_element("properties")
                .write_inner_content(|xml| {
                    for (key, value) in &properties {
                        xml.create_element("property")
                            .with_attribute(("name", *key))
                            .with_attribute(("value", clean(value).as_str()))
                            .write_empty()?;
                    }
                    Ok(())
                })?;
            cases.iter().try_for_each(|case| testcase(xml, &name, case))
        })?;
    Ok(())
}

/// What is said of the run itself, since it belongs to no scenario. Only a broken run has it.
fn harness_suite(xml: &mut Xml, report: &Report, cases: &[Case]) -> io::Result<()> {
    let counts = counts(cases);
    xml.create_element("testsuite")
        .with_attribute(("name", "run"))
        .with_attributes(counts.iter().map(|(name, count)| (*name, count.as_str())))
        .with_attribute(("time", time(0.0).as_str()))
        .with_attribute(("timestamp", report.run.started.to_string().as_str()))
        .write_inner_content(|xml| cases.iter().try_for_each(|case| testcase(xml, "run", case)))?;
    Ok(())
}

fn broken_off(reason: &str) -> Case {
    Case {
        name: "carried out to its end".to_owned(),
        end: End::Error {
            message: reason.to_owned(),
        },
        output: String::new(),
    }
}

fn testcase(xml: &mut Xml, suite: &str, case: &Case) -> io::Result<()> {
    // No time: findings are judged together, after the scenario; the suite carries its duration.
    xml.create_element("testcase")
        .with_attribute(("name", clean(&case.name).as_str()))
        .with_attribute(("classname", format!("gauntlet.{suite}").as_str()))
        .write_inner_content(|xml| {
            let output = clean(&case.output);
            match &case.end {
                End::Pass => {}
                // What a failure has to say is its own text, where CI servers show it.
                End::Failure { message } => {
                    xml.create_element("failure")
                        .with_attribute(("message", clean(message).as_str()))
                        .with_attribute(("type", "asked"))
                        .write_text_content(BytesText::new(&output))?;
                    return Ok(());
                }
                End::Skipped { message } => {
                    xml.create_element("skipped")
                        .with_attribute(("message", clean(message).as_str()))
                        .write_empty()?;
                }
                End::Error { message } => {
                    xml.create_element("error")
                        .with_attribute(("message", clean(message).as_str()))
                        .with_attribute(("type", "harness"))
                        .write_empty()?;
                }
            }
            if !output.is_empty() {
                xml.create_element("system-out")
                    .write_text_content(BytesText::new(&output))?;
            }
            Ok(())
        })?;
    Ok(())
}

/// The scenario's findings, led by a skipped case wherever the scenario did not end in findings.
fn cases(scenario: &ScenarioReport) -> Vec<Case> {
    let drive = |message: String| Case {
        name: "driven to its end".to_owned(),
        end: End::Skipped { message },
        output: String::new(),
    };
    let mut cases = match &scenario.outcome {
        // What was not run has no findings; one skipped case keeps it in sight.
        Outcome::NotRun { needs, mend } => {
            return vec![drive(format!("not run: needs {needs}; {mend}"))];
        }
        Outcome::Aborted { reason } => vec![drive(format!("aborted: {reason}"))],
        Outcome::Judged if scenario.findings.is_empty() => {
            vec![drive("inconclusive: nothing was judged".to_owned())]
        }
        Outcome::Judged => Vec::new(),
    };
    cases.extend(scenario.findings.iter().map(case));
    cases
}

fn case(finding: &Finding) -> Case {
    let asked = &finding.asked;
    let end = match asked.counted() {
        // Not a pass: nobody asked. How it stands by our own bar is all there is to say.
        None => End::Skipped {
            message: format!("not asked; ours: {}", stands(&finding.ours, Bar::Ours)),
        },
        Some(Verdict::Pass) => End::Pass,
        Some(Verdict::Fail) => End::Failure {
            message: match &asked.missed_by {
                Some(missed_by) => format!("{}: {missed_by}", asked.bar),
                None => format!("{}: not met", asked.bar),
            },
        },
        Some(Verdict::Inconclusive) => End::Skipped {
            message: format!(
                "inconclusive: {}",
                finding.note.as_deref().unwrap_or(&asked.bar)
            ),
        },
    };
    let lane = match finding.lane.as_str() {
        "" => String::new(),
        lane => format!(" [{lane}]"),
    };
    Case {
        name: format!("{}{lane}", finding.check),
        end,
        output: output(finding),
    }
}

/// Bar, word, and by how much it is missed: `p95 < 10 ms: goal missed: 3 ms over (30%)`.
fn stands(judgement: &Judgement, bar: Bar) -> String {
    let standing = Standing::from(judgement);
    let word = standing.word(bar);
    if standing == Standing::NotAsked {
        return word.to_owned();
    }
    let missed = judgement.missed_by.as_ref();
    let missed = missed.map_or(String::new(), |by| format!(": {by}"));
    format!("{}: {word}{missed}", judgement.bar)
}

/// Everything the finding knows, because many CI servers show nothing but this text.
fn output(finding: &Finding) -> String {
    let mut lines = vec![format!("claim: {}", finding.claim)];
    if let Some(measured) = &finding.measured {
        lines.push(format!("measured: {}", format::quantity(measured)));
    }
    for (bar, judgement) in [(Bar::Asked, &finding.asked), (Bar::Ours, &finding.ours)] {
        lines.push(format!("{}: {}", bar.as_str(), stands(judgement, bar)));
    }
    // Without these two numbers a pass could mean that nothing was looked at.
    lines.push(format!(
        "examined: {} of {}",
        finding.examined, finding.expected
    ));
    lines.extend(finding.note.iter().map(|note| format!("note: {note}")));
    let violations = &finding.violations;
    if violations.total > 0 {
        lines.push(format!(
            "violations: {}, {} shown",
            violations.total,
            violations.shown.len()
        ));
    }
    for violation in &violations.shown {
        lines.push(format!("- {}: {}", violation.subject, violation.what));
        lines.extend(
            violation
                .timeline
                .iter()
                .map(|entry| format!("    {entry}")),
        );
    }
    lines.join("\n")
}

/// The four totals of a suite, as attributes.
fn counts<'a>(cases: impl IntoIterator<Item = &'a Case>) -> [(&'static str, String); 4] {
    let (mut tests, mut failures, mut errors, mut skipped) = (0_u64, 0_u64, 0_u64, 0_u64);
    for case in cases {
        tests += 1;
        match case.end {
            End::Pass => {}
            End::Failure { .. } => failures += 1,
            End::Skipped { .. } => skipped += 1,
            End::Error { .. } => errors += 1,
        }
    }
    [
        ("tests", tests),
        ("failures", failures),
        ("errors", errors),
        ("skipped", skipped),
    ]
    .map(|(name, count)| (name, count.to_string()))
}

/// Seconds to the millisecond, as the format's readers expect.
fn time(seconds: f64) -> String {
    format!("{seconds:.3}")
}

/// XML 1.0 has no way to write most control characters, escaped or not, and evidence quotes logs.
fn clean(text: &str) -> String {
    let legal =
        |c: char| matches!(c, '\t' | '\n' | '\r') || !(c.is_control() || is_noncharacter(c));
    text.chars()
        .map(|c| {
            if legal(c) {
                c
            } else {
                char::REPLACEMENT_CHARACTER
            }
        })
        .collect()
}

fn is_noncharacter(c: char) -> bool {
    matches!(c, '\u{FFFE}' | '\u{FFFF}')
}
