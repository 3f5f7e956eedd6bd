use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Micros;

/// One request that the load offered to the system, whatever became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operation {
    /// Unique in the run. Creations and updates write it as the title, so that the stores tell what
    /// became of them even when no answer came. The others carry nothing of ours, and are found by
    /// the task that they address.
    pub key: String,
    pub kind: OperationKind,
    /// The task that the request addresses; none for a creation.
    pub task_id: Option<Uuid>,
    pub user_id: Uuid,
    pub phase: Phase,
    /// Which block of an interleaved comparison this belongs to, from 0; 0 where nothing interleaves.
    pub block: u32,
    /// When the open-loop schedule wanted it sent. Latency counts from here.
    pub intended_at: Micros,
    pub sent_at: Micros,
    /// When the answer was complete, or when waiting for it was given up.
    pub done_at: Micros,
    pub outcome: OperationOutcome,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OperationKind {
    Create,
    Update,
    Complete,
    Reopen,
    Delete,
}

/// How an operation ended for the client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OperationOutcome {
    /// Acknowledged: the system promised that `version` of the task is durable. None for a deletion,
    /// whose answer has no task in it to tell the version of.
    Ok { task_id: Uuid, version: Option<u64> },
    /// Refused for certain: the system promised that nothing was written.
    Failed { reason: String },
    /// No answer, or one that does not say (timeout, broken connection, 5xx): it may or may not
    /// have taken effect.
    Unknown { reason: String },
}

/// What the operation was offered for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Judged for loss and order like any other, and left out of every timing.
    WarmUp,
    Load,
}

impl OperationKind {
    /// The `type` attribute of the event that a successful operation of this kind writes.
    pub fn event_type(self) -> &'static str {
        match self {
            OperationKind::Create => "todo.task.created",
            OperationKind::Update => "todo.task.updated",
            OperationKind::Complete => "todo.task.completed",
            OperationKind::Reopen => "todo.task.reopened",
            OperationKind::Delete => "todo.task.deleted",
        }
    }

    /// The kind behind an event's `type`; none for a type that the judge does not know.
    pub fn of_event_type(text: &str) -> Option<Self> {
        [
            Self::Create,
            Self::Update,
            Self::Complete,
            Self::Reopen,
            Self::Delete,
        ]
        .into_iter()
        .find(|kind| kind.event_type() == text)
    }

    /// The action as the audit trail has to name it.
    pub fn action(self) -> &'static str {
        match self {
            OperationKind::Create => "created",
            OperationKind::Update => "updated",
            OperationKind::Complete => "completed",
            OperationKind::Reopen => "reopened",
            OperationKind::Delete => "deleted",
        }
    }

    /// True where the event carries the operation's key as its new title.
    pub fn writes_title(self) -> bool {
        matches!(self, OperationKind::Create | OperationKind::Update)
    }

    /// True where a request that finds nothing to change is acknowledged with the version that
    /// stands. A second deletion is refused.
    pub fn is_idempotent(self) -> bool {
        matches!(self, OperationKind::Complete | OperationKind::Reopen)
    }
}

impl Operation {
    /// Task and version of an acknowledged operation; a deletion has no version.
    pub fn acknowledged(&self) -> Option<(Uuid, Option<u64>)> {
        match self.outcome {
            OperationOutcome::Ok { task_id, version } => Some((task_id, version)),
            OperationOutcome::Failed { .. } | OperationOutcome::Unknown { .. } => None,
        }
    }
}
