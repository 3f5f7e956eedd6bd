//! Commands on tasks: load, decide, commit. The decision is the domain's.

use std::sync::Arc;

use gauntlet_contract::{EventId, Task, TaskId, UserId};
use gauntlet_domain::{Command, Decision, Ids, Outcome, Rejection, decide};
use gauntlet_ports::{Expected, PortError, PortErrorKind, TaskChange, TaskOutcome, TaskStore};
use jiff::Timestamp;
use tokio::sync::Notify;

/// How often a command is decided anew when others change the task meanwhile. A loser of this many
/// races in a row is better told than kept waiting.
const ATTEMPTS_MAX: usize = 5;

/// A condition on the version that the client has seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Precondition {
    None,
    /// One of these versions, by `If-Match`.
    AnyOf(Vec<u64>),
}

/// One command of one user.
#[derive(Clone, Debug)]
pub struct Request {
    pub user_id: UserId,
    pub task_id: TaskId,
    pub command: Command,
    pub precondition: Precondition,
    /// The trace that the command belongs to; its events carry it on.
    pub traceparent: Option<String>,
}

/// Why a command has no result.
#[derive(Debug, thiserror::Error)]
pub enum TaskError {
    #[error("failed to accept the command")]
    Rejected(#[from] Rejection),
    #[error("failed to meet the precondition: the task is at version {current}")]
    PreconditionFailed { current: u64 },
    #[error("failed to win against other changes of the task")]
    Contended,
    #[error(transparent)]
    Store(#[from] PortError),
}

/// Executes commands on a store, and wakes the relay when there is something to publish.
#[derive(Clone)]
pub struct TaskCommands {
    store: Arc<dyn TaskStore>,
    wake_relay: Arc<Notify>,
}

impl std::fmt::Debug for TaskCommands {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TaskCommands").finish_non_exhaustive()
    }
}

impl TaskCommands {
    pub fn new(store: Arc<dyn TaskStore>, wake_relay: Arc<Notify>) -> Self {
        Self { store, wake_relay }
    }

    /// The store, for queries.
    pub fn store(&self) -> &dyn TaskStore {
        self.store.as_ref()
    }

    /// Executes a command. Answers the task as it is then; none when it was deleted.
    ///
    /// After `Store` with `Timeout` the command may or may not have taken effect; after every other
    /// error it has not.
    pub async fn execute(&self, request: &Request) -> Result<Option<Task>, TaskError> {
        for _ in 0..ATTEMPTS_MAX {
            match self.attempt(request).await {
                Err(TaskError::Store(error)) if error.kind == PortErrorKind::Conflict => {}
                settled => return settled,
            }
        }
        Err(TaskError::Contended)
    }

    async fn attempt(&self, request: &Request) -> Result<Option<Task>, TaskError> {
        let state = match request.command {
            // A fresh id is not looked up: the commit itself refuses one that is taken.
            Command::Create { .. } => None,
            _ => self.store.find(request.user_id, request.task_id).await?,
        };
        check(&request.precondition, state.as_ref())?;
        let ids = Ids {
            task_id: request.task_id,
            user_id: request.user_id,
            event_id: EventId::generate(),
        };
        let command = request.command.clone();
        let change = match decide(state.as_ref(), command, Timestamp::now(), ids)? {
            Decision::Unchanged(task) => return Ok(Some(task)),
            Decision::Changed(change) => *change,
        };
        let mut event = change.event;
        event.traceparent.clone_from(&request.traceparent);
        let (outcome, task) = match change.outcome {
            Outcome::Put(task) => (TaskOutcome::Put(task.clone()), Some(task)),
            Outcome::Delete(id) => (TaskOutcome::Delete(id), None),
        };
        let committed = self
            .store
            .commit(&TaskChange {
                user_id: request.user_id,
                expected: change
                    .expected_version
                    .map_or(Expected::Absent, Expected::Version),
                outcome,
                events: vec![event],
            })
            .await;
        // Also when the answer was lost: the event may be there.
        self.wake_relay.notify_one();
        committed?;
        Ok(task)
    }
}

/// A condition can only be met by a task that exists; the domain refuses the others.
fn check(precondition: &Precondition, state: Option<&Task>) -> Result<(), TaskError> {
    match (precondition, state) {
        (Precondition::AnyOf(versions), Some(task)) if !versions.contains(&task.version) => {
            Err(TaskError::PreconditionFailed {
                current: task.version,
            })
        }
        _ => Ok(()),
    }
}
