use std::sync::Arc;

use super::operation::in_turn;
use super::{ChangeTasks, LivingTask, Operation, OperationKey, Workload};
use crate::client::{Request, User};

/// Of this many operations one is about an instance of a series.
const ONE_IN: u64 = 4;

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
/// The instances take turns. In its first turn each is completed, which has its series go on; in the
/// next it is reopened and in the one after that completed again, which must not have it go on once
/// more. An instance that comes meanwhile is for the next load, since nobody could name it beforehand.
/// Without instances there are mixed changes alone.
#[derive(Clone, Debug)]
pub struct SettleInstances {
    load: String,
    changes: ChangeTasks,
    instances: Vec<LivingTask>,
    /// Whose turn it is.
    turn: usize,
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
            turn: 0,
        }
    }

    fn next_instance(&mut self) -> Option<(Arc<User>, Request)> {
        let instance = self.instances.get_mut(self.turn)?;
        let request = Request::Complete {
            task: instance.id,
            to: instance.toggle(),
        };
        let user = Arc::clone(&instance.user);
        self.turn = (self.turn + 1) % self.instances.len();
        Some((user, request))
    }
}

impl Workload for SettleInstances {
    fn operation(&mut self, index: u64) -> Option<Operation> {
        let settled = index / ONE_IN;
        let is_settlement = index % ONE_IN == ONE_IN - 1;
        if is_settlement && let Some((user, request)) = self.next_instance() {
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
            assert_eq!(history[..], expected[..if place < 5 { 3 } else { 2 }]);
        }
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
