use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::{EnvelopeFault, Micros};

/// What tasks were given later than a title and a status: from the final row, or as an event tells it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskDetails {
    pub task_id: Uuid,
    /// At which the task had them.
    pub version: u64,
    pub priority: String,
    pub due_at: Option<Micros>,
    pub time_zone: Option<String>,
    pub category_id: Option<Uuid>,
    /// In the order of the row or of the event.
    pub tags: Vec<Uuid>,
    pub occurrence: Option<Occurrence>,
}

/// Where a task stands in its series.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Occurrence {
    pub series_id: Uuid,
    /// From 1.
    pub number: u64,
}

/// The fields of a state that the first version of the contract did not have.
const FIELDS: [&str; 6] = [
    "priority",
    "due_date",
    "time_zone",
    "category_id",
    "tags",
    "occurrence",
];

impl TaskDetails {
    /// Reads them from a state of a task as events tell it. A state of the first version of the contract
    /// has none of the fields and means their defaults; some without the others are a slip.
    pub fn told(task_id: Uuid, version: u64, state: &Value) -> Result<Self, EnvelopeFault> {
        let mut details = Self {
            task_id,
            version,
            priority: "medium".to_owned(),
            due_at: None,
            time_zone: None,
            category_id: None,
            tags: Vec::new(),
            occurrence: None,
        };
        if FIELDS.iter().all(|field| state.get(field).is_none()) {
            return Ok(details);
        }
        let priority = state.get("priority").and_then(Value::as_str);
        priority
            .ok_or(EnvelopeFault::Missing("priority"))?
            .clone_into(&mut details.priority);
        details.due_at = optional(state, "due_date", micros)?;
        details.time_zone = optional(state, "time_zone", |zone| {
            zone.as_str().map(ToOwned::to_owned)
        })?;
        details.category_id = optional(state, "category_id", id)?;
        let tags = state.get("tags").and_then(Value::as_array);
        let tags = tags.and_then(|tags| tags.iter().map(id).collect());
        details.tags = tags.ok_or(EnvelopeFault::Missing("tags"))?;
        details.occurrence = optional(state, "occurrence", Occurrence::read)?;
        Ok(details)
    }
}

impl Occurrence {
    fn read(value: &Value) -> Option<Self> {
        Some(Self {
            series_id: id(value.get("series_id")?)?,
            number: value.get("number")?.as_u64()?,
        })
    }

    /// Of a state of a task, read leniently: none where it is not there or broken.
    pub(super) fn of_state(state: &Value) -> Option<Self> {
        Self::read(state.get("occurrence")?)
    }
}

/// A field that has to be there, and may be null.
fn optional<T>(
    state: &Value,
    field: &'static str,
    read: impl FnOnce(&Value) -> Option<T>,
) -> Result<Option<T>, EnvelopeFault> {
    match state.get(field) {
        None => Err(EnvelopeFault::Missing(field)),
        Some(Value::Null) => Ok(None),
        Some(value) => read(value).map(Some).ok_or(EnvelopeFault::Missing(field)),
    }
}

pub(super) fn id(value: &Value) -> Option<Uuid> {
    Uuid::parse_str(value.as_str()?).ok()
}

fn micros(value: &Value) -> Option<Micros> {
    let instant: Timestamp = value.as_str()?.parse().ok()?;
    Some(Micros(instant.as_microsecond()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const TASK: &str = include_str!("golden/task_created.json");

    fn told(state: &Value) -> Result<TaskDetails, EnvelopeFault> {
        TaskDetails::told(Uuid::from_u128(2), 1, state)
    }

    fn golden() -> Value {
        let envelope: Value = serde_json::from_str(TASK).unwrap();
        envelope["data"]["new"].clone()
    }

    #[test]
    fn golden_bytes_read_as_documented() {
        let id = |last: &str| -> Uuid {
            format!("0199b3a0-7c00-7000-8000-00000000000{last}")
                .parse()
                .unwrap()
        };
        let details = told(&golden()).unwrap();
        assert_eq!(details.priority, "high");
        // 2026-01-31T16:00:00Z
        assert_eq!(details.due_at, Some(Micros(1_769_875_200_000_000)));
        assert_eq!(details.time_zone.as_deref(), Some("Europe/Berlin"));
        assert_eq!(
            (details.category_id, details.tags),
            (Some(id("4")), vec![id("3")])
        );
        let occurrence = Occurrence {
            series_id: id("5"),
            number: 1,
        };
        assert_eq!(details.occurrence, Some(occurrence));
    }

    #[test]
    fn a_state_of_the_first_version_has_the_defaults() {
        let details = told(&json!({"title": "a"})).unwrap();
        assert_eq!(details.priority, "medium");
        assert_eq!((details.due_at, details.tags.len()), (None, 0));
    }

    #[test]
    fn each_field_is_needed_where_there_are_others() {
        for field in FIELDS {
            let mut state = golden();
            state.as_object_mut().unwrap().remove(field);
            assert_eq!(told(&state), Err(EnvelopeFault::Missing(field)));
        }
        let mut state = golden();
        state["due_date"] = json!("tomorrow");
        assert_eq!(told(&state), Err(EnvelopeFault::Missing("due_date")));
    }
}
