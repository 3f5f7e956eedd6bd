//! What is tolerated and what is not when bytes come from elsewhere.

use gauntlet_contract::Envelope;
use gauntlet_contract::task::{CompleteTask, CreateTask, UpdateTask};
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
    assert_eq!(decorated.data.new, Some(pending()));
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
