//! Tasks as clients and events see them, and the bodies of the task API.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};

use crate::due::DueDate;
use crate::ids::{LabelId, TaskId, UserId};
use crate::recurrence::{Occurrence, Recurrence};
#[cfg(feature = "openapi")]
use crate::schema;

/// Longest title, in characters (Unicode scalar values). The shortest is 1 after trimming.
pub const TITLE_MAX_CHARS: usize = 200;
/// Longest description, in characters.
pub const DESCRIPTION_MAX_CHARS: usize = 10_000;
/// Most tags that a task has.
pub const TAGS_MAX: usize = 10;
/// Largest request body, in bytes.
pub const BODY_MAX_BYTES: usize = 64 * 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum TaskStatus {
    Pending,
    InProgress,
    Completed,
}

impl TaskStatus {
    pub const ALL: [TaskStatus; 3] = [
        TaskStatus::Pending,
        TaskStatus::InProgress,
        TaskStatus::Completed,
    ];

    /// The status as bodies, queries and rows spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            TaskStatus::Pending => "pending",
            TaskStatus::InProgress => "in_progress",
            TaskStatus::Completed => "completed",
        }
    }

    /// The status that is spelt so; none when there is no such status.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == name)
    }
}

/// How much a task matters; ordered from little to much.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    Low,
    #[default]
    Medium,
    High,
    Urgent,
}

impl Priority {
    pub const ALL: [Priority; 4] = [
        Priority::Low,
        Priority::Medium,
        Priority::High,
        Priority::Urgent,
    ];

    /// The priority as bodies and queries spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Priority::Low => "low",
            Priority::Medium => "medium",
            Priority::High => "high",
            Priority::Urgent => "urgent",
        }
    }

    /// The priority that is spelt so; none when there is no such priority.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|priority| priority.as_str() == name)
    }
}

/// A task. `version` starts at 1 and grows by 1 with each change; it is the API's `ETag`.
///
/// Fields that the first version of the contract did not have are defaulted when they are absent, because
/// its events may still lie in an outbox or on a broker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Task {
    pub id: TaskId,
    pub user_id: UserId,
    #[cfg_attr(feature = "openapi", schema(schema_with = schema::title))]
    pub title: String,
    #[cfg_attr(feature = "openapi", schema(schema_with = schema::description, required = true))]
    pub description: Option<String>,
    pub status: TaskStatus,
    #[cfg_attr(feature = "openapi", schema(required = true))]
    #[serde(default)]
    pub priority: Priority,
    #[cfg_attr(feature = "openapi", schema(required = true))]
    #[serde(default)]
    pub due_date: Option<Timestamp>,
    /// IANA name of the zone that the due date was given in. There is one exactly if there is a due date.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    #[serde(default)]
    pub time_zone: Option<String>,
    #[cfg_attr(feature = "openapi", schema(required = true))]
    #[serde(default)]
    pub category_id: Option<LabelId>,
    /// Sorted, without repetitions, at most [`TAGS_MAX`].
    #[cfg_attr(feature = "openapi", schema(schema_with = schema::tags, required = true))]
    #[serde(default)]
    pub tags: Vec<LabelId>,
    /// Where it stands in its series; none for a task that does not recur.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    #[serde(default)]
    pub occurrence: Option<Occurrence>,
    pub version: u64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub completed_at: Option<Timestamp>,
}

impl Task {
    /// Whether the task should have been done by `now`.
    pub fn is_overdue(&self, now: Timestamp) -> bool {
        self.status != TaskStatus::Completed && self.due_date.is_some_and(|due| due < now)
    }
}

/// Body of `POST /api/tasks`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(
    feature = "openapi",
    schema(examples(json!({
        "title": "buy milk",
        "priority": "high",
        "due_date": "2026-11-30T17:00",
        "time_zone": "Europe/Berlin",
    })))
)]
#[serde(deny_unknown_fields)]
pub struct CreateTask {
    #[cfg_attr(feature = "openapi", schema(schema_with = schema::title))]
    pub title: String,
    #[cfg_attr(feature = "openapi", schema(schema_with = schema::description))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<Priority>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_date: Option<DueDate>,
    /// IANA name; UTC when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category_id: Option<LabelId>,
    #[cfg_attr(feature = "openapi", schema(schema_with = schema::tags))]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<LabelId>,
    /// Makes the task the first instance of a series. It needs a due date then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recurrence: Option<Recurrence>,
}

/// Body of `PATCH /api/tasks/{id}`. A field left out stays; null clears a description, a due date (and
/// with it the time zone) or a category.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(
    feature = "openapi",
    schema(examples(json!({
        "status": "in_progress",
        "due_date": null,
    })))
)]
#[serde(deny_unknown_fields)]
pub struct UpdateTask {
    #[cfg_attr(feature = "openapi", schema(schema_with = schema::new_title))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    #[cfg_attr(feature = "openapi", schema(schema_with = schema::description))]
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "present"
    )]
    pub description: Option<Option<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<TaskStatus>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<Priority>,
    #[cfg_attr(feature = "openapi", schema(value_type = Option<DueDate>))]
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "present"
    )]
    pub due_date: Option<Option<DueDate>>,
    /// Alone, it moves the due date to the same local time in another zone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    #[cfg_attr(feature = "openapi", schema(value_type = Option<LabelId>))]
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "present"
    )]
    pub category_id: Option<Option<LabelId>>,
    /// Replaces all tags.
    #[cfg_attr(feature = "openapi", schema(schema_with = schema::new_tags))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<LabelId>>,
}

/// Body of `PATCH /api/tasks/{id}/complete`; an empty body completes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(examples(json!({"completed": true}))))]
#[serde(deny_unknown_fields)]
pub struct CompleteTask {
    pub completed: bool,
}

/// Body of `POST /api/tasks/{id}/tags`: tags to add to those that the task has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct AddTags {
    #[cfg_attr(feature = "openapi", schema(schema_with = schema::some_tags))]
    pub tags: Vec<LabelId>,
}

/// A page of a list. `next_cursor` is opaque; none on the last page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Page<T> {
    #[cfg_attr(feature = "openapi", schema(schema_with = schema::items::<T>))]
    pub items: Vec<T>,
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub next_cursor: Option<String>,
}

/// Tells a field that is `null` from one that is absent.
fn present<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    T::deserialize(deserializer).map(Some)
}
