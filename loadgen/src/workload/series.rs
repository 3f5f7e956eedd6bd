use std::sync::Arc;

use super::operation::in_turn;
use super::{ChangeTasks, LivingTask, Operation, OperationKey, Workload};
use crate::client::{Request, User};

/// Of this many operations one is about an instance of a series.
const ONE_IN: u64 = 4;
/// Of so many of these in a row the first ones complete an instance for the first time, and the others take
/// up one that was completed before. First completions thus go on for half as long again as if all came
/// first: also at the end of a load there is something that has a series go on.
const ROUND: u64 = 6;
const FIRST_COMPLETIONS: u64 = 4;

/// Creations of tasks that each begin a series, dealt to the users in turn.
#[derive(Clone, Debug)]
pub struct BeginSeries {
    load: String,
    users: Vec<Arc<User>>,
}

impl BeginSeries {
    /// `load` names this load in its keys. Without users there is nothing to offer.
    pub fn new(load: impl Into<String>, users: Vec<Arc<User>>) -> BeginSeries {
        BeginSeries {
            load: load.into(),
            users,
        }
    }
}

impl Workload for BeginSeries {
    fn operation(&mut self, index: u64) -> Option<Operation> {
        Some(Operation {
            key: OperationKey::new(&self.load, index),
            user: Arc::clone(in_turn(&self.users, index)?),
            request: Request::BeginSeries,
        })
    }
}

/// Mixed changes, and every fourth operation one of an instance of a series.
///
/// The instances take turns. In its first turn each is completed, which has its series go on. After every
/// four of these one that had its first turn is reopened and completed again, which must not have the series
/// go on once more; where the first completion was refused, this one is the first. When all were completed,
/// only that goes on. An instance that comes meanwhile is for the next load, since nobody could name it
/// beforehand. Without instances there are mixed changes alone.
#[derive(Clone, Debug)]
pub struct SettleInstances {
    load: String,
    changes: ChangeTasks,
    instances: Vec<LivingTask>,
    /// How many had their first turn.
    completed: usize,
    /// Turns that were not the first of their instance.
    repeated: usize,
}

impl SettleInstances {
    /// `load` names this load in its keys; `changes` has the mixed changes, whose keys are its own.
    pub fn new(
        load: impl Into<String>,
        changes: ChangeTasks,
        instances: Vec<LivingTask>,
    ) -> SettleInstances {
        SettleInstances {
            load: load.into(),
            changes,
            instances,
            completed: 0,
            repeated: 0,
        }
    }

    /// What is done to which instance in the turn of this number.
    fn settlement(&mut self, number: u64) -> Option<(Arc<User>, Request)> {
        let is_first = number % ROUND < FIRST_COMPLETIONS && self.completed < self.instances.len();
        let turn = if is_first {
            self.completed += 1;
            self.completed - 1
        } else {
            // Each twice in a row: once it is reopened, and once completed.
            self.repeated += 1;
            (self.repeated - 1) / 2 % self.completed.max(1)
        };
        let instance = self.instances.get_mut(turn)?;
        let request = Request::Complete {
            task: instance.id,
            to: instance.toggle(),
        };
        Some((Arc::clone(&instance.user), request))
    }
}

impl Workload for SettleInstances {
    fn operation(&mut self, index: u64) -> Option<Operation> {
        let settled = index / ONE_IN;
        let is_settlement = index % ONE_IN == ONE_IN - 1;
        if is_settlement && let Some((user, request)) = self.settlement(settled) {
            return Some(Operation {
                key: OperationKey::new(&self.load, settled),
                user,
                request,
            });
        }
        let before = if self.instances.is_empty() {
            0
        } else {
            settled
        };
        self.changes.operation(index - before)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, HashSet};

    use gauntlet_contract::{TaskId, UserId};

    use super::*;
    use crate::client::{Completion, OperationKind};

    fn user() -> Arc<User> {
        Arc::new(User::new(UserId::generate(), "token").expect("a token"))
    }

    fn tasks(count: usize) -> Vec<LivingTask> {
        let task = |_| LivingTask {
            user: user(),
            id: TaskId::generate(),
            state: Completion::Undone,
        };
        (0..count).map(task).collect()
    }

    fn offered(instances: &[LivingTask], operations: u64) -> Vec<Operation> {
        let changes = ChangeTasks::new("changes", vec![user()], tasks(60));
        let mut workload = SettleInstances::new("series", changes, instances.to_vec());
        (0..operations)
            .map(|index| workload.operation(index).expect("endless"))
            .collect()
    }

    /// What happens to each of the instances.
    fn histories(
        instances: &[LivingTask],
        operations: &[Operation],
    ) -> HashMap<TaskId, Vec<OperationKind>> {
        let ids: HashSet<TaskId> = instances.iter().map(|task| task.id).collect();
        let mut histories: HashMap<_, Vec<_>> = HashMap::new();
        for operation in operations {
            if let Some(task) = operation.request.task().filter(|task| ids.contains(task)) {
                let history = histories.entry(task).or_default();
                history.push(operation.request.kind());
            }
        }
        histories
    }

    #[test]
    fn series_are_begun_by_all_users_in_turn() {
        let users = [user(), user()];
        let mut workload = BeginSeries::new("series", users.to_vec());
        for (index, expected) in (0..).zip([&users[0], &users[1], &users[0]]) {
            let operation = workload.operation(index).expect("endless");
            assert_eq!(operation.user.id(), expected.id());
            assert_eq!(operation.request, Request::BeginSeries);
        }
        assert!(
            BeginSeries::new("series", Vec::new())
                .operation(0)
                .is_none()
        );
    }

    #[test]
    fn each_instance_is_completed_then_reopened_and_completed_again() {
        use OperationKind::{Complete, Reopen};
        let instances = tasks(10);
        let histories = histories(&instances, &offered(&instances, 100));
        assert_eq!(histories.len(), instances.len());
        for (place, instance) in instances.iter().enumerate() {
            let history = &histories[&instance.id];
            let expected = [Complete, Reopen, Complete];
            let turns = match place {
                0..7 => 3,
                7 => 2,
                _ => 1,
            };
            assert_eq!(history[..], expected[..turns], "{place}");
        }
    }

    #[test]
    fn first_completions_are_spread_over_the_load() {
        let instances = tasks(100);
        let operations = offered(&instances, 600);
        let mut met = HashSet::new();
        for (stretch, operations) in operations.chunks(24).enumerate() {
            let firsts = operations.iter().filter(|operation| {
                let is_completion = operation.request.kind() == OperationKind::Complete;
                let task = operation.request.task().filter(|_| is_completion);
                task.is_some_and(|task| {
                    instances.iter().any(|instance| instance.id == task) && met.insert(task)
                })
            });
            assert_eq!(firsts.count(), 4, "of stretch {stretch}");
        }
        assert_eq!(met.len(), instances.len());
    }

    #[test]
    fn three_of_four_operations_are_the_mixed_changes_and_keys_are_unique() {
        let instances = tasks(30);
        let operations = offered(&instances, 400);
        let of_series: usize = histories(&instances, &operations)
            .values()
            .map(Vec::len)
            .sum();
        assert_eq!(of_series, 100);
        let kinds = operations.iter().map(|operation| operation.request.kind());
        let creations = kinds.filter(|kind| *kind == OperationKind::Create).count();
        assert_eq!(creations, 150);
        let keys: HashSet<_> = operations.iter().map(|operation| &operation.key).collect();
        assert_eq!(keys.len(), operations.len());
    }

    #[test]
    fn without_instances_there_are_mixed_changes_alone() {
        let operations = offered(&[], 100);
        let kinds = operations.iter().map(|operation| operation.request.kind());
        assert_eq!(
            kinds.filter(|kind| *kind == OperationKind::Create).count(),
            50
        );
        let keys: HashSet<_> = operations.iter().map(|operation| &operation.key).collect();
        assert_eq!(keys.len(), operations.len());
    }
}
