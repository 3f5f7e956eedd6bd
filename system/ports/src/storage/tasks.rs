use async_trait::async_trait;
use gauntlet_contract::{Envelope, Task, TaskId, TaskStatus, UserId};

use crate::error::PortError;

/// The version that a change was decided on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    Absent,
    Version(u64),
}

/// What a change leaves behind.
#[derive(Clone, Debug, PartialEq)]
pub enum TaskOutcome {
    Put(Task),
    Delete(TaskId),
}

/// A decided change: the row and its events, to be committed together or not at all.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskChange {
    pub user_id: UserId,
    pub expected: Expected,
    pub outcome: TaskOutcome,
    pub events: Vec<Envelope>,
}

/// Selects a page of one user's tasks, newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskQuery {
    pub user_id: UserId,
    pub status: Option<TaskStatus>,
    /// Only tasks with a smaller id; ids are time-ordered.
    pub before: Option<TaskId>,
    pub limit: u32,
}

/// The tasks, and the outbox half of their commit.
#[async_trait]
pub trait TaskStore: Send + Sync {
    /// The user's task; none when it does not exist or is someone else's.
    async fn find(&self, user_id: UserId, id: TaskId) -> Result<Option<Task>, PortError>;

    async fn list(&self, query: &TaskQuery) -> Result<Vec<Task>, PortError>;

    /// Commits row and events in one transaction. `Conflict` when the row is not at the expected
    /// version any more; nothing is written then.
    async fn commit(&self, change: &TaskChange) -> Result<(), PortError>;
}
