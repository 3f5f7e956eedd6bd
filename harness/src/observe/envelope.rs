//! The few attributes that rows and dead letters are labelled by, read leniently: a broken envelope
//! must become a row that checks can judge, not an error that hides it.

use serde_json::Value;
use uuid::Uuid;

use crate::ledger::{EventKind, RawJson};

/// Kind, and new title or name, where the envelope has them.
pub(super) fn labels(envelope: &RawJson) -> (Option<EventKind>, Option<String>) {
    let Ok(envelope) = envelope.value() else {
        return (None, None);
    };
    let text = |pointer| envelope.pointer(pointer).and_then(Value::as_str);
    let kind = text("/type").and_then(EventKind::of_event_type);
    let title = text("/data/new/title").or_else(|| text("/data/new/name"));
    (kind, title.map(ToOwned::to_owned))
}

/// Event id of a message from a broker; none where it is not a JSON object with a UUID as `id`.
pub(super) fn event_id(message: &[u8]) -> Option<Uuid> {
    let message: Value = serde_json::from_slice(message).ok()?;
    Uuid::parse_str(message.get("id")?.as_str()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::OperationKind;

    #[test]
    fn labels_come_from_type_and_new_state() {
        let text = r#"{"type":"todo.task.updated","data":{"new":{"title":"t"}}}"#;
        let (kind, title) = labels(&RawJson::new(text.to_owned()).unwrap());
        assert_eq!(
            (kind, title.as_deref()),
            (Some(EventKind::Task(OperationKind::Update)), Some("t"))
        );
    }

    #[test]
    fn a_label_has_a_name_in_place_of_a_title() {
        let text = r#"{"type":"todo.tag.updated","data":{"new":{"name":"n"}}}"#;
        let (kind, title) = labels(&RawJson::new(text.to_owned()).unwrap());
        assert_eq!(
            (kind, title.as_deref()),
            (Some(EventKind::TagUpdated), Some("n"))
        );
    }

    #[test]
    fn a_broken_envelope_has_no_labels() {
        let text = r#"{"type":7,"data":[]}"#;
        assert_eq!(
            labels(&RawJson::new(text.to_owned()).unwrap()),
            (None, None)
        );
    }

    #[test]
    fn an_event_id_is_a_uuid() {
        let id = "0199b3a0-7c00-7000-8000-000000000001";
        assert_eq!(
            event_id(format!(r#"{{"id":"{id}"}}"#).as_bytes()),
            id.parse().ok()
        );
        for message in [&b"{\"id\":\"poison\"}"[..], b"{\"id\":1}", b"[]", b"\xff"] {
            assert_eq!(event_id(message), None);
        }
    }
}
