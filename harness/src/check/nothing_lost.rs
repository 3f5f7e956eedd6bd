use std::collections::{HashMap, HashSet};

use gauntlet_reports::evidence::{Finding, Violation};
use gauntlet_reports::format;
use uuid::Uuid;

use super::amount::real;
use super::evidence::{Collected, Evidence};
use super::{Bar, Bars, Check, Scope};
use crate::ledger::{Fate, LaneView, Ledger, LostChange, Phase, Placement};

/// The accounting identity: each acknowledged operation ends as an effect, as a dead letter, or
/// dropped on purpose, and each task stands at the version that was acknowledged.
///
/// An inbox row that says *done* does not place an event: a consumer that marks first and works
/// later would look perfect. Only the effect itself counts. Each loss comes with its whole
/// timeline, because "1 of 100,000" without a trail cannot be mended.
///
/// Events that no operation asked for, but a series or the scenario itself, are each placed likewise. The
/// settlement of an instance has no effect in a table of its own: the series must have gone on.
///
/// All phases are accounted for, but the scope's minimum is held against the load alone: a warm-up
/// must not make up for operations that the system refused.
///
/// Does not show: losses of stores that were healthy throughout but would lose on a crash of the
/// host. The bound in the note is about this run's kind of run alone.
#[derive(Clone, Debug)]
pub struct NothingLost {
    scope: Scope,
}

impl NothingLost {
    pub fn new(scope: impl Into<Scope>) -> Self {
        Self {
            scope: scope.into(),
        }
    }

    fn search(view: LaneView<'_>, planned: u64) -> Evidence {
        let accounting = view.accounting();
        let mut lost = losses(view);
        add_lost_besides(view, &mut lost);
        let besides = accounting.besides.len() as u64;
        // What was acknowledged is examined in full by construction; a load of which too little was
        // acknowledged to claim anything is a doubt.
        let identity = accounting.identity;
        let note = bound(lost.total(), identity.acknowledged + besides);
        let parts = format!(
            "{} acknowledged = {} effects + {} dead-lettered + {} dropped on purpose + {} unplaced",
            identity.acknowledged,
            identity.effects,
            identity.dead_lettered,
            identity.dropped,
            identity.unplaced
        );
        Evidence::none_tolerated(lost)
            .examined(identity.acknowledged + besides)
            .expected(identity.acknowledged + besides)
            .doubts(shortfall(view, planned))
            .note(note)
            .note(parts)
            .notes(
                (besides > 0).then(|| format!("and {} besides", format::plural(besides, "event"))),
            )
    }
}

/// Events beside those of the operations that ended nowhere.
fn add_lost_besides(view: LaneView<'_>, lost: &mut Collected) {
    let (record, accounting) = (view.record(), view.accounting());
    let besides = accounting.besides.iter();
    for &event in besides.filter(|&&event| accounting.fate_of_event[event] == Fate::Unplaced) {
        let event = &record.events[event];
        lost.add(|| Violation {
            subject: format!("event {}", event.event_id),
            what: format!(
                "{} is neither effect nor dead letter nor dropped",
                event.names()
            ),
            timeline: record.timeline_of_event(event.event_id, accounting),
        });
    }
}

/// Says so where less of the load was acknowledged than planned.
fn shortfall(view: LaneView<'_>, planned: u64) -> Option<String> {
    let load = view.operations_of(Phase::Load);
    let acknowledged = load.filter(|operation| operation.acknowledged().is_some());
    let acknowledged = acknowledged.count() as u64;
    (acknowledged < planned).then(|| {
        format!(
            "only {} of the {} planned operations of the load were acknowledged",
            format::count(acknowledged),
            format::count(planned)
        )
    })
}

/// Each lost change once, although the fold may find it twice: as an operation that is placed
/// nowhere, and as the row of its task. The operation tells more, so the row is told with it.
fn losses(view: LaneView<'_>) -> Collected {
    let (record, accounting) = (view.record(), view.accounting());
    let rows: HashMap<(Uuid, Option<u64>), &LostChange> = accounting
        .lost_changes
        .iter()
        .map(|change| ((change.task_id, Some(change.acknowledged)), change))
        .collect();
    let mut counted = HashSet::new();
    let mut lost = Collected::new("lost");
    let mut unplaced: Vec<usize> = accounting.unplaced().collect();
    // Whoever surely made a change stands for it, before those that may only have been told of it.
    unplaced.sort_by_key(|&position| record.operations[position].kind.is_idempotent());
    for position in unplaced {
        let operation = &record.operations[position];
        let Some(versioned) = promised(view, position) else {
            continue;
        };
        // Completing twice is one change. Two updates acknowledged with one version are two.
        if !counted.insert(versioned) && operation.kind.is_idempotent() {
            continue;
        }
        lost.add(|| {
            let key = &operation.key;
            let row = rows.get(&versioned);
            let row = row.map_or_else(String::new, |change| format!("; its task {}", as_it_stands(change)));
            Violation {
                subject: format!("operation {position}"),
                what: format!(
                    "{key:?} was acknowledged, and is neither effect nor dead letter nor dropped{row}"
                ),
                timeline: record.timeline_of_operation(position, accounting),
            }
        });
    }
    for change in &accounting.lost_changes {
        if counted.contains(&(change.task_id, Some(change.acknowledged))) {
            continue;
        }
        lost.add(|| Violation {
            subject: format!("task {}", change.task_id),
            what: as_it_stands(change),
            timeline: record.timeline_of_version(change.task_id, change.acknowledged),
        });
    }
    lost
}

/// Task and version that an acknowledgement promised. A deletion is answered without a version: its
/// event has it, where there is one.
fn promised(view: LaneView<'_>, operation: usize) -> Option<(Uuid, Option<u64>)> {
    let record = view.record();
    let (task_id, version) = record.operations[operation].acknowledged()?;
    let written = match view.accounting().placements[operation] {
        Placement::Acknowledged { event, .. } => event.map(|event| record.events[event].version),
        Placement::Failed { .. } | Placement::Unknown { .. } => None,
    };
    Some((task_id, version.or(written)))
}

/// How the row of a lost change stands.
fn as_it_stands(change: &LostChange) -> String {
    let acknowledged = change.acknowledged;
    match change.stands_at {
        Some(version) if version >= acknowledged => {
            format!("stands at version {version}, though its deletion was acknowledged")
        }
        Some(version) => format!("stands at version {version}, {acknowledged} was acknowledged"),
        None => format!("is gone, version {acknowledged} was acknowledged"),
    }
}

/// Zero losses do not show that none are possible: by the rule of three, the true rate is below
/// 3/N with 95 % confidence.
fn bound(lost: u64, acknowledged: u64) -> String {
    let of = format::count(acknowledged);
    if lost > 0 || acknowledged == 0 {
        return format!("{} of {of} lost", format::count(lost));
    }
    let percent = format::number(300.0 / real(acknowledged));
    format!("0 of {of} lost, 95% bound 3/{of} = {percent}%")
}

impl Check for NothingLost {
    fn id(&self) -> &'static str {
        "nothing-lost"
    }

    fn requirement(&self) -> &'static str {
        "H4"
    }

    fn claim(&self) -> String {
        "every acknowledged change reaches its effect or is accounted for".to_owned()
    }

    fn judge(&self, ledger: &Ledger) -> Finding {
        let bars = Bars::both(Bar::Stated("0 lost"));
        let planned = self.scope.minimum();
        self.scope
            .judge(self, ledger, &bars, "", |view| Self::search(view, planned))
    }
}

#[cfg(test)]
mod tests {
    use gauntlet_reports::evidence::Verdict;

    use super::*;
    use crate::check::testing::{
        assert_both, assert_inconclusive_on_nothing, healthy, judge, lane,
    };
    use crate::ledger::{
        EventKind, LaneRecord, Operation, OperationKind, OperationOutcome, OutboxRow, TaskRow,
        sample,
    };

    fn check() -> NothingLost {
        NothingLost::new(lane())
    }

    #[test]
    fn passes_when_all_is_placed_and_says_how_sure_that_is() {
        let finding = judge(&check(), healthy(1_000));
        assert_both(&finding, Verdict::Pass);
        let note = finding.note.unwrap();
        assert!(
            note.starts_with("0 of 1,000 lost, 95% bound 3/1,000 = 0.3%"),
            "{note}"
        );
    }

    #[test]
    fn planted_loss_of_an_effect_is_found_with_its_timeline() {
        let mut record = healthy(10);
        record.effects.remove(4);
        let finding = judge(&check(), record);
        assert_both(&finding, Verdict::Fail);
        assert_eq!(finding.violations.total, 1);
        let violation = &finding.violations.shown[0];
        assert_eq!(violation.subject, "operation 4");
        let event = sample::event_id(4).to_string();
        assert!(violation.timeline.iter().any(|line| line.contains(&event)));
        assert_eq!(finding.asked.missed_by.as_deref(), Some("1 lost"));
    }

    #[test]
    fn planted_loss_of_the_event_itself_is_found() {
        let mut record = healthy(10);
        record.effects.remove(4);
        record.events.remove(4);
        assert_both(&judge(&check(), record), Verdict::Fail);
    }

    #[test]
    fn planted_loss_of_event_and_row_is_one_loss_that_tells_both() {
        let mut record = healthy(10);
        record.effects.remove(4);
        record.events.remove(4);
        record.tasks.remove(4);
        let finding = judge(&check(), record);
        assert_eq!(finding.violations.total, 1, "{finding:#?}");
        let violation = &finding.violations.shown[0];
        assert_eq!(violation.subject, "operation 4");
        assert!(
            violation.what.contains("neither effect") && violation.what.contains("is gone"),
            "{}",
            violation.what
        );
        assert!(!violation.timeline.is_empty());
    }

    /// An operation of `kind` on the first task, acknowledged with `version`.
    fn change(record: &LaneRecord, kind: OperationKind, version: Option<u64>) -> Operation {
        let task_id = sample::task_id(0);
        Operation {
            kind,
            task_id: Some(task_id),
            outcome: OperationOutcome::Ok { task_id, version },
            ..record.operations[0].clone()
        }
    }

    #[test]
    fn planted_loss_of_a_change_that_was_asked_for_twice_is_one_loss() {
        let (complete, update) = (OperationKind::Complete, OperationKind::Update);
        for kinds in [[complete, complete], [complete, update]] {
            let mut record = healthy(3);
            let changes = kinds.map(|kind| change(&record, kind, Some(2)));
            record.operations.extend(changes);
            let finding = judge(&check(), record);
            assert_eq!(finding.violations.total, 1, "{finding:#?}");
        }
    }

    #[test]
    fn planted_loss_of_a_deletion_is_one_loss() {
        let mut record = healthy(3);
        record
            .operations
            .push(change(&record, OperationKind::Delete, None));
        record.events.push(OutboxRow {
            event_id: sample::event_id(3),
            version: 2,
            kind: Some(EventKind::Task(OperationKind::Delete)),
            title: None,
            ..record.events[0].clone()
        });
        let finding = judge(&check(), record);
        assert_eq!(finding.violations.total, 1, "{finding:#?}");
        assert!(
            finding.violations.shown[0]
                .what
                .contains("stands at version 1")
        );
    }

    #[test]
    fn planted_deletion_that_left_the_row_is_one_loss_that_says_so() {
        let mut record = healthy(3);
        let row = record.tasks[0].clone();
        sample::change(&mut record, 0, OperationKind::Delete);
        let version = 2;
        record.tasks.push(TaskRow { version, ..row });
        let finding = judge(&check(), record);
        assert_eq!(finding.violations.total, 1, "{finding:#?}");
        let what = &finding.violations.shown[0].what;
        assert!(what.contains("though its deletion"), "{what}");
    }

    /// The answer to a completion that changed nothing says that the task was completed before.
    #[test]
    fn planted_completion_that_never_was_is_lost() {
        let mut record = healthy(3);
        sample::change(&mut record, 0, OperationKind::Update);
        record
            .operations
            .push(change(&record, OperationKind::Complete, Some(2)));
        let finding = judge(&check(), record);
        assert_both(&finding, Verdict::Fail);
        assert_eq!(finding.violations.total, 1, "{finding:#?}");
        assert_eq!(finding.violations.shown[0].subject, "operation 4");
    }

    #[test]
    fn planted_missing_row_and_older_row_are_found() {
        let mut record = healthy(10);
        record.tasks.remove(3);
        record.tasks[5].version = 0;
        let finding = judge(&check(), record);
        assert_eq!(finding.violations.total, 2);
        assert_both(&finding, Verdict::Fail);
    }

    #[test]
    fn planted_second_acknowledgement_of_one_version_is_a_lost_change() {
        let mut record = healthy(3);
        let twice = OperationOutcome::Ok {
            task_id: sample::task_id(0),
            version: Some(1),
        };
        record.operations[1].outcome = twice;
        record.operations[1].kind = OperationKind::Update;
        assert_both(&judge(&check(), record), Verdict::Fail);
    }

    #[test]
    fn planted_loss_of_an_event_that_no_load_asked_for_is_found() {
        let tag = Uuid::from_u128(0x7a6);
        let mut record = healthy(3);
        record.besides = vec![tag];
        record.events.push(OutboxRow {
            event_id: sample::event_id(3),
            task_id: tag,
            kind: Some(EventKind::TagCreated),
            ..record.events[0].clone()
        });
        let finding = judge(&check(), record.clone());
        assert_both(&finding, Verdict::Fail);
        assert_eq!((finding.violations.total, finding.examined), (1, 4));
        let what = &finding.violations.shown[0].what;
        assert!(
            what.starts_with(&format!("version 1 of tag {tag} is neither")),
            "{what}"
        );
        let mut effect = record.effects[0].clone();
        (effect.event_id, effect.task_id) = (sample::event_id(3), tag);
        record.effects.push(effect);
        let finding = judge(&check(), record);
        assert_both(&finding, Verdict::Pass);
        assert!(finding.note.unwrap().ends_with("and 1 event besides"));
    }

    #[test]
    fn too_few_acknowledged_are_inconclusive() {
        let check = NothingLost::new(Scope::lane(lane()).at_least(11));
        let finding = judge(&check, healthy(10));
        assert_both(&finding, Verdict::Inconclusive);
        assert!(finding.note.unwrap().contains("examined 10 of 11 expected"));
    }

    #[test]
    fn planted_refusals_are_not_made_up_for_by_the_warm_up() {
        let check = NothingLost::new(Scope::lane(lane()).at_least(18));
        let mut record = healthy(20);
        for operation in &mut record.operations[..2] {
            operation.phase = Phase::WarmUp;
        }
        assert_both(&judge(&check, record.clone()), Verdict::Pass);
        // The last one was refused, and rightly wrote nothing: 19 are left, 17 of them of the load.
        let reason = "429: slow down".to_owned();
        record.operations[19].outcome = OperationOutcome::Failed { reason };
        record.events.pop();
        record.effects.pop();
        record.tasks.pop();
        let finding = judge(&check, record);
        assert_both(&finding, Verdict::Inconclusive);
        let note = finding.note.unwrap();
        let told = "only 17 of the 18 planned operations of the load were acknowledged";
        assert!(note.starts_with(told), "{note}");
    }

    #[test]
    fn nothing_is_inconclusive() {
        assert_inconclusive_on_nothing(&check());
    }
}
