use async_trait::async_trait;
use gauntlet_contract::{
    EntityId, Envelope, Label, LabelId, LabelKind, Series, Task, TaskId, UserId,
};

use crate::error::PortError;

/// The version that a change was decided on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    Absent,
    Version(u64),
}

/// One row of a commit, and what it must be like for the commit to happen.
#[derive(Clone, Debug, PartialEq)]
pub enum RowChange {
    PutTask(Expected, Task),
    DeleteTask(u64, TaskId),
    PutLabel(Expected, Label),
    DeleteLabel(u64, LabelKind, LabelId),
    PutSeries(Expected, Series),
}

/// Decided changes of one user: rows, events and the answer to the request, to be committed together or
/// not at all.
#[derive(Clone, Debug, PartialEq)]
pub struct Commit {
    pub user_id: UserId,
    pub rows: Vec<RowChange>,
    /// They go to the topics of their types, in this order.
    pub events: Vec<Envelope>,
    /// For a request with an idempotency key: what each repetition of it is to be answered.
    pub answer: Option<KeyedAnswer>,
}

impl Commit {
    /// Whether every row is of the commit's user, or only named by its id.
    pub fn is_one_users(&self) -> bool {
        self.rows.iter().all(|row| match row {
            RowChange::PutTask(_, task) => task.user_id == self.user_id,
            RowChange::PutLabel(_, label) => label.user_id == self.user_id,
            RowChange::PutSeries(_, series) => series.user_id == self.user_id,
            RowChange::DeleteTask(..) | RowChange::DeleteLabel(..) => true,
        })
    }

    /// The version of the row that an event is about after the commit. An event that is no change of its
    /// subject has none of its own; 0 where the commit does not touch the subject either.
    pub fn version_after(&self, event: &Envelope) -> u64 {
        let of_row = || {
            self.rows.iter().find_map(|row| {
                let (id, version) = row.after();
                (id == event.subject).then_some(version)
            })
        };
        event.data.version().or_else(of_row).unwrap_or(0)
    }
}

impl RowChange {
    /// The row's id, and its version after the change; a deletion raises it too.
    fn after(&self) -> (EntityId, u64) {
        match self {
            RowChange::PutTask(_, task) => (task.id.into(), task.version),
            RowChange::DeleteTask(version, id) => ((*id).into(), version.saturating_add(1)),
            RowChange::PutLabel(_, label) => (label.id.into(), label.version),
            RowChange::DeleteLabel(version, _, id) => ((*id).into(), version.saturating_add(1)),
            RowChange::PutSeries(_, series) => (series.id.into(), series.version),
        }
    }
}

/// What became of a commit. Of all but the first nothing was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Committed {
    Done,
    /// A task names a tag or category that this user did not have before the commit.
    LabelMissing,
    /// Another label of this user and kind has the name.
    NameTaken,
    /// The label to be deleted is still on some task, those of this commit included.
    LabelInUse,
    /// The idempotency key has an answer meanwhile: [`AnswerStore::answer`] has it.
    KeyTaken,
    /// Another request with this key is being committed right now.
    KeyInFlight,
}

/// An answer under the key that the client chose for its request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyedAnswer {
    pub key: String,
    /// Tells this request from another under the same key: a digest of method, path and body.
    pub fingerprint: String,
    pub answer: StoredAnswer,
}

/// An answer as it was first given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredAnswer {
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: String,
}

/// The one way to change anything.
#[async_trait]
pub trait CommitStore: Send + Sync {
    /// Commits rows, in their order, events and answer in one transaction. `Conflict` when a row is not at
    /// its expected version any more, or another task has its occurrence; `Invalid` when a row is not of
    /// the commit's user. Nothing is written then. Of several reasons the idempotency key is told first,
    /// then a conflict.
    async fn commit(&self, commit: &Commit) -> Result<Committed, PortError>;
}

/// Answers to requests that had an idempotency key.
#[async_trait]
pub trait AnswerStore: Send + Sync {
    /// The answer under a user's key; none when no request with it was committed lately.
    async fn answer(&self, user_id: UserId, key: &str) -> Result<Option<KeyedAnswer>, PortError>;

    /// Deletes answers that are older; at most `limit` of them. Answers how many.
    async fn purge_answers(
        &self,
        older_than: std::time::Duration,
        limit: u32,
    ) -> Result<u64, PortError>;
}
