use std::collections::BTreeMap;

use gauntlet_reports::evidence::{Finding, Violation};

use super::happened::redelivery_doubt;
use crate::check::evidence::{Collected, Evidence};
use crate::check::{Bar, Bars, Check, Scope};
use crate::ledger::{
    LaneView, Ledger, MASKED_COLUMNS, MASKED_ENTRIES, StoredPair, StoredRow, stored_pairs,
};

/// A replay of everything changed nothing: each row of each table, each entry of a state store and each
/// published message is there as often as before and holds what it held, but for the masked columns.
///
/// Examined are the rows that were there before. Where not everything was delivered again, or the stores
/// were not read again, it is inconclusive.
///
/// Does not show: that nothing was written, since a row that is written over with what it holds stays the
/// same.
#[derive(Clone, Debug)]
pub struct ReplayChangesNothing {
    scope: Scope,
    places: Vec<String>,
}

impl ReplayChangesNothing {
    /// `places` are tables and the like that must have held something: an empty one shows nothing.
    pub fn new(scope: impl Into<Scope>, places: &[&str]) -> Self {
        Self {
            scope: scope.into(),
            places: places.iter().map(ToString::to_string).collect(),
        }
    }

    fn search(&self, view: LaneView<'_>) -> Evidence {
        let record = view.record();
        let mut changes = Collected::new("changes of what was stored");
        let (mut before, mut after) = (0, 0);
        let mut rows_of: BTreeMap<&str, u64> = BTreeMap::new();
        for ((place, key), pair) in stored_pairs(&record.stored) {
            let rows = pair.before.len() as u64;
            before += rows;
            after += pair.after.len() as u64;
            *rows_of.entry(place).or_default() += rows;
            if !pair.is_same() {
                changes.add(|| change(place, key, &pair));
            }
        }
        if before == 0 || after == 0 {
            // What was not read is not gone.
            return Evidence::default().doubt("the stores were not read both before and after");
        }
        let is_empty = |place: &&String| rows_of.get(place.as_str()).is_none_or(|rows| *rows == 0);
        let empty = self.places.iter().filter(is_empty);
        let empty = empty.map(|place| format!("{place} held nothing"));
        let nothing = record.replayed.is_empty();
        let nothing = nothing.then(|| "no consumer group was set back".to_owned());
        let absent = record.replayed.iter().filter_map(redelivery_doubt);
        let held = rows_of
            .iter()
            .map(|(place, rows)| format!("{place} {rows}"));
        let held: Vec<String> = held.collect();
        Evidence::none_tolerated(changes)
            .examined(before)
            .expected(before)
            .doubts(nothing)
            .doubts(empty.chain(absent))
            .note(format!("rows: {}", held.join(", ")))
            .note(masked())
    }
}

/// What is not compared, reason by reason.
fn masked() -> String {
    let mut reasons: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for masked in MASKED_COLUMNS {
        let column = format!("{}.{}", masked.table, masked.column);
        reasons.entry(masked.because).or_default().push(column);
    }
    for masked in MASKED_ENTRIES {
        let entry = format!("the value of {}", masked.key);
        reasons.entry(masked.because).or_default().push(entry);
    }
    let reasons = reasons.into_iter();
    let reasons = reasons.map(|(because, what)| format!("{}: {because}", what.join(", ")));
    format!("not compared: {}", reasons.collect::<Vec<_>>().join("; "))
}

fn change(place: &str, key: &str, pair: &StoredPair<'_>) -> Violation {
    let (before, after) = (pair.before.len(), pair.after.len());
    let what = match (before, after) {
        (0, 1) => "was added".to_owned(),
        (1, 0) => "was removed".to_owned(),
        (1, 1) => "was changed".to_owned(),
        _ => format!("was there {before} times, and is there {after} times now"),
    };
    let lines = |when: &'static str, rows: &[&StoredRow]| -> Vec<String> {
        let text = |row: &&StoredRow| row.text.clone().unwrap_or_else(|| row.digest.clone());
        rows.iter()
            .map(|row| format!("{when}: {}", text(row)))
            .collect()
    };
    Violation {
        subject: format!("{place} {key}"),
        what,
        timeline: [lines("before", &pair.before), lines("after", &pair.after)].concat(),
    }
}

impl Check for ReplayChangesNothing {
    fn id(&self) -> &'static str {
        "replay-changes-nothing"
    }

    fn requirement(&self) -> &'static str {
        "SC-019"
    }

    fn claim(&self) -> String {
        "a full replay adds, removes and changes no row, and publishes nothing again".to_owned()
    }

    fn judge(&self, ledger: &Ledger) -> Finding {
        let bars = Bars::both(Bar::Stated("0 changes"));
        let search = |view: LaneView<'_>| self.search(view);
        self.scope.judge(self, ledger, &bars, "", search)
    }
}

#[cfg(test)]
mod tests {
    use gauntlet_reports::evidence::Verdict;

    use super::*;
    use crate::check::testing::{
        assert_both, assert_inconclusive_on_nothing, healthy, judge, lane,
    };
    use crate::ledger::stored_sample::{HELD, PLACES, replay, row};
    use crate::ledger::{LaneRecord, Moment};

    type Plant = fn(&mut LaneRecord);

    fn record() -> LaneRecord {
        let mut record = healthy(1);
        replay(&mut record);
        record
    }

    fn check() -> ReplayChangesNothing {
        ReplayChangesNothing::new(lane(), &PLACES)
    }

    #[test]
    fn passes_where_all_rows_are_as_they_were() {
        let finding = judge(&check(), record());
        assert_both(&finding, Verdict::Pass);
        assert_eq!(finding.examined, HELD * PLACES.len() as u64);
        let note = finding.note.unwrap();
        assert!(
            note.contains("rows: audit_log 3, state_entries 3"),
            "{note}"
        );
        for masked in ["relay_lease.epoch", "recurring:last_pass"] {
            assert!(note.contains(masked), "{note}");
        }
    }

    #[test]
    fn planted_additions_removals_and_changes_are_found() {
        let planted: [(Plant, &str); 4] = [
            (
                |record| {
                    let added = row(Moment::After, "audit_log", "9", "1");
                    record.stored.push(added);
                },
                "was added",
            ),
            (
                |record| {
                    record.stored.pop();
                },
                "was removed",
            ),
            (
                |record| {
                    let last = record.stored.last_mut();
                    "2".clone_into(&mut last.unwrap().digest);
                },
                "was changed",
            ),
            (
                |record| {
                    let again = record.stored.last().cloned();
                    record.stored.extend(again);
                },
                "was there 1 times, and is there 2 times now",
            ),
        ];
        for (plant, what) in planted {
            let mut record = record();
            plant(&mut record);
            let finding = judge(&check(), record);
            assert_both(&finding, Verdict::Fail);
            assert_eq!(finding.violations.total, 1);
            assert_eq!(finding.violations.shown[0].what, what);
        }
    }

    #[test]
    fn planted_message_that_was_published_again_is_found() {
        let mut record = record();
        let message = |read| row(read, "topic audit-logs", "e7", "1");
        let sides = [Moment::Before, Moment::After, Moment::After].map(message);
        record.stored.extend(sides);
        let finding = judge(&check(), record);
        assert_both(&finding, Verdict::Fail);
        assert_eq!(finding.violations.shown[0].subject, "topic audit-logs e7");
    }

    #[test]
    fn planted_replay_in_which_nothing_came_again_shows_nothing() {
        let mut not_set_back = record();
        not_set_back.replayed.clear();
        assert_both(&judge(&check(), not_set_back), Verdict::Inconclusive);
        let mut not_delivered = record();
        not_delivered.replayed[0].redelivered = 0;
        assert_both(&judge(&check(), not_delivered), Verdict::Inconclusive);
    }

    #[test]
    fn stores_that_were_read_once_and_places_that_held_nothing_are_inconclusive() {
        for moment in [Moment::Before, Moment::After] {
            let mut once = record();
            once.stored.retain(|row| row.read == moment);
            assert_both(&judge(&check(), once), Verdict::Inconclusive);
        }
        let mut no_state = record();
        no_state.stored.retain(|row| row.place != PLACES[1]);
        let finding = judge(&check(), no_state);
        assert_both(&finding, Verdict::Inconclusive);
        assert!(finding.note.unwrap().contains("state_entries held nothing"));
        assert_inconclusive_on_nothing(&check());
    }
}
