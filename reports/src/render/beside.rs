//! The providers beside each other: on the page, and in Markdown.

use std::fmt::Write;

use serde::Serialize;

use super::chip::Chip;
use super::comparison::{measured, ratio};
use super::markdown::escape;
use crate::beside::{Beside, End, Group, Line, beside};
use crate::compare::Side;
use crate::evidence::{Report, Verdict};
use crate::format::parts;
use crate::standing::{Bar, Standing};

/// The section as the template needs it.
#[derive(Debug, Serialize)]
pub(super) struct BesideView {
    providers: Vec<String>,
    /// One for each provider but the first: `containers ÷ process`.
    ratios: Vec<String>,
    groups: Vec<GroupView>,
    columns: usize,
}

#[derive(Debug, Serialize)]
struct GroupView {
    scenario: String,
    ends: Vec<Option<EndView>>,
    criteria: Vec<LineView>,
    figures: Vec<LineView>,
}

#[derive(Debug, Serialize)]
struct EndView {
    asked: Chip,
    ours: Chip,
    /// Why there is no verdict, led by the provider.
    why: Option<String>,
}

#[derive(Debug, Serialize)]
struct LineView {
    name: String,
    /// What else tells it from the scenario's other lines: the lane, and the claim where that is not
    /// enough.
    about: String,
    sides: Vec<SideView>,
    ratios: Vec<String>,
    /// The verdicts are not the same: the rows that a reader looks for.
    differs: bool,
}

/// What was measured and both verdicts; no chips where it was not judged.
#[derive(Debug, Serialize)]
struct SideView {
    number: String,
    unit: String,
    asked: Option<Chip>,
    ours: Option<Chip>,
}

/// None where the run had one provider.
pub(super) fn beside_view(report: &Report) -> Option<BesideView> {
    let beside = beside(report)?;
    Some(BesideView {
        ratios: ratio_heads(&beside),
        // A measured number and two verdicts each, the ratios, and what it is about.
        columns: beside.providers.len() * 4,
        groups: beside
            .scenarios
            .iter()
            .map(|group| group_view(group, &beside.providers))
            .collect(),
        providers: beside.providers,
    })
}

fn ratio_heads(beside: &Beside) -> Vec<String> {
    let mut providers = beside.providers.iter();
    let Some(first) = providers.next() else {
        return Vec::new();
    };
    providers
        .map(|other| format!("{other} ÷ {first}"))
        .collect()
}

fn group_view(group: &Group, providers: &[String]) -> GroupView {
    let end = |provider: &str, end: &End| EndView {
        asked: Chip::new(end.asked, Bar::Asked),
        ours: Chip::new(end.ours, Bar::Ours),
        why: end.why.as_ref().map(|why| format!("{provider}: {why}")),
    };
    GroupView {
        scenario: group.scenario.clone(),
        ends: providers
            .iter()
            .zip(&group.ends)
            .map(|(provider, one)| one.as_ref().map(|one| end(provider, one)))
            .collect(),
        criteria: lines_view(&group.criteria),
        figures: lines_view(&group.figures),
    }
}

fn lines_view(lines: &[Line]) -> Vec<LineView> {
    lines.iter().map(|line| line_view(line, lines)).collect()
}

/// The claim in full stands in the scenario's own section; here it would double the table's length.
fn line_view(line: &Line, among: &[Line]) -> LineView {
    let is_sibling = |other: &&Line| other.name == line.name && other.lane == line.lane;
    let has_siblings = among.iter().filter(is_sibling).count() > 1;
    let about = [Some(&line.lane), has_siblings.then_some(&line.claim)];
    let about = about.into_iter().flatten().filter(|text| !text.is_empty());
    LineView {
        name: line.name.clone(),
        about: about.cloned().collect::<Vec<_>>().join(" · "),
        sides: line
            .sides
            .iter()
            .map(|side| side_view(side.as_ref()))
            .collect(),
        ratios: line.ratios().into_iter().map(ratio).collect(),
        differs: verdicts_differ(line),
    }
}

fn side_view(side: Option<&Side>) -> SideView {
    let chip = |bar: Bar| side.map(|side| Chip::new(standing(verdict(side, bar)), bar));
    let measured = side.and_then(|side| side.measured.as_ref());
    let (number, unit) = measured.map_or_else(|| ("–".to_owned(), String::new()), parts);
    SideView {
        number,
        unit,
        asked: chip(Bar::Asked),
        ours: chip(Bar::Ours),
    }
}

fn verdicts_differ(line: &Line) -> bool {
    let verdicts = |side: &Option<Side>| side.as_ref().map(|side| (side.asked, side.ours));
    let mut sides = line.sides.iter().map(verdicts);
    let first = sides.next();
    sides.any(|other| Some(other) != first)
}

fn verdict(side: &Side, bar: Bar) -> Option<Verdict> {
    match bar {
        Bar::Asked => side.asked,
        Bar::Ours => side.ours,
    }
}

fn standing(verdict: Option<Verdict>) -> Standing {
    verdict.map_or(Standing::NotAsked, Standing::from)
}

/// One table a scenario; nothing where the run had one provider.
pub(super) fn beside_markdown(text: &mut String, report: &Report) {
    let Some(beside) = beside(report) else {
        return;
    };
    text.push_str("\n## The providers side by side\n");
    for group in &beside.scenarios {
        _ = writeln!(text, "\n### {}\n", escape(&group.scenario));
        for (provider, end) in beside.providers.iter().zip(&group.ends) {
            _ = writeln!(text, "- {}: {}", escape(provider), end_words(end.as_ref()));
        }
        if !group.criteria.is_empty() {
            criteria(text, &beside, group);
        }
        if !group.figures.is_empty() {
            figures(text, &beside, group);
        }
    }
}

fn end_words(end: Option<&End>) -> String {
    let Some(end) = end else {
        return "not in the report".to_owned();
    };
    let why = end.why.as_ref();
    let why = why.map_or_else(String::new, |why| format!(": {}", escape(why)));
    let (asked, ours) = (end.asked.label(Bar::Asked), end.ours.label(Bar::Ours));
    format!("asked {asked} · ours {ours}{why}")
}

fn criteria(text: &mut String, beside: &Beside, group: &Group) {
    let mut head = "| Criterion | Lane |".to_owned();
    let mut rule = "|---|---|".to_owned();
    for provider in &beside.providers {
        let provider = escape(provider);
        _ = write!(head, " {provider} | asked | ours |");
        rule.push_str("--:|---|---|");
    }
    ratio_columns(beside, &mut head, &mut rule);
    _ = writeln!(text, "\n{head}\n{rule}");
    for line in &group.criteria {
        let (name, claim, lane) = (escape(&line.name), escape(&line.claim), escape(&line.lane));
        _ = write!(text, "| {name}: {claim} | {lane} |");
        for side in &line.sides {
            let label = |bar: Bar| {
                let told = side.as_ref().map(|side| standing(verdict(side, bar)));
                told.map_or_else(|| "not judged".to_owned(), |told| told.label(bar))
            };
            let (asked, ours) = (label(Bar::Asked), label(Bar::Ours));
            _ = write!(text, " {} | {asked} | {ours} |", measured(side.as_ref()));
        }
        ratios(text, line);
    }
}

fn figures(text: &mut String, beside: &Beside, group: &Group) {
    let mut head = "| Figure without a bar | Lane |".to_owned();
    let mut rule = "|---|---|".to_owned();
    for provider in &beside.providers {
        _ = write!(head, " {} |", escape(provider));
        rule.push_str("--:|");
    }
    ratio_columns(beside, &mut head, &mut rule);
    _ = writeln!(text, "\n{head}\n{rule}");
    for line in &group.figures {
        _ = write!(text, "| {} | {} |", escape(&line.name), escape(&line.lane));
        for side in &line.sides {
            _ = write!(text, " {} |", measured(side.as_ref()));
        }
        ratios(text, line);
    }
}

fn ratio_columns(beside: &Beside, head: &mut String, rule: &mut String) {
    for ratio in ratio_heads(beside) {
        _ = write!(head, " {} |", escape(&ratio));
        rule.push_str("--:|");
    }
}

fn ratios(text: &mut String, line: &Line) {
    for number in line.ratios() {
        _ = write!(text, " {} |", ratio(number));
    }
    text.push('\n');
}
