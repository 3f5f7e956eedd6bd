//! Which finding of one run is which of another.

use crate::evidence::{Finding, Report, ScenarioReport};
use crate::summary;

/// The same criterion among `others`, where `own` are the findings that this one stands among.
///
/// One check may judge several claims on one lane (each sidecar's memory), and only the claim tells
/// those apart. A claim may also be worded anew from one version to the next, so where the check has one
/// finding on the lane on both sides, the words do not matter.
pub(crate) fn partner<'a>(
    finding: &Finding,
    own: &[&Finding],
    others: &[&'a Finding],
) -> Option<&'a Finding> {
    let alike = |other: &&&Finding| other.check == finding.check && other.lane == finding.lane;
    let candidates: Vec<&'a Finding> = others.iter().filter(alike).copied().collect();
    let same_claim = candidates.iter().find(|other| other.claim == finding.claim);
    if let Some(same) = same_claim {
        return Some(same);
    }
    match candidates.as_slice() {
        [only] if own.iter().filter(alike).count() == 1 => Some(only),
        _ => None,
    }
}

/// How the scenarios of two reports are matched.
pub(crate) struct Matching<'a> {
    earlier: &'a Report,
    later: &'a Report,
    across: Option<(&'a str, &'a str)>,
}

impl<'a> Matching<'a> {
    pub(crate) fn new(earlier: &'a Report, later: &'a Report) -> Matching<'a> {
        let (from, to) = (earlier.compared_providers(), later.compared_providers());
        let across = match (from.as_slice(), to.as_slice()) {
            ([from], [to]) if from != to => Some((*from, *to)),
            _ => None,
        };
        Matching {
            earlier,
            later,
            across,
        }
    }

    /// The two providers, where each run had one and they are not the same: then scenarios are matched
    /// though nothing was run on the same provider twice.
    pub(crate) fn across(&self) -> Option<(&'a str, &'a str)> {
        self.across
    }

    /// What a scenario is called in the comparison: with its provider where a run had several.
    pub(crate) fn name(&self, report: &Report, scenario: &ScenarioReport) -> String {
        self.on_provider(&summary::name_among_repeats(scenario), report, scenario)
    }

    /// The same for all repeats of it.
    pub(crate) fn name_of_all(&self, report: &Report, scenario: &ScenarioReport) -> String {
        self.on_provider(&scenario.id, report, scenario)
    }

    fn on_provider(&self, name: &str, report: &Report, scenario: &ScenarioReport) -> String {
        let had_several = |report: &Report| report.compared_providers().len() > 1;
        if had_several(self.earlier) || had_several(self.later) {
            format!("{name} [{}]", report.provider_of(scenario))
        } else {
            name.to_owned()
        }
    }

    /// Whether it is one scenario in one provider, or across the two; whichever repeat it is.
    pub(crate) fn is_same(&self, earlier: &ScenarioReport, later: &ScenarioReport) -> bool {
        let on_the_same = || self.earlier.provider_of(earlier) == self.later.provider_of(later);
        earlier.id == later.id && (self.across.is_some() || on_the_same())
    }
}
