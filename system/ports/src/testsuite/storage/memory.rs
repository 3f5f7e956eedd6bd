use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use gauntlet_contract::{
    Envelope, Label, LabelId, LabelKind, Series, SeriesId, Task, TaskId, UserId,
};
use tokio::time::Instant;

use crate::storage::{KeyedAnswer, OutboxEntry};

/// A defect to show at the next commits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Planted {
    /// Nothing is written, and the caller is told so.
    Unavailable,
    /// Everything is written, and the caller hears nothing.
    AnswerLost,
    /// Whatever idempotency key a commit has, another commit with it is under way.
    KeyInFlight,
}

/// Everything that the api role stores, and its outbox, in memory: a plain model of what a real store has
/// to do. Clones share their rows.
#[derive(Clone, Debug)]
pub struct MemoryStore {
    pub(super) topic_prefix: String,
    rows: Arc<Mutex<Rows>>,
}

#[derive(Debug, Default)]
pub(super) struct Rows {
    pub(super) tables: Tables,
    pub(super) outbox: Vec<OutboxRow>,
    pub(super) answers: BTreeMap<(UserId, String), (KeyedAnswer, Instant)>,
    pub(super) planted: Option<Planted>,
}

/// What a commit changes; a copy of it is what a commit is tried on.
#[derive(Clone, Debug, Default)]
pub(super) struct Tables {
    pub(super) tasks: BTreeMap<TaskId, Task>,
    pub(super) labels: BTreeMap<LabelId, Label>,
    pub(super) series: BTreeMap<SeriesId, Series>,
}

#[derive(Debug)]
pub(super) struct OutboxRow {
    pub(super) entry: OutboxEntry,
    pub(super) state: RowState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RowState {
    Unsent,
    Sent(Instant),
    /// Gone for the relay; kept for tests that look at what was ever committed.
    Purged,
}

impl MemoryStore {
    /// Topics get the prefix before their names.
    pub fn new(topic_prefix: impl Into<String>) -> Self {
        Self {
            topic_prefix: topic_prefix.into(),
            rows: Arc::default(),
        }
    }

    /// From now on every commit shows this defect; none heals.
    pub fn plant(&self, planted: Option<Planted>) {
        self.rows().planted = planted;
    }

    /// How many tasks there are, of all users.
    pub fn task_count(&self) -> usize {
        self.rows().tables.tasks.len()
    }

    /// Every event that was ever committed, in commit order.
    pub fn events(&self) -> Vec<Envelope> {
        self.rows()
            .outbox
            .iter()
            .map(|row| row.entry.envelope.clone())
            .collect()
    }

    pub(super) fn rows(&self) -> MutexGuard<'_, Rows> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tables {
    /// The user's label of this kind.
    pub(super) fn label(&self, user_id: UserId, kind: LabelKind, id: LabelId) -> Option<&Label> {
        let label = self.labels.get(&id)?;
        (label.user_id == user_id && label.kind == kind).then_some(label)
    }

    /// The user's tasks that have the label.
    pub(super) fn tasks_with(
        &self,
        user_id: UserId,
        kind: LabelKind,
        id: LabelId,
    ) -> impl Iterator<Item = &Task> {
        self.tasks.values().filter(move |task| {
            let has_label = match kind {
                LabelKind::Tag => task.tags.contains(&id),
                LabelKind::Category => task.category_id == Some(id),
            };
            task.user_id == user_id && has_label
        })
    }
}
