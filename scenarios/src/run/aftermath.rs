//! What operations leave behind, as far as their answers tell: tasks to change, and effects owed.

use std::collections::{HashMap, HashSet};

use gauntlet_harness::ledger::{Operation, OperationKind, OperationOutcome};
use gauntlet_loadgen::client::Completion;
use uuid::Uuid;

/// A task that certainly exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Living {
    pub(super) task_id: Uuid,
    pub(super) user_id: Uuid,
    pub(super) state: Completion,
}

/// Tasks whose creation was acknowledged and of which nothing is uncertain, in the order of their
/// creation. A change without an answer may be a deletion that took effect, or the completion that
/// the next one would only repeat; such a task is left alone.
pub(super) fn living(operations: &[Operation]) -> Vec<Living> {
    let mut left_out = HashSet::new();
    let mut toggled: HashMap<Uuid, (u64, Completion)> = HashMap::new();
    for operation in operations {
        match operation.acknowledged() {
            Some((task_id, _)) if operation.kind == OperationKind::Delete => {
                left_out.insert(task_id);
            }
            Some((task_id, Some(version))) => {
                if let Some(state) = state_after(operation.kind) {
                    let last = toggled.entry(task_id).or_insert((version, state));
                    if last.0 < version {
                        *last = (version, state);
                    }
                }
            }
            Some((_, None)) => {}
            None => {
                if matches!(operation.outcome, OperationOutcome::Unknown { .. }) {
                    left_out.extend(operation.task_id);
                }
            }
        }
    }
    let created = operations.iter().filter_map(|operation| {
        let (task_id, _) = operation.acknowledged()?;
        let is_living = operation.kind == OperationKind::Create && !left_out.contains(&task_id);
        is_living.then(|| Living {
            task_id,
            user_id: operation.user_id,
            state: toggled
                .get(&task_id)
                .map_or(Completion::Undone, |(_, state)| *state),
        })
    });
    created.collect()
}

/// Effects that are owed for what was acknowledged: one for each version of a task, by however many
/// answers it was promised, and one for each deletion.
pub(super) fn owed(operations: &[Operation]) -> u64 {
    let promised: HashSet<_> = operations
        .iter()
        .filter_map(Operation::acknowledged)
        .collect();
    promised.len() as u64
}

fn state_after(kind: OperationKind) -> Option<Completion> {
    match kind {
        OperationKind::Complete => Some(Completion::Done),
        OperationKind::Reopen => Some(Completion::Undone),
        OperationKind::Create | OperationKind::Update | OperationKind::Delete => None,
    }
}

#[cfg(test)]
mod tests {
    use gauntlet_harness::ledger::{LaneRecord, sample};

    use super::*;

    /// Two tasks, the first of which went through `kinds`.
    fn record(kinds: &[OperationKind]) -> LaneRecord {
        let mut record = sample::lane("a", 2);
        for &kind in kinds {
            sample::change(&mut record, 0, kind);
        }
        record
    }

    fn states(record: &LaneRecord) -> Vec<(Uuid, Completion)> {
        let living = living(&record.operations).into_iter();
        living.map(|task| (task.task_id, task.state)).collect()
    }

    #[test]
    fn a_task_stands_as_its_last_completion_or_reopening_left_it() {
        use OperationKind::{Complete, Reopen, Update};
        let second = (sample::task_id(1), Completion::Undone);
        for (kinds, state) in [
            (&[][..], Completion::Undone),
            (&[Complete, Update], Completion::Done),
            (&[Complete, Update, Reopen], Completion::Undone),
        ] {
            let mut record = record(kinds);
            let first = (sample::task_id(0), state);
            assert_eq!(states(&record), [first, second], "{kinds:?}");
            // Answers come in any order; versions tell.
            record.operations[2..].reverse();
            assert_eq!(states(&record), [first, second], "{kinds:?}");
        }
    }

    #[test]
    fn a_version_owes_one_effect_however_often_it_was_promised() {
        use OperationKind::{Complete, Delete};
        let mut record = record(&[Complete, Delete]);
        assert_eq!(owed(&record.operations), 4);
        record.operations.push(record.operations[2].clone());
        assert_eq!(owed(&record.operations), 4);
        record.operations[0].outcome = OperationOutcome::Unknown {
            reason: "timeout".to_owned(),
        };
        assert_eq!(owed(&record.operations), 3);
    }

    #[test]
    fn deleted_refused_and_uncertain_tasks_are_left_out() {
        use OperationKind::{Complete, Delete};
        assert_eq!(states(&record(&[Delete])).len(), 1);
        let mut uncertain = record(&[Complete]);
        uncertain.operations[2].outcome = OperationOutcome::Unknown {
            reason: "timeout".to_owned(),
        };
        assert_eq!(states(&uncertain).len(), 1);
        let mut refused = record(&[]);
        refused.operations[0].outcome = OperationOutcome::Failed {
            reason: "422".to_owned(),
        };
        assert_eq!(states(&refused).len(), 1);
    }
}
