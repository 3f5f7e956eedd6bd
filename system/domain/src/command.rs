use gauntlet_contract::{Envelope, EventId, Task, TaskId, TaskStatus, UserId};

/// What a user wants done to one task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    Create {
        title: String,
        description: Option<String>,
    },
    Update(Edit),
    /// Idempotent: completing a completed task changes nothing.
    Complete,
    /// Idempotent: reopening a task that is not completed changes nothing.
    Reopen,
    Delete,
}

/// New values for some fields of a task. A field that is none stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Edit {
    pub title: Option<String>,
    /// `Some(None)` clears it.
    pub description: Option<Option<String>>,
    pub status: Option<TaskStatus>,
}

/// Who is concerned, and the id that the event gets if there is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ids {
    pub task_id: TaskId,
    pub user_id: UserId,
    pub event_id: EventId,
}

/// The answer to a command that is allowed.
#[derive(Clone, Debug, PartialEq)]
pub enum Decision {
    /// The task is as the command wants it already: nothing to write, no event.
    Unchanged(Task),
    Changed(Box<Change>),
}

/// A change and the event that tells of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// The version that the decision rests on; none when the task must not exist yet.
    pub expected_version: Option<u64>,
    pub outcome: Outcome,
    pub event: Envelope,
}

/// What the change leaves behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Put(Task),
    Delete(TaskId),
}

/// Why a command is refused. Nothing changes then.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    #[error("no such task")]
    NotFound,
    #[error("the task exists already")]
    AlreadyExists,
    #[error("invalid fields: {}", fields(.0))]
    Invalid(Vec<Violation>),
}

/// What is wrong with one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    pub field: &'static str,
    pub detail: String,
}

fn fields(violations: &[Violation]) -> String {
    let names: Vec<_> = violations.iter().map(|v| v.field).collect();
    names.join(", ")
}
