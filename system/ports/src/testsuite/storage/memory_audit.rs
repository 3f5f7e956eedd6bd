use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use gauntlet_contract::task::AuditEntry;
use gauntlet_contract::{Envelope, EventId, Task};
use jiff::Timestamp;

use crate::error::{PortError, PortErrorKind};
use crate::storage::{AuditLog, AuditQuery, Recorded};

type Key = (String, EventId);

/// An audit trail with its inbox in memory. As Postgres does, it refuses text with a NUL in it.
/// Clones share their rows.
#[derive(Clone, Debug, Default)]
pub struct MemoryAuditLog {
    rows: Arc<Mutex<Rows>>,
}

#[derive(Debug, Default)]
struct Rows {
    done: HashSet<Key>,
    failures: HashMap<Key, u32>,
    trail: Vec<AuditEntry>,
    is_down: bool,
}

impl MemoryAuditLog {
    /// Every line of the trail, of all users.
    pub fn trail(&self) -> Vec<AuditEntry> {
        self.rows().trail.clone()
    }

    /// While down, every call fails as unavailable.
    pub fn take_down(&self) {
        self.rows().is_down = true;
    }

    pub fn bring_up(&self) {
        self.rows().is_down = false;
    }

    fn rows(&self) -> MutexGuard<'_, Rows> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl AuditLog for MemoryAuditLog {
    async fn record(&self, events: &[Envelope]) -> Vec<Result<Recorded, PortError>> {
        let mut rows = self.rows();
        let mut stopped = HashSet::new();
        events
            .iter()
            .map(|event| {
                let answer = if stopped.contains(&event.data.task_id) {
                    let kind = PortErrorKind::Unavailable;
                    Err(error(kind, "record events", "held back"))
                } else {
                    rows.record(event)
                };
                if answer.is_err() {
                    stopped.insert(event.data.task_id);
                }
                answer
            })
            .collect()
    }

    async fn count_failure(&self, event: &Envelope) -> Result<u32, PortError> {
        let mut rows = self.rows();
        rows.check("count a failure")?;
        let count = rows.failures.entry(key(event)).or_default();
        *count += 1;
        Ok(*count)
    }

    async fn query(&self, query: &AuditQuery) -> Result<Vec<AuditEntry>, PortError> {
        let rows = self.rows();
        rows.check("query the trail")?;
        let page = rows
            .trail
            .iter()
            .filter(|line| line.user_id == query.user_id)
            .filter(|line| query.task_id.is_none_or(|id| line.task_id == id))
            .filter(|line| query.action.as_ref().is_none_or(|a| line.action == *a))
            .filter(|line| query.from.is_none_or(|from| line.occurred_at >= from))
            .filter(|line| query.to.is_none_or(|to| line.occurred_at < to))
            .filter(|line| query.after.is_none_or(|after| line.seq > after))
            .take(query.limit as usize);
        Ok(page.cloned().collect())
    }
}

// The rules of the real log in their shortest form, to hold the suite against.
impl Rows {
    fn check(&self, op: &'static str) -> Result<(), PortError> {
        if self.is_down {
            return Err(error(PortErrorKind::Unavailable, op, "taken down"));
        }
        Ok(())
    }

    fn record(&mut self, event: &Envelope) -> Result<Recorded, PortError> {
        self.check("record events")?;
        let tasks = [event.data.old.as_ref(), event.data.new.as_ref()];
        if tasks.into_iter().flatten().any(has_nul) {
            return Err(error(PortErrorKind::Invalid, "record events", "NUL"));
        }
        if !self.done.insert(key(event)) {
            return Ok(Recorded::Duplicate);
        }
        let seq = self.trail.last().map_or(1, |line| line.seq + 1);
        self.trail.push(AuditEntry {
            seq,
            event_id: event.id,
            task_id: event.data.task_id,
            user_id: event.data.user_id,
            action: event.kind.action().to_owned(),
            task_version: event.data.version,
            old: event.data.old.clone(),
            new: event.data.new.clone(),
            occurred_at: event.time,
            recorded_at: Timestamp::now(),
        });
        Ok(Recorded::Fresh)
    }
}

/// The one thing that JSON can carry and Postgres cannot store.
fn has_nul(task: &Task) -> bool {
    let description = task.description.as_deref().unwrap_or_default();
    task.title.contains('\0') || description.contains('\0')
}

fn key(event: &Envelope) -> Key {
    (event.source.clone(), event.id)
}

fn error(kind: PortErrorKind, op: &'static str, detail: &'static str) -> PortError {
    PortError::new(kind, "audit log", op, detail)
}
