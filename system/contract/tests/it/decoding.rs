//! What is tolerated and what is not when bytes come from elsewhere.

use gauntlet_contract::task::{CompleteTask, CreateTask, UpdateTask};
use gauntlet_contract::{DueDate, Envelope, Priority, Recurrence};
use serde_json::{Value, json};

use crate::golden::pending;

fn event() -> Value {
    serde_json::from_str(include_str!("../golden/event-created.json")).unwrap()
}

#[test]
fn attributes_that_brokers_and_sidecars_add_are_ignored() {
    let plain: Envelope = serde_json::from_value(event()).unwrap();
    let mut decorated = event();
    decorated["topic"] = json!("task-events");
    decorated["pubsubname"] = json!("pubsub");
    decorated["traceid"] = json!("00-1-2-01");
    decorated["data"]["added_later"] = json!(1);
    let decorated: Envelope = serde_json::from_value(decorated).unwrap();
    assert_eq!(decorated, plain);
    let task = decorated.data.task().and_then(|event| event.new.clone());
    assert_eq!(task, Some(pending()));
}

#[test]
fn an_event_that_lacks_or_garbles_an_attribute_is_refused() {
    for name in [
        "specversion",
        "id",
        "source",
        "type",
        "subject",
        "time",
        "partitionkey",
        "data",
    ] {
        let mut event = event();
        event.as_object_mut().unwrap().remove(name);
        let decoded = serde_json::from_value::<Envelope>(event);
        assert!(decoded.is_err(), "without {name}");
    }
    for (name, value) in [
        ("specversion", json!("0.3")),
        ("id", json!("not-a-uuid")),
        ("type", json!("todo.task.exploded")),
        ("time", json!("yesterday")),
        ("data", json!("text")),
    ] {
        let mut event = event();
        event[name] = value;
        let decoded = serde_json::from_value::<Envelope>(event);
        assert!(decoded.is_err(), "garbled {name}");
    }
}

#[test]
fn requests_with_unknown_fields_are_refused() {
    let create = serde_json::from_str::<CreateTask>(r#"{"title":"a","id":"x"}"#);
    assert!(create.is_err());
    let update = serde_json::from_str::<UpdateTask>(r#"{"version":7}"#);
    assert!(update.is_err());
    let complete = serde_json::from_str::<CompleteTask>(r#"{"completed":true,"x":1}"#);
    assert!(complete.is_err());
}

#[test]
fn a_description_that_is_null_differs_from_one_that_is_absent() {
    let absent: UpdateTask = serde_json::from_str("{}").unwrap();
    assert_eq!(absent.description, None);
    let null: UpdateTask = serde_json::from_str(r#"{"description":null}"#).unwrap();
    assert_eq!(null.description, Some(None));
}

/// Such events may still lie in an outbox or on a broker when a newer consumer starts.
#[test]
fn an_event_of_the_first_version_is_still_read() {
    let first = include_str!("../golden/event-created-v1.json");
    let event: Envelope = serde_json::from_str(first).unwrap();
    let task = event.data.task().unwrap().new.clone().unwrap();
    assert_eq!(task.priority, Priority::Medium);
    assert_eq!(task, pending());
}

#[test]
fn data_of_another_shape_than_the_type_says_is_refused() {
    let mut event = event();
    event["type"] = json!("todo.tag.created");
    let refused = serde_json::from_value::<Envelope>(event).unwrap_err();
    assert!(refused.to_string().contains("missing field"), "{refused}");
}

#[test]
fn a_due_date_is_an_instant_or_a_local_time_and_never_a_day_alone() {
    let read = |text: &str| serde_json::from_value::<DueDate>(json!(text));
    let instant = read("2026-11-30T17:00:00+01:00").unwrap();
    assert_eq!(instant.to_string(), "2026-11-30T16:00:00Z");
    let local = read("2026-11-30T17:00").unwrap();
    assert_eq!(local.to_string(), "2026-11-30T17:00:00");
    for wrong in [
        "2026-11-30",
        "tomorrow",
        "",
        "2026-13-01T00:00",
        "2026-11-30T17:00[Europe/Paris]",
    ] {
        let refused = read(wrong).unwrap_err().to_string();
        assert!(refused.contains("local time"), "{wrong}: {refused}");
    }
}

#[test]
fn a_recurrence_needs_no_more_than_a_frequency() {
    let daily: Recurrence =
        serde_json::from_value(json!({"rule": {"frequency": "daily"}})).unwrap();
    assert_eq!(
        serde_json::to_value(daily).unwrap(),
        json!({"rule": {"frequency": "daily", "interval": 1}, "mode": "on_completion"})
    );
    for wrong in [
        json!({"rule": {"frequency": "hourly"}}),
        json!({"rule": {"frequency": "daily", "days": ["mon"]}}),
        json!({"rule": {"frequency": "daily"}, "every": 2}),
    ] {
        assert!(
            serde_json::from_value::<Recurrence>(wrong.clone()).is_err(),
            "{wrong}"
        );
    }
}
