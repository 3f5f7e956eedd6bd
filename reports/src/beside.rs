//! The providers of one run beside each other, criterion by criterion.

use crate::compare::Side;
use crate::evidence::{Figure, Finding, Outcome, Quantity, Report, ScenarioReport};
use crate::standing::{Bar, Standing};
use crate::{pairing, scale, summary};

/// What each provider made of the same scenarios.
#[derive(Clone, Debug, PartialEq)]
pub struct Beside {
    /// In the run's order. The first is what the others are compared with.
    pub providers: Vec<String>,
    pub scenarios: Vec<Group>,
}

/// One scenario. Lists of sides have an entry for each provider, in the order of [`Beside`].
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// With its repeat from the second on.
    pub scenario: String,
    /// None where the scenario is not in the report for that provider.
    pub ends: Vec<Option<End>>,
    pub criteria: Vec<Line>,
    /// Numbers that no bar applies to.
    pub figures: Vec<Line>,
}

/// How a scenario ended on one provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct End {
    pub asked: Standing,
    pub ours: Standing,
    /// Why there is no verdict, where there is none.
    pub why: Option<String>,
}

/// One criterion or one figure.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// The check, or the figure's name.
    pub name: String,
    /// In the user's words; empty for a figure.
    pub claim: String,
    pub lane: String,
    pub sides: Vec<Option<Side>>,
}

impl Line {
    /// Each further provider's number over the first one's; none where there is nothing to divide, or
    /// where one of the two is inconclusive.
    pub fn ratios(&self) -> Vec<Option<f64>> {
        let number = |side: &Option<Side>| side.as_ref().and_then(Side::settled).cloned();
        let mut numbers = self.sides.iter().map(number);
        let first = numbers.next().flatten();
        let over_first = |number: Option<Quantity>| scale::ratio(number.as_ref(), first.as_ref());
        numbers.map(over_first).collect()
    }
}

/// Sets the providers of a run beside each other; none where the run had one.
pub fn beside(report: &Report) -> Option<Beside> {
    let providers = report.compared_providers();
    if providers.len() < 2 {
        return None;
    }
    let mut groups: Vec<(&ScenarioReport, Vec<Option<&ScenarioReport>>)> = Vec::new();
    for scenario in &report.scenarios {
        let is_known = groups.iter().any(|(first, _)| is_repeat(first, scenario));
        if !is_known {
            let on = |provider: &&str| {
                let mut all = report.scenarios.iter();
                all.find(|one| is_repeat(one, scenario) && report.provider_of(one) == *provider)
            };
            groups.push((scenario, providers.iter().map(on).collect()));
        }
    }
    Some(Beside {
        scenarios: groups.iter().map(|(_, sides)| group(sides)).collect(),
        providers: providers.into_iter().map(str::to_owned).collect(),
    })
}

fn is_repeat(one: &ScenarioReport, other: &ScenarioReport) -> bool {
    one.id == other.id && one.repeat == other.repeat
}

fn group(sides: &[Option<&ScenarioReport>]) -> Group {
    let findings: Vec<Vec<&Finding>> = sides
        .iter()
        .map(|side| side.iter().flat_map(|one| &one.findings).collect())
        .collect();
    let figures: Vec<Vec<&Figure>> = sides
        .iter()
        .map(|side| side.iter().flat_map(|one| &one.figures).collect())
        .collect();
    let named = sides.iter().flatten().next();
    Group {
        scenario: named.map_or_else(String::new, |one| summary::name_among_repeats(one)),
        ends: sides.iter().map(|side| side.map(end)).collect(),
        criteria: lines(&findings, pairing::partner, criterion),
        figures: lines(&figures, same_figure, figure),
    }
}

fn end(scenario: &ScenarioReport) -> End {
    End {
        asked: Standing::of(scenario, Bar::Asked),
        ours: Standing::of(scenario, Bar::Ours),
        why: match &scenario.outcome {
            Outcome::Judged => None,
            Outcome::NotRun { needs, .. } => Some(format!("needs {needs}")),
            Outcome::Aborted { reason } => Some(format!("aborted: {reason}")),
        },
    }
}

/// Which of the others is the same as this one of its own.
type Partner<T> = for<'a> fn(&T, own: &[&T], others: &[&'a T]) -> Option<&'a T>;

/// A line for each item of any provider: those of the first, then what only a later one has.
fn lines<T>(
    sides: &[Vec<&T>],
    partner: Partner<T>,
    line: fn(&T, Vec<Option<&T>>) -> Line,
) -> Vec<Line> {
    let mut lines = Vec::new();
    for (index, own) in sides.iter().enumerate() {
        for item in own {
            let on: Vec<Option<&T>> = sides
                .iter()
                .enumerate()
                .map(|(other, items)| {
                    if other == index {
                        Some(*item)
                    } else {
                        partner(item, own, items)
                    }
                })
                .collect();
            let is_told = on.iter().take(index).any(Option::is_some);
            if !is_told {
                lines.push(line(item, on));
            }
        }
    }
    lines
}

fn criterion(finding: &Finding, sides: Vec<Option<&Finding>>) -> Line {
    Line {
        name: finding.check.clone(),
        claim: finding.claim.clone(),
        lane: finding.lane.clone(),
        sides: sides.into_iter().map(|side| side.map(Side::of)).collect(),
    }
}

fn same_figure<'a>(figure: &Figure, _: &[&Figure], others: &[&'a Figure]) -> Option<&'a Figure> {
    let same = |other: &&&Figure| other.name == figure.name && other.lane == figure.lane;
    others.iter().find(same).copied()
}

fn figure(figure: &Figure, sides: Vec<Option<&Figure>>) -> Line {
    let number = |figure: &Figure| Side {
        measured: Some(Quantity {
            value: figure.value,
            unit: figure.unit.clone(),
        }),
        asked: None,
        ours: None,
    };
    Line {
        name: figure.name.clone(),
        claim: String::new(),
        lane: figure.lane.clone(),
        sides: sides.into_iter().map(|side| side.map(number)).collect(),
    }
}
