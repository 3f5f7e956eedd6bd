use jiff::Timestamp;
use serde_json::Value;

use super::case_mask::{MASKED, Treatment};

/// The times of a row or item that are the system's own, each once, oldest first.
pub(super) fn ranked(document: &Value) -> Vec<Timestamp> {
    let mut times = Vec::new();
    collect(document, &mut times);
    times.sort_unstable();
    times.dedup();
    times
}

/// A time as its place among these; what is no time stays as it is.
pub(super) fn time_named(value: &Value, times: &[Timestamp]) -> Value {
    match read(value).and_then(|time| times.binary_search(&time).ok()) {
        Some(rank) => Value::String(format!("‹time {}›", rank + 1)),
        None => value.clone(),
    }
}

fn collect(value: &Value, times: &mut Vec<Timestamp>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                if is_system_time(name) {
                    times.extend(read(value));
                } else {
                    collect(value, times);
                }
            }
        }
        Value::Array(values) => values.iter().for_each(|value| collect(value, times)),
        _ => {}
    }
}

fn is_system_time(column: &str) -> bool {
    let mut rules = MASKED.iter();
    rules.any(|rule| rule.treatment == Treatment::Relation && rule.column == column)
}

fn read(value: &Value) -> Option<Timestamp> {
    value.as_str()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn times_are_told_by_their_order_and_in_any_notation() {
        let row = json!({
            "created_at": "2026-01-01T10:00:00Z",
            "updated_at": "2026-01-01T12:00:00+01:00",
            "completed_at": null,
            "due_at": "2020-01-01T00:00:00Z",
            "new": {"created_at": "2026-01-01T10:00:00+00:00"},
        });
        let times = ranked(&row);
        assert_eq!(times.len(), 2);
        assert_eq!(time_named(&row["created_at"], &times), "‹time 1›");
        assert_eq!(time_named(&row["new"]["created_at"], &times), "‹time 1›");
        assert_eq!(time_named(&row["updated_at"], &times), "‹time 2›");
        assert_eq!(time_named(&row["completed_at"], &times), Value::Null);
    }

    #[test]
    fn what_is_no_time_stays_to_be_seen() {
        let broken = json!({"created_at": "yesterday"});
        assert_eq!(
            time_named(&broken["created_at"], &ranked(&broken)),
            "yesterday"
        );
    }
}
