use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use gauntlet_contract::{Envelope, Task, TaskId, TopicName, UserId};
use tokio::time::Instant;

use crate::error::{PortError, PortErrorKind};
use crate::storage::{Expected, OutboxEntry, TaskChange, TaskOutcome, TaskQuery, TaskStore};

/// A defect to show at the next commits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Planted {
    /// Nothing is written, and the caller is told so.
    Unavailable,
    /// Everything is written, and the caller hears nothing.
    AnswerLost,
}

/// Tasks and their outbox in memory. Clones share their rows.
#[derive(Clone, Debug)]
pub struct MemoryStore {
    topic: TopicName,
    rows: Arc<Mutex<Rows>>,
}

#[derive(Debug, Default)]
pub(super) struct Rows {
    pub(super) tasks: BTreeMap<TaskId, Task>,
    pub(super) outbox: Vec<OutboxRow>,
    planted: Option<Planted>,
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
    pub fn new(topic: TopicName) -> Self {
        Self {
            topic,
            rows: Arc::default(),
        }
    }

    /// From now on every commit shows this defect; none heals.
    pub fn plant(&self, planted: Option<Planted>) {
        self.rows().planted = planted;
    }

    /// How many tasks there are, of all users.
    pub fn task_count(&self) -> usize {
        self.rows().tasks.len()
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

#[async_trait]
impl TaskStore for MemoryStore {
    async fn find(&self, user_id: UserId, id: TaskId) -> Result<Option<Task>, PortError> {
        let rows = self.rows();
        let task = rows.tasks.get(&id).filter(|task| task.user_id == user_id);
        Ok(task.cloned())
    }

    async fn list(&self, query: &TaskQuery) -> Result<Vec<Task>, PortError> {
        let rows = self.rows();
        let page = rows
            .tasks
            .values()
            .rev()
            .filter(|task| task.user_id == query.user_id)
            .filter(|task| query.status.is_none_or(|status| task.status == status))
            .filter(|task| query.before.is_none_or(|before| task.id < before))
            .take(query.limit as usize);
        Ok(page.cloned().collect())
    }

    async fn commit(&self, change: &TaskChange) -> Result<(), PortError> {
        let mut rows = self.rows();
        if rows.planted == Some(Planted::Unavailable) {
            return Err(error(PortErrorKind::Unavailable, "planted"));
        }
        let id = match &change.outcome {
            TaskOutcome::Put(task) => task.id,
            TaskOutcome::Delete(id) => *id,
        };
        let is_as_expected = match change.expected {
            Expected::Absent => !rows.tasks.contains_key(&id),
            Expected::Version(version) => rows
                .tasks
                .get(&id)
                .is_some_and(|row| row.user_id == change.user_id && row.version == version),
        };
        if !is_as_expected {
            return Err(error(PortErrorKind::Conflict, "not as expected"));
        }
        match &change.outcome {
            TaskOutcome::Put(task) => rows.tasks.insert(id, task.clone()),
            TaskOutcome::Delete(id) => rows.tasks.remove(id),
        };
        for envelope in &change.events {
            let seq = rows.outbox.last().map_or(1, |row| row.entry.seq + 1);
            let entry = OutboxEntry {
                seq,
                topic: self.topic.clone(),
                envelope: envelope.clone(),
                attempts: 0,
            };
            rows.outbox.push(OutboxRow {
                entry,
                state: RowState::Unsent,
            });
        }
        match rows.planted {
            Some(Planted::AnswerLost) => Err(error(PortErrorKind::Timeout, "planted")),
            _ => Ok(()),
        }
    }
}

fn error(kind: PortErrorKind, detail: &'static str) -> PortError {
    PortError::new(kind, "task store", "commit a change", detail)
}
