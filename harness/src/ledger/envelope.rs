use serde_json::Value;
use uuid::Uuid;

use super::OperationKind;

/// An event envelope as the judge reads it: from raw JSON, by the `CloudEvents` specification and the
/// documented shape, never through the system's own types.
///
/// It asks for more than a consumer needs. A consumer that ignores a wrong attribute does well; a
/// judge that ignores it lets the contract rot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenEnvelope {
    pub event_id: Uuid,
    pub kind: OperationKind,
    pub task_id: Uuid,
    pub user_id: Uuid,
    pub version: u64,
    /// Title of the new state; none for a deletion.
    pub title: Option<String>,
}

/// What is wrong with an envelope.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeFault {
    #[error("{0} is missing or not of its type")]
    Missing(&'static str),
    #[error("{attribute} is {found:?}")]
    Unexpected {
        attribute: &'static str,
        found: String,
    },
    #[error("{0} disagrees with data")]
    Disagrees(&'static str),
}

impl SeenEnvelope {
    /// Reads an envelope, and holds every redundant attribute against its twin: `subject` and
    /// `partitionkey` against the task id, the presence of old and new state against the type.
    /// Attributes that the judge does not know are left alone, as `CloudEvents` allows.
    pub fn read(envelope: &Value) -> Result<Self, EnvelopeFault> {
        expect_text(envelope, "specversion", "/specversion", "1.0")?;
        expect_text(
            envelope,
            "datacontenttype",
            "/datacontenttype",
            "application/json",
        )?;
        let kind_text = text(envelope, "type", "/type")?;
        let kind =
            OperationKind::of_event_type(kind_text).ok_or_else(|| EnvelopeFault::Unexpected {
                attribute: "type",
                found: kind_text.to_owned(),
            })?;
        if text(envelope, "source", "/source")?.is_empty() {
            return Err(EnvelopeFault::Missing("source"));
        }
        let task_id = id(envelope, "data.task_id", "/data/task_id")?;
        for (attribute, pointer) in [("subject", "/subject"), ("partitionkey", "/partitionkey")] {
            if id(envelope, attribute, pointer)? != task_id {
                return Err(EnvelopeFault::Disagrees(attribute));
            }
        }
        let version = envelope
            .pointer("/data/version")
            .and_then(Value::as_u64)
            .ok_or(EnvelopeFault::Missing("data.version"))?;
        let title = title_of_state(envelope, kind)?;
        Ok(Self {
            event_id: id(envelope, "id", "/id")?,
            kind,
            task_id,
            user_id: id(envelope, "data.user_id", "/data/user_id")?,
            version,
            title,
        })
    }
}

/// A creation has no old state, a deletion no new one, all others have both.
fn title_of_state(envelope: &Value, kind: OperationKind) -> Result<Option<String>, EnvelopeFault> {
    let state = |pointer| envelope.pointer(pointer).filter(|state| !state.is_null());
    if state("/data/old").is_none() != (kind == OperationKind::Create) {
        return Err(EnvelopeFault::Disagrees("data.old"));
    }
    match (state("/data/new"), kind) {
        (None, OperationKind::Delete) => Ok(None),
        (Some(_), OperationKind::Delete) | (None, _) => Err(EnvelopeFault::Disagrees("data.new")),
        (Some(_), _) => {
            text(envelope, "data.new.title", "/data/new/title").map(|title| Some(title.to_owned()))
        }
    }
}

/// A missing attribute and one of the wrong type are the same fault to a reader.
fn text<'a>(
    envelope: &'a Value,
    attribute: &'static str,
    pointer: &str,
) -> Result<&'a str, EnvelopeFault> {
    envelope
        .pointer(pointer)
        .and_then(Value::as_str)
        .ok_or(EnvelopeFault::Missing(attribute))
}

fn id(envelope: &Value, attribute: &'static str, pointer: &str) -> Result<Uuid, EnvelopeFault> {
    Uuid::parse_str(text(envelope, attribute, pointer)?)
        .map_err(|_| EnvelopeFault::Missing(attribute))
}

fn expect_text(
    envelope: &Value,
    attribute: &'static str,
    pointer: &str,
    expected: &str,
) -> Result<(), EnvelopeFault> {
    let found = text(envelope, attribute, pointer)?;
    if found == expected {
        Ok(())
    } else {
        Err(EnvelopeFault::Unexpected {
            attribute,
            found: found.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The bytes that the judge takes for the contract. They change only together with the
    /// documented event format, never because the system's types changed.
    const GOLDEN: &str = include_str!("golden/task_created.json");

    fn golden() -> Value {
        serde_json::from_str(GOLDEN).unwrap()
    }

    #[test]
    fn golden_bytes_read_as_documented() {
        let seen = SeenEnvelope::read(&golden()).unwrap();
        assert_eq!(
            seen.event_id.to_string(),
            "0199b3a0-7c00-7000-8000-000000000001"
        );
        assert_eq!(seen.kind, OperationKind::Create);
        assert_eq!(
            seen.task_id.to_string(),
            "0199b3a0-7c00-7000-8000-000000000002"
        );
        assert_eq!(
            seen.user_id.to_string(),
            "7b1c2f60-3f4e-4a57-9a60-0d4c3f1d2e3f"
        );
        assert_eq!(seen.version, 1);
        assert_eq!(seen.title.as_deref(), Some("buy milk"));
    }

    /// The system's own types write the very bytes that the judge takes for the contract.
    #[test]
    fn the_contract_writes_the_golden_bytes() {
        let envelope: gauntlet_contract::Envelope = serde_json::from_str(GOLDEN).unwrap();
        assert_eq!(serde_json::to_string(&envelope).unwrap(), GOLDEN.trim_end());
    }

    #[test]
    fn each_attribute_is_needed() {
        for pointer in [
            "specversion",
            "id",
            "source",
            "type",
            "subject",
            "datacontenttype",
            "partitionkey",
            "data",
        ] {
            let mut envelope = golden();
            envelope.as_object_mut().unwrap().remove(pointer);
            assert!(
                SeenEnvelope::read(&envelope).is_err(),
                "{pointer} was not missed"
            );
        }
        for field in ["task_id", "user_id", "version", "new"] {
            let mut envelope = golden();
            envelope["data"].as_object_mut().unwrap().remove(field);
            assert!(
                SeenEnvelope::read(&envelope).is_err(),
                "data.{field} was not missed"
            );
        }
    }

    #[test]
    fn twins_that_disagree_are_found() {
        for pointer in ["subject", "partitionkey"] {
            let mut envelope = golden();
            envelope[pointer] = json!("0199b3a0-7c00-7000-8000-0000000000ff");
            assert_eq!(
                SeenEnvelope::read(&envelope),
                Err(EnvelopeFault::Disagrees(pointer))
            );
        }
        let mut envelope = golden();
        envelope["data"]["old"] = envelope["data"]["new"].clone();
        assert_eq!(
            SeenEnvelope::read(&envelope),
            Err(EnvelopeFault::Disagrees("data.old"))
        );
    }

    #[test]
    fn a_deletion_has_no_title_and_no_new_state() {
        let mut envelope = golden();
        envelope["type"] = json!("todo.task.deleted");
        envelope["data"]["old"] = envelope["data"]["new"].clone();
        assert_eq!(
            SeenEnvelope::read(&envelope),
            Err(EnvelopeFault::Disagrees("data.new"))
        );
        envelope["data"]["new"] = Value::Null;
        assert_eq!(SeenEnvelope::read(&envelope).unwrap().title, None);
    }

    #[test]
    fn a_version_as_text_is_refused() {
        let mut envelope = golden();
        envelope["data"]["version"] = json!("1");
        assert_eq!(
            SeenEnvelope::read(&envelope),
            Err(EnvelopeFault::Missing("data.version"))
        );
    }
}
