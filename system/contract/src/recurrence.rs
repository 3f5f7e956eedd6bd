//! Recurrence: the rule of a series, and the series itself.
//!
//! A rule works in civil time, in the series' zone. A local time that a change of the clocks leaves out
//! moves forward by the gap (RFC 5545); of one that comes twice the first counts, once.

use jiff::{Timestamp, civil};
use serde::{Deserialize, Serialize};

use crate::ids::{LabelId, SeriesId, TaskId, UserId};
#[cfg(feature = "openapi")]
use crate::schema;
use crate::task::Priority;

/// Longest cron expression, in bytes.
pub const CRON_MAX_BYTES: usize = 200;
/// Largest interval of a rule, in days, weeks, months or years.
pub const INTERVAL_MAX: u32 = 1_000;

/// When a task comes back, as clients write it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(
    feature = "openapi",
    schema(examples(json!({
        "rule": {"frequency": "weekly", "days": ["mon", "thu"]},
        "mode": "on_schedule",
        "count": 10,
    })))
)]
#[serde(deny_unknown_fields)]
pub struct Recurrence {
    pub rule: Rule,
    #[serde(default)]
    pub mode: Mode,
    /// How many instances there are in all, the first one included; endless when absent.
    #[cfg_attr(feature = "openapi", schema(schema_with = schema::count))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
    /// The last day, in the series' zone, on which an instance may be due.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<civil::Date>,
}

/// The pattern of a recurrence. Where it names no day, the first due date is its anchor: the time of
/// day, and the day of the week, month or year.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(
    tag = "frequency",
    rename_all = "snake_case",
    rename_all_fields = "snake_case",
    deny_unknown_fields
)]
pub enum Rule {
    Daily {
        #[cfg_attr(feature = "openapi", schema(schema_with = schema::interval))]
        #[serde(default = "once")]
        interval: u32,
    },
    /// Every so many weeks (they begin on Monday) on each of the days; on the anchor's day when none
    /// is given.
    Weekly {
        #[cfg_attr(feature = "openapi", schema(schema_with = schema::interval))]
        #[serde(default = "once")]
        interval: u32,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        days: Vec<Weekday>,
    },
    Monthly {
        #[cfg_attr(feature = "openapi", schema(schema_with = schema::interval))]
        #[serde(default = "once")]
        interval: u32,
        #[serde(default)]
        month_end: MonthEnd,
    },
    Yearly {
        #[cfg_attr(feature = "openapi", schema(schema_with = schema::interval))]
        #[serde(default = "once")]
        interval: u32,
        /// For 29 February.
        #[serde(default)]
        month_end: MonthEnd,
    },
    /// Five fields: minute, hour, day of month, month, day of week. With both days given, either
    /// suffices, as in Vixie cron. At most once a minute.
    Cron {
        #[cfg_attr(feature = "openapi", schema(schema_with = schema::cron))]
        expression: String,
    },
}

/// What becomes of a day that a month does not have. Always computed from the anchor, so that a task of
/// the 31st is due on the 31st again after February.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum MonthEnd {
    /// The month's last day.
    #[default]
    Clamp,
    /// No instance in that month.
    Skip,
}

/// When the next instance is created.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// When the latest instance falls due, whether or not it was done. No occurrence is left out.
    OnSchedule,
    /// When the latest instance is completed or deleted. Rules that name days of a calendar stay on them; a
    /// mere interval (daily, weekly without days) counts from the day of completion.
    #[default]
    OnCompletion,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Weekday {
    #[serde(rename = "mon")]
    Monday,
    #[serde(rename = "tue")]
    Tuesday,
    #[serde(rename = "wed")]
    Wednesday,
    #[serde(rename = "thu")]
    Thursday,
    #[serde(rename = "fri")]
    Friday,
    #[serde(rename = "sat")]
    Saturday,
    #[serde(rename = "sun")]
    Sunday,
}

/// A series: what its instances have in common. `version` starts at 1 and grows by 1 with each change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Series {
    pub id: SeriesId,
    pub user_id: UserId,
    pub recurrence: Recurrence,
    /// The anchor: when the first instance is due, in `time_zone`.
    #[cfg_attr(feature = "openapi", schema(schema_with = schema::local_time))]
    pub start: civil::DateTime,
    /// IANA name.
    pub time_zone: String,
    /// What the next instance gets; the first instance has 1.
    pub next_occurrence: u32,
    /// When the latest instance is due; what follows it is computed from there.
    pub latest_due_at: Timestamp,
    /// What an instance is copied from when no earlier one is left.
    pub template: Template,
    /// None while there may be more instances.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub ended_at: Option<Timestamp>,
    pub version: u64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// What each instance of a series starts with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Template {
    #[cfg_attr(feature = "openapi", schema(schema_with = schema::title))]
    pub title: String,
    #[cfg_attr(feature = "openapi", schema(schema_with = schema::description, required = true))]
    pub description: Option<String>,
    pub priority: Priority,
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub category_id: Option<LabelId>,
    #[cfg_attr(feature = "openapi", schema(schema_with = schema::tags))]
    pub tags: Vec<LabelId>,
}

/// Where a task stands in its series.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Occurrence {
    pub series_id: SeriesId,
    /// From 1. No two tasks of a series have the same.
    pub number: u32,
}

/// An instance of a series was completed or deleted: it may be time for the next one.
/// The data of `todo.recurrence.settled` on the topic `task-recurrence`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceSettled {
    pub series_id: SeriesId,
    pub number: u32,
    pub task_id: TaskId,
    pub user_id: UserId,
    pub settled_at: Timestamp,
}

/// Asks the api role for the instance of a series: `POST /internal/series/{id}/instances`. The same
/// question again answers the instance that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NextInstance {
    /// The occurrence to create.
    pub number: u32,
    /// When the one before was settled; none where the schedule alone decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settled_at: Option<Timestamp>,
}

/// Answer to [`NextInstance`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct InstanceAnswer {
    pub outcome: InstanceOutcome,
    /// The instance; none where there is none, or none any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_id: Option<TaskId>,
}

/// What became of the question for an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum InstanceOutcome {
    Created,
    /// The question was asked before.
    AlreadyThere,
    /// It is not time for it: asking again later may help.
    NotDue,
    /// The series has ended: there is none, and there will be none.
    Over,
}

/// Answer of `GET /internal/series/due`: `on_schedule` series that it is time for, in the order of their ids.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DueInstances {
    pub items: Vec<DueInstance>,
}

/// An instance that it is time for, and what to ask for it with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DueInstance {
    pub series_id: SeriesId,
    pub number: u32,
}

fn once() -> u32 {
    1
}
