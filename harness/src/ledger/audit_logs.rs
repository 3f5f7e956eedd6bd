//! How the lines of the audit trail go out: the outbox of the audit role, and the topic `audit-logs`.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::{EntityKind, Micros, SeenEvent, Tells};
use crate::component::digest::sha256_hex;

/// What a sidecar draws anew for each attempt to publish.
const OF_THE_ATTEMPT: [&str; 3] = ["traceid", "traceparent", "tracestate"];

/// A row of the outbox that lines of the trail are published from. It names its line by the number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditOutboxRow {
    pub seq: i64,
    /// Of the event that tells of the line.
    pub event_id: Uuid,
    pub entity_id: Uuid,
    /// Of the line, as the next one; none where there is no such line, or it was not asked for.
    #[serde(default)]
    pub entity: Option<EntityKind>,
    #[serde(default)]
    pub user_id: Option<Uuid>,
    pub sent_at: Option<Micros>,
    pub attempts: u32,
}

/// A message on `audit-logs`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuditMessage {
    Told(ToldLine),
    /// It is no event that tells of a line.
    Broken {
        fault: String,
        raw: String,
    },
}

/// A line of the trail, as a message tells it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ToldLine {
    /// Of the message.
    pub event_id: Uuid,
    pub seq: i64,
    /// Of the event that the line is of.
    pub recorded_event_id: Uuid,
    pub entity: EntityKind,
    pub entity_id: Uuid,
    /// None in a ledger from before it was kept.
    #[serde(default)]
    pub user_id: Option<Uuid>,
    pub version: u64,
    pub action: String,
    /// SHA-256 of all that the message says, but for the spans of its attempt; in hexadecimal. Two messages
    /// of one event have the same. None in a ledger from before it was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
}

/// How far the topic was read. Without one, "no message twice" would mean "did not look".
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditTopic {
    pub topic: String,
    pub held: u64,
    pub read: u64,
}

impl AuditMessage {
    /// Reads what a broker held. What the judge does not compare is not kept.
    pub fn read(bytes: &[u8]) -> Self {
        let read = serde_json::from_slice::<Value>(bytes);
        let told = read
            .map_err(|error| format!("not JSON: {error}"))
            .and_then(|message| {
                let event = SeenEvent::read(&message).map_err(|fault| fault.to_string())?;
                let kind = event.kind;
                let told = ToldLine::of(event, digest(message));
                told.ok_or_else(|| format!("type is {:?}", kind.event_type()))
            });
        told.map_or_else(
            |fault| Self::Broken {
                fault,
                raw: String::from_utf8_lossy(bytes).into_owned(),
            },
            Self::Told,
        )
    }
}

fn digest(mut message: Value) -> String {
    if let Some(fields) = message.as_object_mut() {
        for field in OF_THE_ATTEMPT {
            fields.remove(field);
        }
    }
    sha256_hex(message.to_string().as_bytes())
}

impl ToldLine {
    fn of(event: SeenEvent, digest: String) -> Option<Self> {
        let Tells::Recorded {
            seq,
            event_id,
            action,
        } = event.tells
        else {
            return None;
        };
        Some(Self {
            event_id: event.event_id,
            seq,
            recorded_event_id: event_id,
            entity: event.entity,
            entity_id: event.entity_id,
            user_id: Some(event.user_id),
            version: event.version?,
            action,
            digest: Some(digest),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORDED: &str = include_str!("golden/audit_recorded.json");
    const TASK: &str = include_str!("golden/task_created.json");

    #[test]
    fn golden_bytes_read_as_documented() {
        let id = |last: &str| {
            format!("0199b3a0-7c00-7000-8000-00000000000{last}")
                .parse()
                .unwrap()
        };
        let told = ToldLine {
            event_id: id("6"),
            seq: 7,
            recorded_event_id: id("1"),
            entity: EntityKind::Task,
            entity_id: id("2"),
            user_id: Some("7b1c2f60-3f4e-4a57-9a60-0d4c3f1d2e3f".parse().unwrap()),
            version: 1,
            action: "created".to_owned(),
            digest: told_by(RECORDED).digest,
        };
        assert_eq!(told_by(RECORDED), told);
    }

    fn told_by(text: &str) -> ToldLine {
        match AuditMessage::read(text.as_bytes()) {
            AuditMessage::Told(told) => told,
            AuditMessage::Broken { fault, .. } => panic!("{fault}"),
        }
    }

    #[test]
    fn planted_difference_anywhere_in_a_message_is_in_its_digest_but_for_spans() {
        let with = |pointer: &str, name: &str, value: &str| {
            let mut message: Value = serde_json::from_str(RECORDED).unwrap();
            message.pointer_mut(pointer).unwrap()[name] = value.into();
            told_by(&message.to_string()).digest
        };
        let first = told_by(RECORDED).digest;
        assert!(first.is_some());
        assert_ne!(with("", "time", "2026-01-01T00:00:09Z"), first);
        assert_ne!(with("/data", "more", "a"), first);
        for field in OF_THE_ATTEMPT {
            assert_eq!(with("", field, "00-1-2-01"), first);
        }
    }

    #[test]
    fn what_tells_of_no_line_is_kept_with_its_fault() {
        for (text, what) in [
            ("{", "not JSON"),
            ("{}", "specversion is missing"),
            (TASK, "type is \"todo.task.created\""),
        ] {
            match AuditMessage::read(text.as_bytes()) {
                AuditMessage::Broken { fault, raw } => {
                    assert!(fault.starts_with(what), "{fault}");
                    assert_eq!(raw, text);
                }
                AuditMessage::Told(told) => panic!("{told:?}"),
            }
        }
    }
}
