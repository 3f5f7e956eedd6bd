use gauntlet_reports::evidence::Finding;

use super::compared::records;
use super::{compare, judged, masked_columns};
use crate::check::evidence::{Collected, Evidence};
use crate::check::{Amount, Bar, Bars, Check};
use crate::ledger::{Lane, Ledger};

/// Every case has the same answers and leaves the same rows and events on each lane, once what may rightly
/// differ is masked.
///
/// Does not show: the order of effects between entities, nor anything that is masked.
#[derive(Clone, Debug)]
pub struct SameEffects {
    lanes: Vec<Lane>,
    at_least: u64,
}

impl SameEffects {
    /// Compares these lanes with the first of them, in at least so many cases.
    pub fn new(lanes: Vec<Lane>, at_least: u64) -> Self {
        Self { lanes, at_least }
    }

    fn search(&self, ledger: &Ledger) -> Evidence {
        let compared = compare(ledger, &self.lanes);
        let mut parted = Collected::new("cases in which lanes differ");
        for found in &compared.found {
            parted.add(|| found.violation());
        }
        let most = records(ledger, &self.lanes).map(|record| judged(record).count() as u64);
        let cases = most.max().unwrap_or(0).max(self.at_least);
        let others = self.lanes.len().saturating_sub(1) as u64;
        let mut evidence = Evidence::none_tolerated(parted)
            .examined(compared.pairs)
            .expected(cases * others)
            .note(format!(
                "{} compared with {}",
                Amount::count(compared.lines, "answers and rows"),
                self.lanes.first().map_or("nothing", Lane::as_str)
            ))
            .note(format!("masked: {}", masked_columns()));
        if others == 0 {
            evidence = evidence.doubt("there is one lane, and nothing to compare it with");
        }
        evidence
    }
}

impl Check for SameEffects {
    fn id(&self) -> &'static str {
        "same-effects"
    }

    fn requirement(&self) -> &'static str {
        "SC-001"
    }

    fn claim(&self) -> String {
        "every lane gives the same answers and leaves the same rows and events".to_owned()
    }

    fn judge(&self, ledger: &Ledger) -> Finding {
        let bars = Bars::both(Bar::Stated("100 % of the cases alike"));
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

    const LANES: [&str; 3] = ["dapr-kafka", "direct-kafka", "direct-redis"];

    fn lanes() -> Vec<LaneRecord> {
        LANES.map(|lane| lane_of_cases(lane, &["a", "b"])).to_vec()
    }

    fn judge(records: Vec<LaneRecord>) -> Finding {
        let lanes = LANES.map(Lane::new).to_vec();
        SameEffects::new(lanes, 2).judge(&Ledger::new("test", records))
    }

    #[test]
    fn passes_on_lanes_that_did_the_same() {
        let finding = judge(lanes());
        assert_both(&finding, Verdict::Pass);
        assert_eq!((finding.examined, finding.expected), (4, 4));
        let note = finding.note.unwrap_or_default();
        assert!(note.contains("masked: every UUID, created_at"), "{note}");
    }

    #[test]
    fn planted_difference_names_case_lane_column_and_both_values() {
        let mut lanes = lanes();
        let rows = lanes[2].cases[1].rows.as_mut().unwrap();
        let task = rows.iter_mut().find(|row| row.table == "tasks").unwrap();
        task.row["title"] = json!("c");
        let finding = judge(lanes);
        assert_both(&finding, Verdict::Fail);
        assert_eq!(finding.violations.total, 1);
        let violation = &finding.violations.shown[0];
        assert_eq!(violation.subject, "b");
        assert_eq!(
            violation.what,
            "row 1: tasks, column /title: dapr-kafka has \"b\", direct-redis has \"c\""
        );
    }

    #[test]
    fn planted_answer_of_one_lane_is_found() {
        let mut lanes = lanes();
        lanes[1].cases[0].exchanges[0].status = 200;
        let finding = judge(lanes);
        assert_both(&finding, Verdict::Fail);
        assert!(finding.violations.shown[0].what.contains("/status"));
    }

    #[test]
    fn a_control_is_not_compared_here() {
        let mut lanes = lanes();
        for lane in &mut lanes {
            lane.cases[1].role = CaseRole::Control {
                planted_on: Lane::new("direct-redis"),
            };
        }
        lanes[2].cases[1].exchanges[0].status = 500;
        let finding = judge(lanes);
        assert_eq!(finding.violations.total, 0);
        // And does not stand in for a case that is to be compared.
        assert_both(&finding, Verdict::Inconclusive);
    }

    #[test]
    fn less_than_everything_is_inconclusive() {
        assert_both(&judge(Vec::new()), Verdict::Inconclusive);
        assert_both(&judge(lanes()[..2].to_vec()), Verdict::Inconclusive);
        let mut unread = lanes();
        unread[1].cases[0].rows = None;
        assert_both(&judge(unread), Verdict::Inconclusive);
        let mut missing = lanes();
        missing[0].cases.pop();
        assert_both(&judge(missing), Verdict::Inconclusive);
        let alone = SameEffects::new(vec![Lane::new("direct-redis")], 2);
        let alone = alone.judge(&Ledger::new("test", lanes()));
        assert_both(&alone, Verdict::Inconclusive);
    }
}
