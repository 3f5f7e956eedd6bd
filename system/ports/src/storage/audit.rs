use std::time::Duration;

use async_trait::async_trait;
use gauntlet_contract::envelope::SOURCE_AUDIT;
use gauntlet_contract::{
    AuditEntry, Entity, EntityId, Envelope, EventData, EventId, EventType, Label, Series, Task,
    UserId,
};
use jiff::Timestamp;
use serde::Serialize;

use super::tasks::Direction;
use crate::error::PortError;

/// What recording did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recorded {
    Fresh,
    /// The inbox knew the event: nothing was written.
    Duplicate,
    /// The version before is not in the trail. The event is kept, and no line is written before
    /// [`AuditLog::release`] finds that it may be.
    Kept,
}

/// A line that was written although the version before it was never seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    pub entity: Entity,
    pub entity_id: EntityId,
    /// Of the line. The one before it is missing.
    pub version: u64,
}

/// Selects a page of one user's trail, by `seq`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditQuery {
    pub user_id: UserId,
    pub entity: Option<Entity>,
    pub entity_id: Option<EntityId>,
    pub action: Option<String>,
    pub from: Option<Timestamp>,
    pub to: Option<Timestamp>,
    /// Ascending is oldest first.
    pub order: Direction,
    /// Only entries behind this one, in that order.
    pub after: Option<i64>,
    pub limit: u32,
}

/// The append-only trail with its inbox and its outbox.
#[async_trait]
pub trait AuditLog: Send + Sync {
    /// Records each event once: inbox row, trail row and the outbox row of [`audit_event`] in one
    /// transaction, with a savepoint per entry so that one failure leaves the others standing. Answers
    /// per event, in order; `Invalid` where [`Audited::of`] finds nothing to record.
    ///
    /// Lines are gated on the entity's version: one of version n is written when one of version n-1 or later
    /// is in the trail, or is written before it by the same call, and is [`Recorded::Kept`] until then. The
    /// first version waits for nothing.
    async fn record(&self, events: &[Envelope]) -> Vec<Result<Recorded, PortError>>;

    /// Records what is kept and may be written by now, of each entity in the order of versions. Nothing is
    /// waited for longer than `patience`: what was kept for so long is written all the same, and answered
    /// as a gap; `Duration::MAX` gives nothing up. A version that comes late is recorded by then like any other.
    async fn release(&self, patience: Duration) -> Result<Vec<Gap>, PortError>;

    /// Counts one more handled failure of the event in its inbox; answers the count so far.
    async fn count_failure(&self, event: &Envelope) -> Result<u32, PortError>;

    async fn query(&self, query: &AuditQuery) -> Result<Vec<AuditEntry>, PortError>;
}

/// What the trail takes down of an event.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Audited<'e> {
    pub entity: Entity,
    pub entity_id: EntityId,
    pub user_id: UserId,
    /// As [`EventType::action`] spells it.
    pub action: &'static str,
    /// The entity's version after the event.
    pub version: u64,
    pub old: Option<AuditedState<'e>>,
    pub new: Option<AuditedState<'e>>,
}

/// A whole state before or after an event; encodes as the event does.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum AuditedState<'e> {
    Task(&'e Task),
    Label(&'e Label),
    Series(&'e Series),
}

impl<'e> Audited<'e> {
    /// None for an event that is no change of an entity, or whose data is not of its type.
    pub fn of(event: &'e Envelope) -> Option<Self> {
        let entity = entity_of(event.kind)?;
        let (version, old, new) = match (entity, &event.data) {
            (Entity::Task, EventData::Task(data)) => (
                data.version,
                data.old.as_ref().map(AuditedState::Task),
                data.new.as_ref().map(AuditedState::Task),
            ),
            (Entity::Tag | Entity::Category, EventData::Label(data)) => (
                data.version,
                data.old.as_ref().map(AuditedState::Label),
                data.new.as_ref().map(AuditedState::Label),
            ),
            (Entity::Series, EventData::Series(data)) => (
                data.version,
                data.old.as_ref().map(AuditedState::Series),
                data.new.as_ref().map(AuditedState::Series),
            ),
            _ => return None,
        };
        Some(Self {
            entity,
            entity_id: event.data.subject(),
            user_id: event.data.user_id(),
            action: event.kind.action(),
            version,
            old,
            new,
        })
    }
}

impl AuditedState<'_> {
    pub fn entity(&self) -> Entity {
        match self {
            AuditedState::Task(_) => Entity::Task,
            AuditedState::Label(label) => label.kind.into(),
            AuditedState::Series(_) => Entity::Series,
        }
    }

    pub fn id(&self) -> EntityId {
        match self {
            AuditedState::Task(task) => task.id.into(),
            AuditedState::Label(label) => label.id.into(),
            AuditedState::Series(series) => series.id.into(),
        }
    }

    pub fn user_id(&self) -> UserId {
        match self {
            AuditedState::Task(task) => task.user_id,
            AuditedState::Label(label) => label.user_id,
            AuditedState::Series(series) => series.user_id,
        }
    }

    pub fn version(&self) -> u64 {
        match self {
            AuditedState::Task(task) => task.version,
            AuditedState::Label(label) => label.version,
            AuditedState::Series(series) => series.version,
        }
    }
}

/// What kind of thing an event of this type changes.
fn entity_of(kind: EventType) -> Option<Entity> {
    match kind {
        EventType::TaskCreated
        | EventType::TaskUpdated
        | EventType::TaskCompleted
        | EventType::TaskReopened
        | EventType::TaskDeleted => Some(Entity::Task),
        EventType::TagCreated | EventType::TagUpdated | EventType::TagDeleted => Some(Entity::Tag),
        EventType::CategoryCreated | EventType::CategoryUpdated | EventType::CategoryDeleted => {
            Some(Entity::Category)
        }
        EventType::SeriesCreated | EventType::SeriesAdvanced | EventType::SeriesEnded => {
            Some(Entity::Series)
        }
        EventType::InstanceSettled | EventType::AuditRecorded => None,
    }
}

/// The event on `audit-logs` that tells of a line of the trail. `traceparent` is that of the event which
/// the line is about.
pub fn audit_event(id: EventId, entry: AuditEntry, traceparent: Option<String>) -> Envelope {
    let recorded_at = entry.recorded_at;
    let mut event = Envelope::new(
        id,
        SOURCE_AUDIT,
        EventType::AuditRecorded,
        recorded_at,
        EventData::Audit(entry),
    );
    event.traceparent = traceparent;
    event
}
