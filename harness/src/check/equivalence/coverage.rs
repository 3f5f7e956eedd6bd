use std::collections::BTreeSet;

use gauntlet_reports::evidence::{Finding, Violation};

use super::compared::records;
use super::judged;
use crate::check::evidence::{Collected, Evidence};
use crate::check::{Amount, Bar, Bars, Check};
use crate::ledger::{
    CaseRecord, Lane, LaneRecord, Ledger, event_types, operation_effects, shows_feature,
};

/// Follows from every event on `task-events`, so no case names it.
const AUDIT_RECORDED: &str = "todo.audit.recorded";

/// The cases are many, distinct, and hit every feature and every type of event that they are to. Each
/// case leaves events of just the types that it names; of the features that it names only those count of which
/// its answers, rows or events show something.
///
/// Does not show: that a feature which is hit is hit in all its parts.
#[derive(Clone, Debug)]
pub struct CaseCoverage {
    lanes: Vec<Lane>,
    at_least: u64,
    features: Vec<&'static str>,
    events: Vec<&'static str>,
}

impl CaseCoverage {
    /// At least so many distinct cases on each of the lanes.
    pub fn new(lanes: Vec<Lane>, at_least: u64) -> Self {
        Self {
            lanes,
            at_least,
            features: Vec::new(),
            events: Vec::new(),
        }
    }

    /// Ids of requirements that some case has to name, and to do something of.
    #[must_use]
    pub fn features(mut self, features: &[&'static str]) -> Self {
        self.features = features.to_vec();
        self
    }

    /// Types of events that have to be in the outboxes of each lane.
    #[must_use]
    pub fn events(mut self, events: &[&'static str]) -> Self {
        self.events = events.to_vec();
        self
    }

    fn search(&self, ledger: &Ledger) -> Evidence {
        let mut gaps = Collected::new("gaps");
        let mut fewest = None;
        let mut pairs = BTreeSet::new();
        for record in records(ledger, &self.lanes) {
            let names: BTreeSet<&str> = judged(record).map(|case| case.name.as_str()).collect();
            let distinct = names.len() as u64;
            fewest = Some(fewest.unwrap_or(distinct).min(distinct));
            self.look_for_gaps(record, &mut gaps);
            pairs.extend(judged(record).flat_map(operation_effects));
        }
        let there = records(ledger, &self.lanes).count();
        let examined = if there == self.lanes.len() {
            fewest.unwrap_or(0)
        } else {
            0
        };
        let pairs = Amount::count(pairs.len() as u64, "distinct pairs of operation and effect");
        Evidence::measured(pairs)
            .broken_by(gaps)
            .examined(examined)
            .expected(self.at_least)
            .note(format!("features: {}", self.features.join(", ")))
            .note(format!("types of events: {}", self.events.join(", ")))
    }

    fn look_for_gaps(&self, record: &LaneRecord, gaps: &mut Collected) {
        let mut gap = |subject: &str, what: String| {
            gaps.add(|| Violation {
                subject: subject.to_owned(),
                what: format!("{what} on {}", record.lane),
                timeline: Vec::new(),
            });
        };
        let mut names = BTreeSet::new();
        let (mut features, mut events) = (BTreeSet::new(), BTreeSet::new());
        for case in judged(record) {
            if !names.insert(case.name.as_str()) {
                gap(&case.name, "two cases have this name".to_owned());
            }
            let shown = case.features.iter().map(String::as_str);
            features.extend(shown.filter(|feature| shows_feature(case, feature)));
            events.extend(event_types(case));
            if let Some(what) = unnamed_events(case) {
                gap(&case.name, what);
            }
        }
        for feature in self
            .features
            .iter()
            .filter(|feature| !features.contains(**feature))
        {
            gap(feature, "no case hits it".to_owned());
        }
        for event in self.events.iter().filter(|event| !events.contains(**event)) {
            gap(event, "no case left an event of this type".to_owned());
        }
    }
}

/// In which types of events the case's outbox and the case differ; none where it was not read.
fn unnamed_events(case: &CaseRecord) -> Option<String> {
    case.rows.as_ref()?;
    let mut seen = event_types(case);
    seen.remove(AUDIT_RECORDED);
    let named: BTreeSet<String> = case.events.iter().cloned().collect();
    let list = |types: Vec<&String>| {
        let types: Vec<&str> = types.into_iter().map(String::as_str).collect();
        types.join(", ")
    };
    let (missing, extra) = (named.difference(&seen), seen.difference(&named));
    let (missing, extra) = (list(missing.collect()), list(extra.collect()));
    match (missing.is_empty(), extra.is_empty()) {
        (true, true) => None,
        (false, true) => Some(format!("left no event {missing}")),
        (true, false) => Some(format!("left events that it does not name, {extra},")),
        (false, false) => Some(format!(
            "left {extra}, which it does not name, and no {missing}"
        )),
    }
}

impl Check for CaseCoverage {
    fn id(&self) -> &'static str {
        "case-coverage"
    }

    fn requirement(&self) -> &'static str {
        "SC-001"
    }

    fn claim(&self) -> String {
        let cases = self.at_least;
        format!("at least {cases} distinct cases hit every feature and every type of event")
    }

    fn judge(&self, ledger: &Ledger) -> Finding {
        let bars = Bars::both(Bar::Stated("no gap"));
        self.search(ledger).finding(self, &Lane::new(""), &bars, "")
    }
}

#[cfg(test)]
mod tests {
    use gauntlet_reports::evidence::Verdict;

    use super::*;
    use crate::check::testing::assert_both;
    use crate::ledger::CaseRole;
    use crate::ledger::case_sample::lane_of_cases;

    const LANES: [&str; 2] = ["dapr-kafka", "direct-redis"];

    fn lanes() -> Vec<LaneRecord> {
        LANES.map(|lane| lane_of_cases(lane, &["a", "b"])).to_vec()
    }

    fn check() -> CaseCoverage {
        CaseCoverage::new(LANES.map(Lane::new).to_vec(), 2)
            .features(&["T1", "E1"])
            .events(&["todo.task.created", AUDIT_RECORDED])
    }

    fn judge(check: &CaseCoverage, records: Vec<LaneRecord>) -> Finding {
        check.judge(&Ledger::new("test", records))
    }

    #[test]
    fn passes_where_everything_is_hit() {
        let finding = judge(&check(), lanes());
        assert_both(&finding, Verdict::Pass);
        assert_eq!((finding.examined, finding.expected), (2, 2));
        // The creation with its status and with its event.
        assert_eq!(finding.measured.map(|measured| measured.value), Some(2.0));
    }

    #[test]
    fn planted_feature_and_event_that_nothing_hits_are_found() {
        let check = check()
            .features(&["T1", "T9"])
            .events(&["todo.tag.created"]);
        let finding = judge(&check, lanes());
        assert_both(&finding, Verdict::Fail);
        let found: Vec<&str> = finding
            .violations
            .shown
            .iter()
            .map(|violation| violation.subject.as_str())
            .collect();
        assert_eq!(found, ["T9", "todo.tag.created", "T9", "todo.tag.created"]);
    }

    #[test]
    fn planted_feature_that_a_case_names_and_does_nothing_of_is_found() {
        let mut records = lanes();
        for record in &mut records {
            record.cases[0].features.push("T9".to_owned());
        }
        let finding = judge(&check().features(&["T1", "T9"]), records);
        assert_both(&finding, Verdict::Fail);
        assert_eq!(finding.violations.shown[0].subject, "T9");
    }

    #[test]
    fn planted_event_that_a_case_does_not_name_is_found_and_so_is_a_missing_one() {
        let mut records = lanes();
        records[0].cases[0].events.clear();
        records[1].cases[1]
            .events
            .push("todo.task.deleted".to_owned());
        let finding = judge(&check(), records);
        assert_both(&finding, Verdict::Fail);
        let found: Vec<&str> = finding
            .violations
            .shown
            .iter()
            .map(|violation| violation.what.as_str())
            .collect();
        assert_eq!(
            found,
            [
                "left events that it does not name, todo.task.created, on dapr-kafka",
                "left no event todo.task.deleted on direct-redis",
            ]
        );
    }

    #[test]
    fn planted_second_case_of_a_name_is_found_and_does_not_count() {
        let mut records = lanes();
        records[0].cases[1].name = "a".to_owned();
        let finding = judge(&check(), records);
        assert_both(&finding, Verdict::Fail);
        assert_eq!(finding.examined, 1);
    }

    #[test]
    fn too_few_cases_or_lanes_are_inconclusive() {
        let hundred = CaseCoverage::new(LANES.map(Lane::new).to_vec(), 100);
        assert_both(&judge(&hundred, lanes()), Verdict::Inconclusive);
        assert_both(&judge(&check(), Vec::new()), Verdict::Inconclusive);
        assert_both(
            &judge(&check(), lanes()[..1].to_vec()),
            Verdict::Inconclusive,
        );
        let mut controls = lanes();
        controls[0].cases[1].role = CaseRole::Control {
            planted_on: Lane::new("dapr-kafka"),
        };
        assert_both(&judge(&check(), controls), Verdict::Inconclusive);
    }
}
