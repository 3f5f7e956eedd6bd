use std::collections::HashMap;
use std::fmt::Debug;

use gauntlet_reports::evidence::{Finding, Violation};
use gauntlet_reports::format;
use uuid::Uuid;

use super::evidence::{Collected, Evidence};
use super::{Bar, Bars, Check, Scope};
use crate::ledger::{
    Effect, EntityKind, EventKind, LaneView, Ledger, Operation, OperationKind, OutboxRow, Seeded,
    SeenEvent, TaskDetails, TaskRow,
};

/// What arrives and what stays is what was asked for: the envelope behind each effect is a valid
/// event by the judge's own reading, agrees with the effect's row, and carries the operation's user
/// and title; each final row has the user, title and status that the last operations on it asked for, and
/// the priority, due date, time zone, labels and place in a series that its last event tells. A task that was
/// there before the load and was changed keeps whatever the changes were not about.
///
/// Producer and consumer share one set of types, so that a slip in these (a renamed field, a number
/// written as text) passes between them unnoticed. The judge reads raw JSON by the documented
/// format, and therefore notices. A database that took a version and not its content would look
/// perfect to a check that counts versions.
///
/// Only rows at the version of their last event are examined: that the others stand elsewhere is for
/// `nothing-lost`, `unknowns-settled` and `nothing-invented` to find. The scope's minimum is held
/// against the effects alone, since rows must not make up for them.
///
/// Does not show: the description and the times of a task, which the load does not vary; the rows of tags,
/// categories and series, whose events are read and whose rows are not.
#[derive(Clone, Debug)]
pub struct ContentIntact {
    scope: Scope,
}

impl ContentIntact {
    pub fn new(scope: impl Into<Scope>) -> Self {
        Self {
            scope: scope.into(),
        }
    }

    fn search(view: LaneView<'_>, planned: u64) -> Evidence {
        let record = view.record();
        let mut spoilt = Collected::new("spoilt events or rows");
        let told = compare_effects(view, &mut spoilt);
        let rows = compare_rows(view, &told, &mut spoilt);
        let effects = record.effects.len() as u64;
        let (examined, expected) = (effects + rows.compared, effects + rows.owed);
        let too_few = (effects < planned).then(|| {
            let (effects, planned) = (format::count(effects), format::count(planned));
            format!("only {effects} effects of the {planned} at least expected")
        });
        Evidence::none_tolerated(spoilt)
            .examined(examined)
            .expected(expected)
            .doubts(too_few)
    }
}

/// By task, what the event of the highest version that arrived tells of it.
type Told = HashMap<Uuid, TaskDetails>;

fn compare_effects(view: LaneView<'_>, spoilt: &mut Collected) -> Told {
    let (record, accounting) = (view.record(), view.accounting());
    let mut told = Told::with_capacity(record.tasks.len());
    for (effect, event) in record.effects.iter().zip(&accounting.event_of_effect) {
        let operation = event.and_then(|event| asked_by(view, event));
        match compare(effect, operation) {
            Ok(Some(details)) => {
                let last = told.entry(details.task_id);
                let last = last.or_insert_with(|| details.clone());
                if last.version < details.version {
                    *last = details;
                }
            }
            Ok(None) => {}
            Err(what) => spoilt.add(|| Violation {
                subject: format!("event {}", effect.event_id),
                what,
                timeline: record.timeline_of_event(effect.event_id, accounting),
            }),
        }
    }
    told
}

/// Rows at the version of their last event, and those of them that could be compared in full.
#[derive(Default)]
struct Rows {
    owed: u64,
    compared: u64,
}

fn compare_rows(view: LaneView<'_>, arrived: &Told, spoilt: &mut Collected) -> Rows {
    let record = view.record();
    let details: HashMap<Uuid, &TaskDetails> = record
        .details
        .iter()
        .map(|details| (details.task_id, details))
        .collect();
    let seeded: HashMap<Uuid, &Seeded> = record
        .seeded
        .iter()
        .map(|seeded| (seeded.row.task_id, seeded))
        .collect();
    let mut told: HashMap<Uuid, LastEvents> = HashMap::with_capacity(record.tasks.len());
    let changes = record.events.iter().enumerate();
    for (position, event) in changes.filter(|(_, event)| changes_a_task(event)) {
        let last = told.entry(event.task_id).or_default();
        last.add(position, event);
    }
    let mut rows = Rows::default();
    for row in &record.tasks {
        let last = told.get(&row.task_id);
        let Some(last) = last.filter(|last| last.version == row.version) else {
            continue;
        };
        rows.owed += 1;
        let of_row = details.get(&row.task_id);
        let of_row = of_row.filter(|details| details.version == row.version);
        let told = arrived.get(&row.task_id);
        // Without its last event there is nothing to hold the row against, and a loss that others find.
        let told = told.filter(|told| told.version == row.version);
        // None where it was not read, or not at that version.
        let Some(of_row) = of_row else {
            continue;
        };
        let agreed = told.map_or(Ok(()), |told| compare_details(of_row, told));
        rows.compared += 1;
        let seeded = seeded.get(&row.task_id).copied();
        let kept = seeded.map_or(Ok(()), |seeded| compare_details(of_row, &seeded.details));
        if let Err(what) = last.compare(row, seeded, view).and(agreed).and(kept) {
            spoilt.add(|| Violation {
                subject: format!("task {}", row.task_id),
                what,
                timeline: record.timeline_of_version(row.task_id, row.version),
            });
        }
    }
    rows
}

/// A type that the judge does not know is taken for one: it would else excuse the row.
fn changes_a_task(event: &OutboxRow) -> bool {
    event
        .kind
        .is_none_or(|kind| kind.changes() == Some(EntityKind::Task))
}

/// Says what does not agree.
fn compare_details(row: &TaskDetails, told: &TaskDetails) -> Result<(), String> {
    agree("priority of the row", &row.priority, &told.priority)?;
    agree("due date of the row", &row.due_at, &told.due_at)?;
    agree("time zone of the row", &row.time_zone, &told.time_zone)?;
    agree("category of the row", &row.category_id, &told.category_id)?;
    agree("tags of the row", &row.tags, &told.tags)?;
    agree("occurrence of the row", &row.occurrence, &told.occurrence)
}

/// What a task's events tell of its final state, whatever their order in the outbox.
#[derive(Default)]
struct LastEvents {
    /// The highest of all.
    version: u64,
    /// Version and position of the last event that gave the task a title.
    titled: Option<(u64, usize)>,
    /// Version of the last completion or reopening, and which of them it was.
    completed: Option<(u64, OperationKind)>,
}

impl LastEvents {
    fn add(&mut self, position: usize, event: &OutboxRow) {
        let version = event.version;
        self.version = self.version.max(version);
        if let Some(kind) = event.kind.and_then(EventKind::of_task) {
            if kind.writes_title() && self.titled.is_none_or(|(last, _)| last < version) {
                self.titled = Some((version, position));
            }
            if kind.is_idempotent() && self.completed.is_none_or(|(last, _)| last < version) {
                self.completed = Some((version, kind));
            }
        }
    }

    /// Says what does not agree.
    fn compare(
        &self,
        row: &TaskRow,
        seeded: Option<&Seeded>,
        view: LaneView<'_>,
    ) -> Result<(), String> {
        let titled = self.titled.and_then(|(_, event)| asked_by(view, event));
        // As with effects, an event that nobody asked for is no measure.
        if let Some(operation) = titled.filter(|operation| operation.kind.writes_title()) {
            agree("title of the row", &row.title, &operation.key)?;
            agree("user of the row", &row.user_id, &operation.user_id)?;
        }
        if let (None, Some(seeded)) = (self.titled, seeded) {
            agree("title of the row", &row.title, &seeded.row.title)?;
            agree("user of the row", &row.user_id, &seeded.row.user_id)?;
        }
        // What was never completed is open, or as it was put there. The load asks for no other status.
        let wanted = match (self.completed, seeded) {
            (Some((_, OperationKind::Complete)), _) => "completed",
            (None, Some(seeded)) => seeded.row.status.as_str(),
            _ => "pending",
        };
        agree("status of the row", row.status.as_str(), wanted)
    }
}

fn asked_by(view: LaneView<'_>, event: usize) -> Option<&Operation> {
    let operation = view.accounting().operation_of_event[event]?;
    Some(&view.record().operations[operation])
}

/// Gives the details of a task's new state, or says what does not agree.
fn compare(effect: &Effect, operation: Option<&Operation>) -> Result<Option<TaskDetails>, String> {
    let envelope = effect
        .envelope
        .value()
        .map_err(|error| format!("not JSON: {error}"))?;
    let seen = SeenEvent::read(&envelope).map_err(|fault| fault.to_string())?;
    agree("event id", &seen.event_id, &effect.event_id)?;
    agree("entity id", &seen.entity_id, &effect.task_id)?;
    agree("version", &seen.version, &Some(effect.version))?;
    agree("action", seen.kind.action(), effect.action.as_str())?;
    // An effect that nobody asked for is the business of `nothing-invented`.
    if let Some(operation) = operation {
        let asked = EventKind::Task(operation.kind);
        agree("operation", &seen.kind, &asked)?;
        agree("user", &seen.user_id, &operation.user_id)?;
        if operation.kind.writes_title() {
            agree("title", &seen.title.as_ref(), &Some(&operation.key))?;
        }
    }
    let new = envelope.pointer("/data/new").filter(|new| !new.is_null());
    match (seen.entity, new) {
        (EntityKind::Task, Some(new)) => {
            let details = TaskDetails::told(seen.entity_id, effect.version, new);
            details.map(Some).map_err(|fault| fault.to_string())
        }
        _ => Ok(None),
    }
}

fn agree<T: PartialEq + Debug + ?Sized>(what: &str, carried: &T, wanted: &T) -> Result<(), String> {
    if carried == wanted {
        Ok(())
    } else {
        Err(format!("{what}: found {carried:?}, wanted {wanted:?}"))
    }
}

impl Check for ContentIntact {
    fn id(&self) -> &'static str {
        "content-intact"
    }

    fn requirement(&self) -> &'static str {
        "E1"
    }

    fn claim(&self) -> String {
        "every event arrives, and every row stays, valid and with the content that was asked for"
            .to_owned()
    }

    fn judge(&self, ledger: &Ledger) -> Finding {
        let bars = Bars::both(Bar::Stated("0 spoilt events or rows"));
        let planned = self.scope.minimum();
        self.scope
            .judge(self, ledger, &bars, "", |view| Self::search(view, planned))
    }
}

#[cfg(test)]
mod tests {
    use gauntlet_reports::evidence::Verdict;
    use serde_json::json;

    use super::*;
    use crate::check::testing::{
        assert_both, assert_inconclusive_on_nothing, healthy, judge, lane,
    };
    use crate::ledger::{LaneRecord, Occurrence, RawJson, sample};

    #[track_caller]
    fn assert_found(record: LaneRecord, what: &str) {
        let finding = judge(&ContentIntact::new(lane()), record);
        assert_both(&finding, Verdict::Fail);
        assert_eq!(finding.violations.total, 1);
        assert!(
            finding.violations.shown[0].what.starts_with(what),
            "{finding:#?}"
        );
    }

    #[test]
    fn passes_on_what_was_asked_for() {
        assert_both(
            &judge(&ContentIntact::new(lane()), healthy(10)),
            Verdict::Pass,
        );
    }

    #[test]
    fn planted_slips_of_the_envelope_are_found() {
        for (pointer, value, what) in [
            ("/specversion", json!("0.3"), "specversion"),
            ("/id", json!(Uuid::from_u128(1)), "event id"),
            ("/data/version", json!(2), "version"),
            ("/data/user_id", json!(Uuid::from_u128(1)), "user"),
            ("/data/new/title", json!("other"), "title"),
            ("/data/new/tags", json!("none"), "tags is missing"),
        ] {
            let mut record = healthy(10);
            let mut envelope = record.effects[4].envelope.value().unwrap();
            *envelope.pointer_mut(pointer).unwrap() = value;
            record.effects[4].envelope = RawJson::of(&envelope);
            assert_found(record, what);
        }
    }

    #[test]
    fn planted_wrong_action_of_the_row_is_found() {
        let mut record = healthy(10);
        "deleted".clone_into(&mut record.effects[4].action);
        assert_found(record, "action");
    }

    /// Updated, completed, reopened and completed again.
    fn changed() -> LaneRecord {
        use OperationKind::{Complete, Reopen, Update};
        let mut record = healthy(10);
        for kind in [Update, Complete, Reopen, Complete] {
            sample::change(&mut record, 4, kind);
        }
        record
    }

    #[test]
    fn passes_on_rows_that_hold_what_the_last_changes_asked_for() {
        let mut record = changed();
        let finding = judge(&ContentIntact::new(lane()), record.clone());
        assert_both(&finding, Verdict::Pass);
        assert_eq!((finding.examined, finding.expected), (24, 24));
        // Stores may give events in any order between tasks.
        record.events.reverse();
        assert_both(&judge(&ContentIntact::new(lane()), record), Verdict::Pass);
    }

    #[test]
    fn planted_slips_of_the_row_are_found() {
        let row = || changed().tasks.remove(4);
        let status = |status: &str| TaskRow {
            status: status.to_owned(),
            ..row()
        };
        let title = "task 4".to_owned();
        let user_id = Uuid::from_u128(1);
        for (what, spoilt) in [
            ("title of the row", TaskRow { title, ..row() }),
            ("user of the row", TaskRow { user_id, ..row() }),
            ("status of the row", status("pending")),
            ("status of the row", status("in_progress")),
        ] {
            let mut record = changed();
            record.tasks[4] = spoilt;
            assert_found(record, what);
        }
        let mut record = healthy(10);
        "completed".clone_into(&mut record.tasks[4].status);
        assert_found(record, "status of the row");
    }

    #[test]
    fn planted_slips_of_the_rows_details_are_found() {
        let details = || changed().details.remove(4);
        let priority = "low".to_owned();
        let occurrence = Occurrence {
            series_id: Uuid::from_u128(9),
            number: 1,
        };
        let mut tags = details().tags;
        tags.reverse();
        for (what, spoilt) in [
            (
                "priority of the row",
                TaskDetails {
                    priority,
                    ..details()
                },
            ),
            (
                "due date of the row",
                TaskDetails {
                    due_at: None,
                    ..details()
                },
            ),
            (
                "time zone of the row",
                TaskDetails {
                    time_zone: None,
                    ..details()
                },
            ),
            (
                "category of the row",
                TaskDetails {
                    category_id: None,
                    ..details()
                },
            ),
            ("tags of the row", TaskDetails { tags, ..details() }),
            (
                "occurrence of the row",
                TaskDetails {
                    occurrence: Some(occurrence),
                    ..details()
                },
            ),
        ] {
            let mut record = changed();
            record.details[4] = spoilt;
            assert_found(record, what);
        }
    }

    #[test]
    fn planted_slips_of_a_seeded_row_that_was_changed_are_found() {
        let changed = || {
            let mut record = healthy(4);
            sample::seed(&mut record, 2);
            sample::change_seeded(&mut record, 0, OperationKind::Complete);
            sample::change_seeded(&mut record, 1, OperationKind::Update);
            record
        };
        assert_both(
            &judge(&ContentIntact::new(lane()), changed()),
            Verdict::Pass,
        );
        let mut record = changed();
        "other".clone_into(&mut record.tasks[4].title);
        assert_found(record, "title of the row");
        let mut record = changed();
        "pending".clone_into(&mut record.tasks[5].status);
        assert_found(record, "status of the row");
        let mut record = changed();
        record.seeded[1].details.tags.pop();
        assert_found(record, "tags of the row");
    }

    #[test]
    fn rows_whose_details_were_not_read_are_inconclusive() {
        let mut record = healthy(10);
        record.details.remove(4);
        let finding = judge(&ContentIntact::new(lane()), record);
        assert_both(&finding, Verdict::Inconclusive);
        assert_eq!((finding.examined, finding.expected), (19, 20));
    }

    /// That it is not where it should be is found by the checks of losses and inventions.
    #[test]
    fn a_row_at_another_version_than_its_last_event_is_not_examined() {
        let mut record = changed();
        record.tasks[4].version = 4;
        "pending".clone_into(&mut record.tasks[4].status);
        let finding = judge(&ContentIntact::new(lane()), record);
        assert_eq!((finding.violations.total, finding.examined), (0, 23));
    }

    /// Rows do not make up for effects.
    #[test]
    fn too_few_effects_are_inconclusive() {
        let check = ContentIntact::new(Scope::lane(lane()).at_least(11));
        assert_both(&judge(&check, healthy(10)), Verdict::Inconclusive);
        assert_inconclusive_on_nothing(&check);
    }
}
