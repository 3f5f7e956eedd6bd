use std::collections::BTreeMap;

use gauntlet_reports::evidence::{Finding, Violation};
use serde_json::Value;

use super::compared::{in_words, records};
use crate::check::evidence::{Collected, Evidence};
use crate::check::{Bar, Bars, Check};
use crate::ledger::{CaseRecord, Lane, Ledger, MaskedLine, first_difference, mask};

/// Where one lane was asked for another title, the comparison says so: of the answer, and of each table that has
/// the title in it. It says so of no other lane.
///
/// A comparison that masks too much finds every two lanes equal. This is its failing twin.
#[derive(Clone, Debug)]
pub struct PlantedDivergence {
    lanes: Vec<Lane>,
    at_least: u64,
}

/// What the title of a task has to show in.
const TELLING: [&str; 3] = ["tasks", "outbox", "audit_log"];

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
    let planted = mask(planted);
    let Some(difference) = first_difference(&reference, &planted) else {
        return Err(format!(
            "{lane} was asked something else and looks the same"
        ));
    };
    shows_in_rows(&reference, &planted)?;
    let tables = TELLING.join(", ");
    Ok(format!(
        "{}; the same column in each of {tables}",
        in_words(&difference, first, lane)
    ))
}

/// Each of these tables has to differ by itself, and in the title: an answer that differs would cover up that
/// the rows are not looked at. With another status the lanes would have gone different ways.
fn shows_in_rows(reference: &[MaskedLine], planted: &[MaskedLine]) -> Result<(), String> {
    let statuses = |lines: &[MaskedLine]| -> Vec<Value> {
        let answers = lines.iter().filter(|line| line.table().is_none());
        answers.map(|line| line.value["status"].clone()).collect()
    };
    if statuses(reference) != statuses(planted) {
        return Err("the lanes were answered with different statuses".to_owned());
    }
    for table in TELLING {
        if titles(reference, table) == titles(planted, table) {
            return Err(format!("the title that was planted is not seen in {table}"));
        }
    }
    Ok(())
}

/// Every title in the rows of a table, however deep.
fn titles<'a>(lines: &'a [MaskedLine], table: &str) -> Vec<&'a Value> {
    let of_table = lines.iter().filter(|line| line.table() == Some(table));
    let mut open: Vec<&Value> = of_table.map(|line| &line.value).collect();
    let mut titles = Vec::new();
    while let Some(value) = open.pop() {
        match value {
            Value::Object(fields) => {
                titles.extend(fields.get("title"));
                open.extend(fields.values());
            }
            Value::Array(values) => open.extend(values),
            _ => {}
        }
    }
    titles
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
        ask_otherwise(&mut lanes[1].cases[0]);
        lanes
    }

    /// The title is everywhere that of the case's name.
    fn ask_otherwise(case: &mut CaseRecord) {
        let body = &mut case.exchanges[0].body;
        *body = replaced(body, "control", "another");
        for row in case.rows.as_mut().unwrap() {
            row.row = replaced(&row.row, "control", "another");
        }
    }

    fn replaced(value: &Value, from: &str, to: &str) -> Value {
        serde_json::from_str(&value.to_string().replace(from, to)).unwrap()
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
        blind[1].cases = blind[0].cases.clone();
        let finding = judge(blind);
        assert_both(&finding, Verdict::Fail);
        assert!(finding.violations.shown[0].what.contains("looks the same"));
    }

    #[test]
    fn planted_blindness_for_one_table_is_found_though_the_answer_differs() {
        for table in TELLING {
            let mut blind = lanes();
            let rows = blind[1].cases[0].rows.as_mut().unwrap();
            let row = rows.iter_mut().find(|row| row.table == table).unwrap();
            row.row = replaced(&row.row, "another", "control");
            let finding = judge(blind);
            assert_both(&finding, Verdict::Fail);
            let what = &finding.violations.shown[0].what;
            assert!(what.contains(table), "{what}");
        }
    }

    #[test]
    fn planted_status_does_not_pass_for_the_title() {
        let mut other = lanes();
        other[1].cases[0].exchanges[0].status = 200;
        let finding = judge(other);
        assert_both(&finding, Verdict::Fail);
        let what = &finding.violations.shown[0].what;
        assert!(what.contains("different statuses"), "{what}");
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
