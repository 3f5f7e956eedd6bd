use std::collections::BTreeMap;

use gauntlet_reports::evidence::{Finding, Violation};

use super::compared::{in_words, records};
use crate::check::evidence::{Collected, Evidence};
use crate::check::{Bar, Bars, Check};
use crate::ledger::{CaseRecord, Lane, Ledger, first_difference, mask};

/// Where one lane was asked something else, the comparison says so; and it says so of no other lane.
///
/// A comparison that masks too much finds every two lanes equal. This is its failing twin.
#[derive(Clone, Debug)]
pub struct PlantedDivergence {
    lanes: Vec<Lane>,
    at_least: u64,
}

/// A control on one of the lanes.
type OnLane<'a> = (&'a Lane, &'a CaseRecord);

impl PlantedDivergence {
    /// At least so many controls, each on all of these lanes.
    pub fn new(lanes: Vec<Lane>, at_least: u64) -> Self {
        Self { lanes, at_least }
    }

    fn search(&self, ledger: &Ledger) -> Evidence {
        let mut controls: BTreeMap<&str, Vec<OnLane<'_>>> = BTreeMap::new();
        for record in records(ledger, &self.lanes) {
            let with_rows = record.cases.iter().filter(|case| case.rows.is_some());
            for case in with_rows.filter(|case| case.planted_on().is_some()) {
                controls
                    .entry(&case.name)
                    .or_default()
                    .push((&record.lane, case));
            }
        }
        let mut missed = Collected::new("controls that were not told apart");
        let (mut examined, mut seen) = (0, Vec::new());
        for (name, lanes) in controls {
            if lanes.len() < self.lanes.len() {
                continue;
            }
            examined += 1;
            match told_apart(&lanes) {
                Ok(difference) => seen.push(format!("{name}: {difference}")),
                Err(what) => missed.add(|| Violation {
                    subject: name.to_owned(),
                    what,
                    timeline: Vec::new(),
                }),
            }
        }
        Evidence::none_tolerated(missed)
            .examined(examined)
            .expected(self.at_least)
            .notes(seen)
    }
}

/// The difference that was planted; what is wrong where the comparison does not see it, or sees another.
fn told_apart(lanes: &[OnLane<'_>]) -> Result<String, String> {
    let is_planted = |(lane, case): &&OnLane<'_>| case.planted_on() == Some(*lane);
    let (planted, ordinary): (Vec<&OnLane<'_>>, Vec<&OnLane<'_>>) =
        lanes.iter().partition(is_planted);
    let ([(lane, planted)], [(first, reference), others @ ..]) = (&planted[..], &ordinary[..])
    else {
        return Err("it was not planted on one lane of several".to_owned());
    };
    let reference = mask(reference);
    for (other, case) in others {
        if let Some(difference) = first_difference(&reference, &mask(case)) {
            let what = in_words(&difference, first, other);
            return Err(format!("lanes that were asked the same differ: {what}"));
        }
    }
    match first_difference(&reference, &mask(planted)) {
        Some(difference) => Ok(in_words(&difference, first, lane)),
        None => Err(format!(
            "{lane} was asked something else and looks the same"
        )),
    }
}

impl Check for PlantedDivergence {
    fn id(&self) -> &'static str {
        "planted-divergence-caught"
    }

    fn requirement(&self) -> &'static str {
        "SC-001"
    }

    fn claim(&self) -> String {
        "the comparison sees that a lane was asked something else".to_owned()
    }

    fn judge(&self, ledger: &Ledger) -> Finding {
        let bars = Bars::both(Bar::Stated("every planted divergence is seen"));
        self.search(ledger).finding(self, &Lane::new(""), &bars, "")
    }
}

#[cfg(test)]
mod tests {
    use gauntlet_reports::evidence::Verdict;
    use serde_json::json;

    use super::*;
    use crate::check::testing::assert_both;
    use crate::ledger::case_sample::lane_of_cases;
    use crate::ledger::{CaseRole, LaneRecord};

    const LANES: [&str; 3] = ["dapr-kafka", "dapr-redis", "direct-redis"];

    /// The second lane was asked for another title.
    fn lanes() -> Vec<LaneRecord> {
        let mut lanes = LANES.map(|lane| lane_of_cases(lane, &["control"])).to_vec();
        for lane in &mut lanes {
            lane.cases[0].role = CaseRole::Control {
                planted_on: Lane::new("dapr-redis"),
            };
        }
        lanes[1].cases[0].exchanges[0].body["title"] = json!("another");
        lanes
    }

    fn judge(records: Vec<LaneRecord>) -> Finding {
        let lanes = LANES.map(Lane::new).to_vec();
        PlantedDivergence::new(lanes, 1).judge(&Ledger::new("test", records))
    }

    #[test]
    fn passes_where_it_is_seen() {
        let finding = judge(lanes());
        assert_both(&finding, Verdict::Pass);
        let note = finding.note.unwrap_or_default();
        assert!(note.contains("column /body/title"), "{note}");
    }

    #[test]
    fn planted_blindness_is_found() {
        let mut blind = lanes();
        blind[1].cases[0].exchanges[0].body["title"] = json!("control");
        let finding = judge(blind);
        assert_both(&finding, Verdict::Fail);
        assert!(finding.violations.shown[0].what.contains("looks the same"));
    }

    #[test]
    fn planted_difference_between_the_others_is_found() {
        let mut noisy = lanes();
        noisy[2].cases[0].exchanges[0].status = 200;
        let finding = judge(noisy);
        assert_both(&finding, Verdict::Fail);
        assert!(
            finding.violations.shown[0]
                .what
                .contains("asked the same differ")
        );
    }

    #[test]
    fn planted_nowhere_is_no_control() {
        let mut nowhere = lanes();
        for lane in &mut nowhere {
            lane.cases[0].role = CaseRole::Control {
                planted_on: Lane::new("elsewhere"),
            };
        }
        assert_both(&judge(nowhere), Verdict::Fail);
    }

    #[test]
    fn no_control_on_all_lanes_is_inconclusive() {
        assert_both(&judge(Vec::new()), Verdict::Inconclusive);
        assert_both(&judge(lanes()[..2].to_vec()), Verdict::Inconclusive);
        let mut unread = lanes();
        unread[0].cases[0].rows = None;
        assert_both(&judge(unread), Verdict::Inconclusive);
    }
}
