//! The event envelope: CloudEvents 1.0 in structured JSON mode.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::audit::AuditEntry;
use crate::ids::{EntityId, EventId, LabelId, SeriesId, TaskId, UserId};
use crate::label::{Label, LabelKind};
use crate::recurrence::{InstanceSettled, Series};
use crate::task::Task;
use crate::topics::Topic;

/// Media type of an encoded envelope.
pub const CONTENT_TYPE: &str = "application/cloudevents+json";
/// `source` of every event that the api role writes.
pub const SOURCE_API: &str = "/todo/api";
/// `source` of every event that the audit role writes.
pub const SOURCE_AUDIT: &str = "/todo/audit";

/// What an event is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Entity {
    Task,
    Tag,
    Category,
    Series,
}

impl Entity {
    pub const ALL: [Entity; 4] = [Entity::Task, Entity::Tag, Entity::Category, Entity::Series];

    /// The entity as rows and queries spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Entity::Task => "task",
            Entity::Tag => "tag",
            Entity::Category => "category",
            Entity::Series => "series",
        }
    }

    /// The entity that is spelt so; none when there is no such entity.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|entity| entity.as_str() == name)
    }
}

impl From<LabelKind> for Entity {
    fn from(kind: LabelKind) -> Self {
        match kind {
            LabelKind::Tag => Entity::Tag,
            LabelKind::Category => Entity::Category,
        }
    }
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum EventType {
    #[serde(rename = "todo.task.created")]
    TaskCreated,
    #[serde(rename = "todo.task.updated")]
    TaskUpdated,
    #[serde(rename = "todo.task.completed")]
    TaskCompleted,
    #[serde(rename = "todo.task.reopened")]
    TaskReopened,
    #[serde(rename = "todo.task.deleted")]
    TaskDeleted,
    #[serde(rename = "todo.tag.created")]
    TagCreated,
    #[serde(rename = "todo.tag.updated")]
    TagUpdated,
    #[serde(rename = "todo.tag.deleted")]
    TagDeleted,
    #[serde(rename = "todo.category.created")]
    CategoryCreated,
    #[serde(rename = "todo.category.updated")]
    CategoryUpdated,
    #[serde(rename = "todo.category.deleted")]
    CategoryDeleted,
    #[serde(rename = "todo.series.created")]
    SeriesCreated,
    #[serde(rename = "todo.series.advanced")]
    SeriesAdvanced,
    #[serde(rename = "todo.series.ended")]
    SeriesEnded,
    /// On the topic `task-recurrence`.
    #[serde(rename = "todo.recurrence.settled")]
    InstanceSettled,
    /// On the topic `audit-logs`.
    #[serde(rename = "todo.audit.recorded")]
    AuditRecorded,
}

impl EventType {
    /// The action as the audit trail names it.
    pub fn action(self) -> &'static str {
        match self {
            EventType::TaskCreated
            | EventType::TagCreated
            | EventType::CategoryCreated
            | EventType::SeriesCreated => "created",
            EventType::TaskUpdated | EventType::TagUpdated | EventType::CategoryUpdated => {
                "updated"
            }
            EventType::TaskCompleted => "completed",
            EventType::TaskReopened => "reopened",
            EventType::TaskDeleted | EventType::TagDeleted | EventType::CategoryDeleted => {
                "deleted"
            }
            EventType::SeriesAdvanced => "advanced",
            EventType::SeriesEnded => "ended",
            EventType::InstanceSettled => "settled",
            EventType::AuditRecorded => "recorded",
        }
    }

    /// The topic that events of this type are published to.
    pub fn topic(self) -> Topic {
        match self {
            EventType::InstanceSettled => Topic::TaskRecurrence,
            EventType::AuditRecorded => Topic::AuditLogs,
            _ => Topic::TaskEvents,
        }
    }
}

/// The only `specversion` there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SpecVersion {
    #[serde(rename = "1.0")]
    V1,
}

/// A CloudEvents 1.0 event.
///
/// `subject` and `partitionkey` (the CloudEvents partitioning extension) are the id of what the event is
/// about: it keeps the events of a task in one partition. Attributes that this version does not know are
/// ignored when read, because brokers and sidecars add their own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Undecided")]
pub struct Envelope {
    pub specversion: SpecVersion,
    pub id: EventId,
    pub source: String,
    #[serde(rename = "type")]
    pub kind: EventType,
    pub subject: EntityId,
    pub time: Timestamp,
    pub datacontenttype: String,
    pub partitionkey: String,
    /// W3C trace context of the request that caused the event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
    pub data: EventData,
}

/// What an event tells; its type decides which of these it is.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum EventData {
    Task(TaskEvent),
    Label(LabelEvent),
    Series(SeriesEvent),
    Settled(InstanceSettled),
    Audit(AuditEntry),
}

/// The task before and after. `old` is none for a creation, `new` is none for a deletion.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskEvent {
    pub task_id: TaskId,
    pub user_id: UserId,
    /// The task's version after the event. Effects are ordered by it.
    pub version: u64,
    pub old: Option<Task>,
    pub new: Option<Task>,
}

/// A tag or category before and after, like [`TaskEvent`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LabelEvent {
    pub label_id: LabelId,
    pub user_id: UserId,
    pub version: u64,
    pub old: Option<Label>,
    pub new: Option<Label>,
}

/// A series before and after, like [`TaskEvent`]. A series is never deleted: it ends.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SeriesEvent {
    pub series_id: SeriesId,
    pub user_id: UserId,
    pub version: u64,
    pub old: Option<Series>,
    pub new: Option<Series>,
}

impl Envelope {
    /// Wraps what happened; the subject is what `data` is about.
    pub fn new(
        id: EventId,
        source: &str,
        kind: EventType,
        time: Timestamp,
        data: EventData,
    ) -> Self {
        let subject = data.subject();
        Self {
            specversion: SpecVersion::V1,
            id,
            source: source.to_owned(),
            kind,
            subject,
            time,
            datacontenttype: "application/json".to_owned(),
            partitionkey: subject.to_string(),
            traceparent: None,
            data,
        }
    }

    /// Wraps a task event that the api role decided on.
    pub fn of_task(id: EventId, kind: EventType, time: Timestamp, data: TaskEvent) -> Self {
        Self::new(id, SOURCE_API, kind, time, EventData::Task(data))
    }
}

impl EventData {
    /// What the event is about, which is also its partition key. What befalls an instance of a series
    /// is in the order of its task.
    pub fn subject(&self) -> EntityId {
        match self {
            EventData::Task(event) => event.task_id.into(),
            EventData::Label(event) => event.label_id.into(),
            EventData::Series(event) => event.series_id.into(),
            EventData::Settled(event) => event.task_id.into(),
            EventData::Audit(entry) => entry.entity_id,
        }
    }

    /// The version that the change left its subject at; none for what is no change of the subject itself.
    pub fn version(&self) -> Option<u64> {
        match self {
            EventData::Task(event) => Some(event.version),
            EventData::Label(event) => Some(event.version),
            EventData::Series(event) => Some(event.version),
            EventData::Settled(_) => None,
            EventData::Audit(entry) => Some(entry.version),
        }
    }

    pub fn user_id(&self) -> UserId {
        match self {
            EventData::Task(event) => event.user_id,
            EventData::Label(event) => event.user_id,
            EventData::Series(event) => event.user_id,
            EventData::Settled(event) => event.user_id,
            EventData::Audit(entry) => entry.user_id,
        }
    }

    /// The task event; none for any other.
    pub fn task(&self) -> Option<&TaskEvent> {
        match self {
            EventData::Task(event) => Some(event),
            _ => None,
        }
    }
}

/// An envelope whose type has not been looked at yet.
#[derive(Deserialize)]
struct Undecided {
    specversion: SpecVersion,
    id: EventId,
    source: String,
    #[serde(rename = "type")]
    kind: EventType,
    subject: EntityId,
    time: Timestamp,
    datacontenttype: String,
    partitionkey: String,
    #[serde(default)]
    traceparent: Option<String>,
    data: Value,
}

impl TryFrom<Undecided> for Envelope {
    type Error = serde_json::Error;

    fn try_from(event: Undecided) -> Result<Self, serde_json::Error> {
        let data = decode(event.kind, event.data)?;
        Ok(Self {
            specversion: event.specversion,
            id: event.id,
            source: event.source,
            kind: event.kind,
            subject: event.subject,
            time: event.time,
            datacontenttype: event.datacontenttype,
            partitionkey: event.partitionkey,
            traceparent: event.traceparent,
            data,
        })
    }
}

fn decode(kind: EventType, data: Value) -> Result<EventData, serde_json::Error> {
    use serde_json::from_value;
    Ok(match kind {
        EventType::TaskCreated
        | EventType::TaskUpdated
        | EventType::TaskCompleted
        | EventType::TaskReopened
        | EventType::TaskDeleted => EventData::Task(from_value(data)?),
        EventType::TagCreated
        | EventType::TagUpdated
        | EventType::TagDeleted
        | EventType::CategoryCreated
        | EventType::CategoryUpdated
        | EventType::CategoryDeleted => EventData::Label(from_value(data)?),
        EventType::SeriesCreated | EventType::SeriesAdvanced | EventType::SeriesEnded => {
            EventData::Series(from_value(data)?)
        }
        EventType::InstanceSettled => EventData::Settled(from_value(data)?),
        EventType::AuditRecorded => EventData::Audit(from_value(data)?),
    })
}
