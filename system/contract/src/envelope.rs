//! The event envelope: CloudEvents 1.0 in structured JSON mode.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ids::{EventId, TaskId, UserId};
use crate::task::Task;

/// Media type of an encoded envelope.
pub const CONTENT_TYPE: &str = "application/cloudevents+json";
/// `source` of every event that the api role writes.
pub const SOURCE_API: &str = "/todo/api";

/// What happened to a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
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
}

impl EventType {
    /// The action as the audit trail names it.
    pub fn action(self) -> &'static str {
        match self {
            EventType::TaskCreated => "created",
            EventType::TaskUpdated => "updated",
            EventType::TaskCompleted => "completed",
            EventType::TaskReopened => "reopened",
            EventType::TaskDeleted => "deleted",
        }
    }
}

/// The only `specversion` there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SpecVersion {
    #[serde(rename = "1.0")]
    V1,
}

/// A CloudEvents 1.0 event about one task.
///
/// `partitionkey` (the CloudEvents partitioning extension) is the task id: it keeps a task's events
/// in one partition. Attributes that this version does not know are ignored when read, because
/// brokers and sidecars add their own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Envelope {
    pub specversion: SpecVersion,
    pub id: EventId,
    pub source: String,
    #[serde(rename = "type")]
    pub kind: EventType,
    pub subject: TaskId,
    pub time: Timestamp,
    pub datacontenttype: String,
    pub partitionkey: String,
    /// W3C trace context of the request that caused the event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
    pub data: TaskEvent,
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

impl Envelope {
    /// Wraps a task event that the api role decided on.
    pub fn of_task(id: EventId, kind: EventType, time: Timestamp, data: TaskEvent) -> Self {
        Self {
            specversion: SpecVersion::V1,
            id,
            source: SOURCE_API.to_owned(),
            kind,
            subject: data.task_id,
            time,
            datacontenttype: "application/json".to_owned(),
            partitionkey: data.task_id.to_string(),
            traceparent: None,
            data,
        }
    }
}
