use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use gauntlet_contract::{AuditEntry, EntityId, Envelope, EventId, Topic, TopicName};
use jiff::Timestamp;
use serde_json::Value;

use super::memory::{MemoryStore, OutboxRow, RowState};
use super::memory_outbox::MemoryOutbox;
use crate::error::{BoxError, PortError, PortErrorKind};
use crate::storage::{
    AuditLog, AuditQuery, Audited, AuditedState, Direction, Gap, OutboxEntry, Recorded, audit_event,
};

type Key = (String, EventId);

/// An audit trail with its inbox and its outbox in memory. As Postgres does, it refuses text with a NUL
/// in it. Clones share their rows.
#[derive(Clone, Debug)]
pub struct MemoryAuditLog {
    rows: Arc<Mutex<Rows>>,
    /// Of this store only the outbox is of use.
    told: MemoryStore,
}

#[derive(Debug, Default)]
struct Rows {
    done: HashSet<Key>,
    failures: HashMap<Key, u32>,
    trail: Vec<AuditEntry>,
    /// Events that came before their time, with when they came.
    early: Vec<(Envelope, Instant)>,
    is_down: bool,
}

/// What became of an event.
enum Done<'a> {
    Written(&'a AuditEntry),
    Known,
    Kept,
}

impl Default for MemoryAuditLog {
    fn default() -> Self {
        Self {
            rows: Arc::default(),
            told: MemoryStore::new(""),
        }
    }
}

impl MemoryAuditLog {
    /// Every line of the trail, of all users.
    pub fn trail(&self) -> Vec<AuditEntry> {
        self.rows().trail.clone()
    }

    /// The outbox of what is recorded, as one relay sees it.
    pub fn outbox(&self) -> MemoryOutbox {
        MemoryOutbox::new(self.told.clone())
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

    /// Puts what tells of a line into the outbox.
    fn tell(&self, entry: &AuditEntry, event: &Envelope) {
        let envelope = audit_event(
            EventId::generate(),
            entry.clone(),
            event.traceparent.clone(),
        );
        self.told.rows().outbox.push(OutboxRow {
            entry: OutboxEntry {
                seq: entry.seq,
                topic: TopicName::new(&self.told.topic_prefix, Topic::AuditLogs),
                envelope,
                attempts: 0,
            },
            state: RowState::Unsent,
        });
    }
}

#[async_trait]
impl AuditLog for MemoryAuditLog {
    async fn record(&self, events: &[Envelope]) -> Vec<Result<Recorded, PortError>> {
        // Held to the end, so that line and outbox row are there together for whoever looks.
        let mut rows = self.rows();
        let mut stopped = HashSet::new();
        events
            .iter()
            .map(|event| {
                let answer = if stopped.contains(&event.data.subject()) {
                    let kind = PortErrorKind::Unavailable;
                    Err(error(kind, "record events", "held back"))
                } else {
                    rows.record(event)
                };
                match answer {
                    Ok(Done::Written(line)) => {
                        self.tell(line, event);
                        Ok(Recorded::Fresh)
                    }
                    Ok(Done::Known) => Ok(Recorded::Duplicate),
                    Ok(Done::Kept) => Ok(Recorded::Kept),
                    Err(error) => {
                        stopped.insert(event.data.subject());
                        Err(error)
                    }
                }
            })
            .collect()
    }

    async fn release(&self, patience: Duration) -> Result<Vec<Gap>, PortError> {
        let mut rows = self.rows();
        rows.check("release events")?;
        let mut gaps = Vec::new();
        while let Some((event, gap)) = rows.take_due(patience) {
            if let Done::Written(line) = rows.write(&event)? {
                self.tell(line, &event);
                gaps.extend(gap);
            }
        }
        Ok(gaps)
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
        let is_selected = |line: &&AuditEntry| {
            line.user_id == query.user_id
                && query.entity.is_none_or(|entity| line.entity == entity)
                && query.entity_id.is_none_or(|id| line.entity_id == id)
                && query.action.as_ref().is_none_or(|a| line.action == *a)
                && query.from.is_none_or(|from| line.occurred_at >= from)
                && query.to.is_none_or(|to| line.occurred_at < to)
        };
        let selected = rows.trail.iter().filter(is_selected);
        let limit = query.limit as usize;
        let is_behind = |line: &&AuditEntry| match (query.after, query.order) {
            (None, _) => true,
            (Some(after), Direction::Ascending) => line.seq > after,
            (Some(after), Direction::Descending) => line.seq < after,
        };
        let behind = selected.filter(is_behind).cloned();
        Ok(match query.order {
            Direction::Ascending => behind.take(limit).collect(),
            Direction::Descending => behind.rev().take(limit).collect(),
        })
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

    fn record(&mut self, event: &Envelope) -> Result<Done<'_>, PortError> {
        self.check("record events")?;
        let audited = storable(event)?;
        if self.done.contains(&key(event)) {
            return Ok(Done::Known);
        }
        if !self.is_due(audited.entity_id, audited.version) {
            if self.early.iter().all(|(kept, _)| key(kept) != key(event)) {
                self.early.push((event.clone(), Instant::now()));
            }
            return Ok(Done::Kept);
        }
        self.write(event)
    }

    /// Whether the trail has come as far as the version before.
    fn is_due(&self, id: EntityId, version: u64) -> bool {
        let before = version.saturating_sub(1);
        let mut lines = self.trail.iter();
        before == 0 || lines.any(|line| line.entity_id == id && line.version >= before)
    }

    /// Takes out an event that may be written by now, and answers the gap before it if there is one.
    fn take_due(&mut self, patience: Duration) -> Option<(Envelope, Option<Gap>)> {
        let version = |event: &Envelope| event.data.version().unwrap_or(0);
        self.early.sort_by_key(|(event, _)| version(event));
        let mut looked_at = HashSet::new();
        let position = self.early.iter().position(|(event, arrived_at)| {
            let id = event.data.subject();
            let is_lowest = looked_at.insert(id);
            let is_due = self.is_due(id, version(event)) || arrived_at.elapsed() >= patience;
            is_lowest && is_due
        })?;
        let (event, _) = self.early.remove(position);
        let gap = Audited::of(&event).and_then(|audited| {
            let gap = Gap {
                entity: audited.entity,
                entity_id: audited.entity_id,
                version: audited.version,
            };
            (!self.is_due(gap.entity_id, gap.version)).then_some(gap)
        });
        Some((event, gap))
    }

    /// Writes the line, whatever the trail has of the entity.
    fn write(&mut self, event: &Envelope) -> Result<Done<'_>, PortError> {
        let audited = storable(event)?;
        if !self.done.insert(key(event)) {
            return Ok(Done::Known);
        }
        let seq = self.trail.last().map_or(1, |line| line.seq + 1);
        self.trail.push(AuditEntry {
            seq,
            event_id: event.id,
            entity: audited.entity,
            entity_id: audited.entity_id,
            user_id: audited.user_id,
            action: audited.action.to_owned(),
            version: audited.version,
            old: audited.old.map(value).transpose()?,
            new: audited.new.map(value).transpose()?,
            occurred_at: event.time,
            recorded_at: Timestamp::now(),
        });
        Ok(self.trail.last().map_or(Done::Known, Done::Written))
    }
}

/// What is to be taken down of an event that can be.
fn storable(event: &Envelope) -> Result<Audited<'_>, PortError> {
    let invalid = |detail| error(PortErrorKind::Invalid, "record events", detail);
    let audited = Audited::of(event).ok_or_else(|| invalid("no change of an entity"))?;
    for state in audited.old.iter().chain(&audited.new) {
        if has_nul(&value(*state)?) {
            return Err(invalid("NUL"));
        }
    }
    Ok(audited)
}

fn value(state: AuditedState<'_>) -> Result<Value, PortError> {
    serde_json::to_value(state)
        .map_err(|source| error(PortErrorKind::Invalid, "record events", source))
}

/// Whether there is the one thing that JSON can carry and Postgres cannot store.
fn has_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(values) => values.iter().any(has_nul),
        Value::Object(fields) => fields.values().any(has_nul),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

fn key(event: &Envelope) -> Key {
    (event.source.clone(), event.id)
}

fn error(kind: PortErrorKind, op: &'static str, source: impl Into<BoxError>) -> PortError {
    PortError::new(kind, "audit log", op, source)
}

#[cfg(test)]
mod tests {
    use super::super::audit_suite::{Recording, audit_outbox_suite};
    use super::super::outbox_suite::outbox_suite;
    use super::*;

    #[tokio::test]
    async fn memory_audit_log_keeps_the_contract_of_what_it_publishes() {
        let log = MemoryAuditLog::default();
        audit_outbox_suite(&log, &log.outbox()).await;
    }

    #[tokio::test]
    async fn what_the_memory_audit_log_publishes_keeps_the_outbox_contract() {
        let log = MemoryAuditLog::default();
        let one = log.outbox();
        outbox_suite(&Recording(log), &one, &one.for_another_relay()).await;
    }
}
