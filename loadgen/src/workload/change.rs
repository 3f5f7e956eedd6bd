use std::sync::Arc;

use gauntlet_contract::TaskId;

use super::operation::in_turn;
use super::{Operation, OperationKey, Workload};
use crate::client::{Completion, Request, User};

/// Tasks that are being changed at the same time. A task's turn comes every `2 * AT_ONCE` operations:
/// at 250/s every 0.4 s and at 100/s every second. An answer takes milliseconds, so that one change
/// is served before the next is sent; and whatever holds up effects for a second holds up several
/// versions of each of these tasks.
const AT_ONCE: usize = 50;
/// Tasks that are being changed at the same time where they are few. At 100/s a task's turn comes every
/// 0.1 s: what is slow to answer, or holds up effects, has changes of one task under way beside each other.
const FEW_AT_ONCE: usize = 5;

/// What happens to a task, over and over until its deletion. With a creation between any two changes
/// the mix is, of 20 operations: 10 creations, 6 updates, 3 completions or reopenings, 1 deletion.
const LIFE: [Step; 10] = [
    Step::Update,
    Step::Toggle,
    Step::Update,
    Step::Update,
    Step::Toggle,
    Step::Update,
    Step::Update,
    Step::Toggle,
    Step::Update,
    Step::Delete,
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Update,
    /// Completes what is not completed, and reopens what is.
    Toggle,
    /// Another task takes the place. Where there is none left, an update stands in, so that a load
    /// of any length has tasks to change.
    Delete,
}

/// A task that exists, as its last acknowledgement left it.
#[derive(Clone, Debug)]
pub struct LivingTask {
    pub user: Arc<User>,
    pub id: TaskId,
    pub state: Completion,
}

/// Creations and changes in turn: several versions of each of some tasks, one after the other.
///
/// Only tasks that exist beforehand are changed, each by its owner; what is created meanwhile is for
/// the next load. A task is completed and reopened in alternation, and deleted last.
///
/// The loop is open and requests travel on many connections, so that one *can* overtake another of
/// the same task. Then a completion finds nothing to change and is acknowledged with the version
/// that stands, or whatever comes after the deletion is refused with a 404. Either is an answer like
/// any other, and no loss.
#[derive(Clone, Debug)]
pub struct ChangeTasks {
    load: String,
    users: Vec<Arc<User>>,
    /// The tasks being changed. Each has a place of its own, and the places take turns.
    places: Vec<Place>,
    /// Whose turn it is.
    turn: usize,
    /// Take the places of those that are deleted.
    waiting: std::vec::IntoIter<LivingTask>,
}

#[derive(Clone, Debug)]
struct Place {
    task: LivingTask,
    /// How many steps of its life lie behind the task.
    steps: usize,
}

impl ChangeTasks {
    /// `load` names this load in its keys; `users` are dealt the creations. Without users there is
    /// nothing to offer, and without tasks there are only creations.
    pub fn new(
        load: impl Into<String>,
        users: Vec<Arc<User>>,
        tasks: Vec<LivingTask>,
    ) -> ChangeTasks {
        ChangeTasks::at_once(AT_ONCE, load.into(), users, tasks)
    }

    /// The same with few tasks at a time, each of which is changed the more often.
    pub fn of_few(
        load: impl Into<String>,
        users: Vec<Arc<User>>,
        tasks: Vec<LivingTask>,
    ) -> ChangeTasks {
        ChangeTasks::at_once(FEW_AT_ONCE, load.into(), users, tasks)
    }

    fn at_once(
        at_once: usize,
        load: String,
        users: Vec<Arc<User>>,
        tasks: Vec<LivingTask>,
    ) -> ChangeTasks {
        let mut waiting = tasks.into_iter();
        // They begin at different steps, or else each kind would come so many times in a row.
        let places = waiting.by_ref().take(at_once).enumerate();
        let places = places.map(|(steps, task)| Place { task, steps }).collect();
        ChangeTasks {
            load,
            users,
            places,
            turn: 0,
            waiting,
        }
    }

    fn creation(&self, index: u64) -> Option<(Arc<User>, Request)> {
        let user = in_turn(&self.users, index)?;
        Some((Arc::clone(user), Request::Create { description: None }))
    }

    /// None where there is no task to change.
    fn change(&mut self) -> Option<(Arc<User>, Request)> {
        let after = self.turn + 1;
        let next_turn = if after < self.places.len() { after } else { 0 };
        let place = self.places.get_mut(self.turn)?;
        self.turn = next_turn;
        let step = LIFE[place.steps % LIFE.len()];
        place.steps += 1;
        let (user, task) = (Arc::clone(&place.task.user), place.task.id);
        let request = match step {
            Step::Update => Request::Update { task },
            Step::Toggle => Request::Complete {
                task,
                to: place.task.toggle(),
            },
            Step::Delete => match self.waiting.next() {
                Some(next) => {
                    *place = Place {
                        task: next,
                        steps: 0,
                    };
                    Request::Delete { task }
                }
                None => Request::Update { task },
            },
        };
        Some((user, request))
    }
}

impl LivingTask {
    /// The state after its next completion or reopening.
    pub(super) fn toggle(&mut self) -> Completion {
        self.state = match self.state {
            Completion::Done => Completion::Undone,
            Completion::Undone => Completion::Done,
        };
        self.state
    }
}

impl Workload for ChangeTasks {
    fn operation(&mut self, index: u64) -> Option<Operation> {
        let is_change = index % 2 == 1;
        let change = if is_change { self.change() } else { None };
        let (user, request) = change.or_else(|| self.creation(index / 2))?;
        Some(Operation {
            key: OperationKey::new(&self.load, index),
            user,
            request,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use gauntlet_contract::UserId;

    use super::*;
    use crate::client::OperationKind;

    fn user() -> Arc<User> {
        Arc::new(User::new(UserId::generate(), "token").expect("a token"))
    }

    fn tasks(count: usize, state: Completion) -> Vec<LivingTask> {
        let task = |_| LivingTask {
            user: user(),
            id: TaskId::generate(),
            state,
        };
        (0..count).map(task).collect()
    }

    fn offered(tasks: &[LivingTask], operations: u64) -> Vec<Operation> {
        let mut workload = ChangeTasks::new("load", vec![user(), user()], tasks.to_vec());
        (0..operations)
            .map(|index| workload.operation(index).expect("endless"))
            .collect()
    }

    /// Places in the schedule and kinds of the changes of each task.
    fn histories(operations: &[Operation]) -> HashMap<TaskId, Vec<(usize, OperationKind)>> {
        let mut histories: HashMap<_, Vec<_>> = HashMap::new();
        for (index, operation) in operations.iter().enumerate() {
            if let Some(task) = operation.request.task() {
                let change = (index, operation.request.kind());
                histories.entry(task).or_default().push(change);
            }
        }
        histories
    }

    fn count(operations: &[Operation], kind: OperationKind) -> usize {
        let kinds = operations.iter().map(|operation| operation.request.kind());
        kinds.filter(|other| *other == kind).count()
    }

    #[test]
    fn the_mix_is_the_one_that_is_stated() {
        let operations = offered(&tasks(200, Completion::Undone), 1_000);
        assert_eq!(count(&operations, OperationKind::Create), 500);
        assert_eq!(count(&operations, OperationKind::Update), 300);
        let toggles =
            count(&operations, OperationKind::Complete) + count(&operations, OperationKind::Reopen);
        assert_eq!(toggles, 150);
        assert_eq!(count(&operations, OperationKind::Delete), 50);
    }

    #[test]
    fn kinds_are_mixed_at_any_time() {
        let operations = offered(&tasks(200, Completion::Undone), 1_000);
        for stretch in operations.chunks(100) {
            assert!(count(stretch, OperationKind::Update) >= 25);
            assert!(count(stretch, OperationKind::Delete) >= 4);
        }
    }

    #[test]
    fn each_history_is_one_that_a_task_can_have() {
        for state in [Completion::Undone, Completion::Done] {
            let tasks = tasks(120, state);
            let histories = histories(&offered(&tasks, 4_000));
            for task in &tasks {
                let mut completed = task.state == Completion::Done;
                let mut is_gone = false;
                for (index, kind) in histories.get(&task.id).into_iter().flatten() {
                    assert!(!is_gone, "{kind} at {index} after the deletion");
                    match kind {
                        OperationKind::Complete | OperationKind::Reopen => {
                            assert_eq!(completed, *kind == OperationKind::Reopen);
                            completed = !completed;
                        }
                        OperationKind::Delete => is_gone = true,
                        OperationKind::Update => {}
                        other => panic!("{other} is no change"),
                    }
                }
            }
        }
    }

    #[test]
    fn changes_of_one_task_keep_their_distance() {
        let histories = histories(&offered(&tasks(120, Completion::Undone), 4_000));
        assert!(histories.values().any(|history| history.len() >= 10));
        for history in histories.values() {
            for pair in history.windows(2) {
                assert_eq!(pair[1].0 - pair[0].0, 2 * AT_ONCE);
            }
        }
    }

    #[test]
    fn of_few_tasks_each_has_its_turn_the_sooner() {
        let tasks = tasks(60, Completion::Undone);
        let mut workload = ChangeTasks::of_few("load", vec![user()], tasks);
        let operations: Vec<Operation> = (0..1_000)
            .map(|index| workload.operation(index).expect("endless"))
            .collect();
        let histories = histories(&operations);
        assert!(histories.values().any(|history| history.len() >= 10));
        for history in histories.values() {
            for pair in history.windows(2) {
                assert_eq!(pair[1].0 - pair[0].0, 2 * FEW_AT_ONCE);
            }
        }
    }

    #[test]
    fn a_load_of_any_length_keeps_all_places_taken() {
        let tasks = tasks(AT_ONCE + 3, Completion::Undone);
        let operations = offered(&tasks, 10_000);
        assert_eq!(count(&operations, OperationKind::Delete), 3);
        assert_eq!(count(&operations, OperationKind::Create), 5_000);
        assert_eq!(histories(&operations).len(), tasks.len());
    }

    #[test]
    fn each_task_is_changed_by_its_owner() {
        let tasks = tasks(60, Completion::Undone);
        let owners: HashMap<TaskId, UserId> =
            tasks.iter().map(|task| (task.id, task.user.id())).collect();
        for operation in offered(&tasks, 1_000) {
            if let Some(task) = operation.request.task() {
                assert_eq!(operation.user.id(), owners[&task]);
            }
        }
    }

    #[test]
    fn without_tasks_there_are_creations_by_all_users_in_turn() {
        let operations = offered(&[], 8);
        assert_eq!(count(&operations, OperationKind::Create), 8);
        let mut nobody = ChangeTasks::new("load", Vec::new(), Vec::new());
        assert!(nobody.operation(0).is_none());
    }
}
