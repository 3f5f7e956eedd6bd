//! Random lanes with random damage: the fold has to count exactly what was planted.

use proptest::prelude::*;
use uuid::Uuid;

use super::{
    DeadLetter, Dropped, Fate, Identity, Intrusion, Operation, OperationKind, OperationOutcome,
    Placement, UnknownFate, sample,
};
use crate::ledger::LaneRecord;

/// What is done to one operation of a healthy lane.
#[derive(Clone, Copy, Debug)]
enum Damage {
    None,
    LoseEffect,
    LoseEvent,
    RepeatEffect {
        times: usize,
    },
    DeadLetter,
    DropOnPurpose,
    UnansweredButDone,
    UnansweredAndNotDone,
    UnansweredHalfDone,
    /// Told and in effect, but the row is not there.
    UnansweredButNoRow,
    /// The row went on to a version that nothing tells of.
    ChangedUntold,
    RefusedButDone,
    Refused,
    /// A whole creation that nobody asked for.
    Unasked,
}

fn damage() -> impl Strategy<Value = Damage> {
    prop_oneof![
        4 => Just(Damage::None),
        1 => Just(Damage::LoseEffect),
        1 => Just(Damage::LoseEvent),
        1 => (1_usize..4).prop_map(|times| Damage::RepeatEffect { times }),
        1 => Just(Damage::DeadLetter),
        1 => Just(Damage::DropOnPurpose),
        1 => Just(Damage::UnansweredButDone),
        1 => Just(Damage::UnansweredAndNotDone),
        1 => Just(Damage::UnansweredHalfDone),
        1 => Just(Damage::UnansweredButNoRow),
        1 => Just(Damage::ChangedUntold),
        1 => Just(Damage::RefusedButDone),
        1 => Just(Damage::Refused),
        1 => Just(Damage::Unasked),
    ]
}

/// What the fold has to find.
#[derive(Debug, Default, PartialEq)]
struct Planted {
    identity: Identity,
    repeats: usize,
    intrusions: usize,
}

/// Spoils one position. Rows are marked by a nil id and swept afterwards, so that positions hold.
fn spoil(record: &mut LaneRecord, position: usize, damage: Damage, planted: &mut Planted) {
    let event_id = record.events[position].event_id;
    match damage {
        Damage::None => {}
        Damage::Unasked => UNASKED.clone_into(&mut record.operations[position].key),
        Damage::LoseEffect => lose_effect(record, position),
        Damage::LoseEvent => {
            lose_effect(record, position);
            record.events[position].event_id = Uuid::nil();
        }
        Damage::RepeatEffect { times } => {
            let effect = record.effects[position].clone();
            record.effects.extend(std::iter::repeat_n(effect, times));
        }
        Damage::DeadLetter => {
            lose_effect(record, position);
            let letter = DeadLetter {
                topic: "task-events-dlq".to_owned(),
                event_id: Some(event_id),
                raw: String::new(),
            };
            // Twice: a duplicate dead letter is still one fate.
            record.dead_letters.extend([letter.clone(), letter]);
        }
        Damage::DropOnPurpose => {
            lose_effect(record, position);
            let reason = "declared".to_owned();
            record.dropped.push(Dropped { event_id, reason });
        }
        Damage::UnansweredButDone => record.operations[position].outcome = unanswered(),
        Damage::UnansweredAndNotDone => {
            remove_rows(record, position);
            record.operations[position].outcome = unanswered();
        }
        Damage::UnansweredHalfDone => {
            lose_effect(record, position);
            record.operations[position].outcome = unanswered();
        }
        Damage::UnansweredButNoRow => {
            record.tasks[position].task_id = Uuid::nil();
            record.operations[position].outcome = unanswered();
        }
        Damage::ChangedUntold => record.tasks[position].version += 1,
        Damage::RefusedButDone => record.operations[position].outcome = refused(),
        Damage::Refused => {
            remove_rows(record, position);
            record.operations[position].outcome = refused();
        }
    }
    planted.expect(damage);
}

impl Planted {
    /// What the fold has to make of one damage.
    fn expect(&mut self, damage: Damage) {
        let identity = &mut self.identity;
        let (is_acknowledged, placed) = match damage {
            Damage::None => (true, &mut identity.effects),
            Damage::RepeatEffect { times } => {
                self.repeats += times;
                (true, &mut identity.effects)
            }
            Damage::LoseEffect | Damage::LoseEvent => (true, &mut identity.unplaced),
            Damage::DeadLetter => (true, &mut identity.dead_lettered),
            Damage::DropOnPurpose => (true, &mut identity.dropped),
            Damage::UnansweredButDone => (false, &mut identity.unknown_took_effect),
            Damage::UnansweredAndNotDone => (false, &mut identity.unknown_did_not),
            Damage::UnansweredHalfDone | Damage::UnansweredButNoRow => {
                (false, &mut identity.unknown_half)
            }
            Damage::ChangedUntold => {
                self.intrusions += 1;
                (true, &mut identity.effects)
            }
            Damage::RefusedButDone => {
                self.intrusions += 1;
                (false, &mut identity.failed)
            }
            Damage::Refused => (false, &mut identity.failed),
            Damage::Unasked => {
                self.intrusions += 1;
                return;
            }
        };
        *placed += 1;
        identity.acknowledged += u64::from(is_acknowledged);
    }
}

/// Key of operations that are taken out, so that nobody asked for their rows.
const UNASKED: &str = "unasked";

fn unanswered() -> OperationOutcome {
    OperationOutcome::Unknown {
        reason: "timeout".to_owned(),
    }
}

fn lose_effect(record: &mut LaneRecord, position: usize) {
    record.effects[position].event_id = Uuid::nil();
}

fn refused() -> OperationOutcome {
    OperationOutcome::Failed {
        reason: "422".to_owned(),
    }
}

fn remove_rows(record: &mut LaneRecord, position: usize) {
    record.effects[position].event_id = Uuid::nil();
    record.events[position].event_id = Uuid::nil();
    record.tasks[position].task_id = Uuid::nil();
}

fn spoilt(damages: &[Damage]) -> (LaneRecord, Planted) {
    let mut record = sample::lane("a", damages.len());
    let mut planted = Planted::default();
    for (position, &damage) in damages.iter().enumerate() {
        spoil(&mut record, position, damage, &mut planted);
    }
    record.effects.retain(|effect| !effect.event_id.is_nil());
    record.events.retain(|event| !event.event_id.is_nil());
    record.tasks.retain(|row| !row.task_id.is_nil());
    record
        .operations
        .retain(|operation| operation.key != UNASKED);
    (record, planted)
}

proptest! {
    #[test]
    fn the_fold_counts_what_was_planted(damages in proptest::collection::vec(damage(), 0..80)) {
        let (record, planted) = spoilt(&damages);
        let accounting = record.account();
        let found = Planted {
            identity: accounting.identity,
            repeats: accounting.repeats().count(),
            intrusions: accounting.intrusions.len(),
        };
        prop_assert_eq!(&found, &planted);
        prop_assert_eq!(planted.identity.holds(), planted.identity.unplaced == 0);
    }

    /// Stores give rows in any order between tasks; what is found must not depend on it.
    #[test]
    fn the_order_of_rows_does_not_matter(
        damages in proptest::collection::vec(damage(), 0..40),
        turn in 0_usize..40,
    ) {
        let (record, planted) = spoilt(&damages);
        let mut turned = record.clone();
        if !turned.events.is_empty() {
            let by = turn % turned.events.len();
            turned.events.rotate_left(by);
        }
        turned.operations.reverse();
        prop_assert_eq!(turned.account().identity, planted.identity);
    }

    /// Each acknowledged operation that is placed as effect points at an event with that fate.
    #[test]
    fn placements_agree_with_events(damages in proptest::collection::vec(damage(), 0..40)) {
        let (record, _) = spoilt(&damages);
        let accounting = record.account();
        for (position, placement) in accounting.placements.iter().enumerate() {
            match *placement {
                Placement::Acknowledged { fate, event: Some(event) } => {
                    prop_assert_eq!(accounting.fate_of_event[event], fate);
                    prop_assert_eq!(accounting.operation_of_event[event], Some(position));
                }
                Placement::Acknowledged { fate, event: None } => {
                    prop_assert_eq!(fate, Fate::Unplaced);
                }
                Placement::Unknown { fate, event } => {
                    prop_assert_eq!(fate == UnknownFate::DidNot, event.is_none());
                }
                Placement::Failed { event } => {
                    let is_reported = accounting
                        .intrusions
                        .contains(&Intrusion::FailedTookEffect { operation: position });
                    prop_assert_eq!(event.is_some(), is_reported);
                }
            }
        }
    }
}

/// Tasks of a random history, and how many changes it has at the most.
const TASKS: usize = 4;
const CHANGES: usize = 40;

/// A healthy history of a few tasks, in which some operations got no answer.
fn history() -> impl Strategy<Value = LaneRecord> {
    use OperationKind::{Complete, Delete, Reopen, Update};
    let kind = proptest::sample::select(vec![Update, Update, Complete, Reopen, Delete]);
    let changes = proptest::collection::vec((0..TASKS, kind), 0..CHANGES);
    let is_answered = proptest::collection::vec(any::<bool>(), TASKS + CHANGES);
    (changes, is_answered).prop_map(|(changes, is_answered)| {
        let mut record = sample::lane("a", TASKS);
        for (task, kind) in changes {
            sample::change(&mut record, task, kind);
        }
        for (operation, is_answered) in record.operations.iter_mut().zip(is_answered) {
            if !is_answered {
                operation.outcome = unanswered();
            }
        }
        record
    })
}

proptest! {
    /// Whoever got no answer: what the stores hold is whole, and nobody is to blame.
    #[test]
    fn a_healthy_history_is_healthy_whoever_got_no_answer(record in history()) {
        let accounting = record.account();
        let acknowledged = record.operations.iter().filter_map(Operation::acknowledged);
        let acknowledged = acknowledged.count() as u64;
        let healthy = Identity {
            acknowledged,
            effects: acknowledged,
            unknown_took_effect: record.operations.len() as u64 - acknowledged,
            ..Identity::default()
        };
        prop_assert_eq!(accounting.identity, healthy);
        prop_assert_eq!(accounting.intrusions, []);
        prop_assert_eq!(accounting.lost_changes, []);
    }

    /// A row put back to an older version, or back from its deletion, is somebody's fault.
    #[test]
    fn a_row_that_is_not_at_its_last_version_is_never_passed_over(
        record in history(),
        task in 0..TASKS,
        below in 1_u64..4,
    ) {
        let task_id = sample::task_id(task);
        let of_task = record.events.iter().filter(|event| event.task_id == task_id);
        let last = of_task.map(|event| event.version).max().unwrap_or_default();
        let mut spoilt = record.clone();
        let mut row = sample::lane("a", TASKS).tasks.remove(task);
        row.version = last.saturating_sub(below);
        spoilt.tasks.retain(|row| row.task_id != task_id);
        spoilt.tasks.push(row);
        let accounting = spoilt.account();
        let found = accounting.identity.unknown_half
            + accounting.lost_changes.len() as u64
            + accounting.intrusions.len() as u64;
        prop_assert!(found > 0);
    }
}

#[test]
fn a_deletion_explains_a_missing_row_unless_it_was_refused() {
    let mut record = sample::lane("a", 2);
    record.tasks.remove(1);
    let mut deletion = record.operations[1].clone();
    deletion.kind = OperationKind::Delete;
    deletion.task_id = Some(sample::task_id(1));
    deletion.outcome = unanswered();
    record.operations.push(deletion);
    assert_eq!(record.account().lost_changes, []);
    record.operations[2].outcome = refused();
    assert_eq!(record.account().lost_changes.len(), 1);
}

#[test]
fn many_versions_of_one_task_find_their_events() {
    let mut record = sample::lane("a", 100);
    for position in 0..100 {
        let version = position as u64 + 1;
        let task_id = sample::task_id(0);
        record.operations[position].outcome = OperationOutcome::Ok {
            task_id,
            version: Some(version),
        };
        record.events[position].task_id = task_id;
        record.events[position].version = version;
    }
    record.tasks.truncate(1);
    record.tasks[0].version = 100;
    record.events.reverse();
    let accounting = record.account();
    assert_eq!(accounting.identity.effects, 100);
    assert_eq!(accounting.intrusions, []);
    assert_eq!(accounting.lost_changes, []);
}
