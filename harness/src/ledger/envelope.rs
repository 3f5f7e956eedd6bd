use serde_json::Value;
use uuid::Uuid;

use super::{EntityKind, EventKind};

/// An event as the judge reads it: from raw JSON, by the `CloudEvents` specification and the documented
/// shape, never through the system's own types.
///
/// It asks for more than a consumer needs. A consumer that ignores a wrong attribute does well; a
/// judge that ignores it lets the contract rot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenEvent {
    pub event_id: Uuid,
    pub kind: EventKind,
    /// What the event is about: what it changed, the task that was settled, or what the recorded line
    /// is about.
    pub entity: EntityKind,
    pub entity_id: Uuid,
    pub user_id: Uuid,
    /// After the change; none where nothing was changed.
    pub version: Option<u64>,
    /// Title or name of the new state; none where there is no new state, or it has neither.
    pub title: Option<String>,
    pub tells: Tells,
}

/// What an event tells beside the change of its entity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tells {
    Change,
    /// Which instance of which series was settled.
    Settled {
        series_id: Uuid,
        number: u64,
    },
    /// Which line of the audit trail was written, because of which event.
    Recorded {
        seq: i64,
        event_id: Uuid,
        action: String,
    },
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

impl SeenEvent {
    /// Reads an event, and holds every redundant attribute against its twin: `subject` and
    /// `partitionkey` against the entity's id, the presence of old and new state against the type.
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
        let kind = EventKind::of_event_type(kind_text);
        let kind = kind.ok_or_else(|| unexpected("type", kind_text))?;
        if text(envelope, "source", "/source")?.is_empty() {
            return Err(EnvelopeFault::Missing("source"));
        }
        let (attribute, pointer) = id_of_entity(kind);
        let entity_id = id(envelope, attribute, pointer)?;
        for (attribute, pointer) in [("subject", "/subject"), ("partitionkey", "/partitionkey")] {
            if id(envelope, attribute, pointer)? != entity_id {
                return Err(EnvelopeFault::Disagrees(attribute));
            }
        }
        let version = match kind {
            EventKind::Settled => None,
            _ => Some(number(envelope, "data.version", "/data/version")?),
        };
        let (entity, tells) = entity_and_more(envelope, kind)?;
        Ok(Self {
            event_id: id(envelope, "id", "/id")?,
            kind,
            entity,
            entity_id,
            user_id: id(envelope, "data.user_id", "/data/user_id")?,
            version,
            title: title_of_state(envelope, kind, entity)?,
            tells,
        })
    }
}

/// Where data names what the event is about.
fn id_of_entity(kind: EventKind) -> (&'static str, &'static str) {
    match kind.changes() {
        Some(EntityKind::Task) => ("data.task_id", "/data/task_id"),
        Some(EntityKind::Tag | EntityKind::Category) => ("data.label_id", "/data/label_id"),
        Some(EntityKind::Series) => ("data.series_id", "/data/series_id"),
        None if kind == EventKind::Settled => ("data.task_id", "/data/task_id"),
        None => ("data.entity_id", "/data/entity_id"),
    }
}

fn entity_and_more(
    envelope: &Value,
    kind: EventKind,
) -> Result<(EntityKind, Tells), EnvelopeFault> {
    if let Some(entity) = kind.changes() {
        return Ok((entity, Tells::Change));
    }
    if kind == EventKind::Settled {
        text(envelope, "data.settled_at", "/data/settled_at")?;
        let tells = Tells::Settled {
            series_id: id(envelope, "data.series_id", "/data/series_id")?,
            number: number(envelope, "data.number", "/data/number")?,
        };
        return Ok((EntityKind::Task, tells));
    }
    let name = text(envelope, "data.entity", "/data/entity")?;
    let entity = EntityKind::of_name(name).ok_or_else(|| unexpected("data.entity", name))?;
    for (attribute, pointer) in [
        ("data.occurred_at", "/data/occurred_at"),
        ("data.recorded_at", "/data/recorded_at"),
    ] {
        text(envelope, attribute, pointer)?;
    }
    let seq = envelope.pointer("/data/seq").and_then(Value::as_i64);
    let tells = Tells::Recorded {
        seq: seq.ok_or(EnvelopeFault::Missing("data.seq"))?,
        event_id: id(envelope, "data.event_id", "/data/event_id")?,
        action: text(envelope, "data.action", "/data/action")?.to_owned(),
    };
    Ok((entity, tells))
}

/// A creation has no old state, a deletion no new one, all other changes have both. Of a recorded line
/// the action tells which of these it was.
fn title_of_state(
    envelope: &Value,
    kind: EventKind,
    entity: EntityKind,
) -> Result<Option<String>, EnvelopeFault> {
    let (creates, deletes) = match kind {
        EventKind::Settled => return Ok(None),
        EventKind::Recorded => {
            let action = text(envelope, "data.action", "/data/action")?;
            (action == "created", action == "deleted")
        }
        change => (change.creates(), change.deletes()),
    };
    let state = |pointer| envelope.pointer(pointer).filter(|state| !state.is_null());
    if state("/data/old").is_none() != creates {
        return Err(EnvelopeFault::Disagrees("data.old"));
    }
    let Some(new) = state("/data/new") else {
        return if deletes {
            Ok(None)
        } else {
            Err(EnvelopeFault::Disagrees("data.new"))
        };
    };
    if deletes {
        return Err(EnvelopeFault::Disagrees("data.new"));
    }
    let title = |attribute, field: &str| {
        let title = new.get(field).and_then(Value::as_str);
        let title = title.ok_or(EnvelopeFault::Missing(attribute))?;
        Ok(Some(title.to_owned()))
    };
    match entity {
        EntityKind::Task => title("data.new.title", "title"),
        EntityKind::Tag | EntityKind::Category => {
            if new.get("kind").and_then(Value::as_str) != Some(entity.as_str()) {
                return Err(EnvelopeFault::Disagrees("data.new.kind"));
            }
            title("data.new.name", "name")
        }
        EntityKind::Series => Ok(None),
    }
}

fn unexpected(attribute: &'static str, found: &str) -> EnvelopeFault {
    EnvelopeFault::Unexpected {
        attribute,
        found: found.to_owned(),
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

fn number(envelope: &Value, attribute: &'static str, pointer: &str) -> Result<u64, EnvelopeFault> {
    envelope
        .pointer(pointer)
        .and_then(Value::as_u64)
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
        Err(unexpected(attribute, found))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::ledger::OperationKind;

    /// The bytes that the judge takes for the contract. They change only together with the
    /// documented event format, never because the system's types changed.
    const TASK: &str = include_str!("golden/task_created.json");
    /// The same from before tasks had priorities. Its new fields are defaults.
    const TASK_V1: &str = include_str!("golden/task_created_v1.json");
    const TAG: &str = include_str!("golden/tag_created.json");
    const CATEGORY: &str = include_str!("golden/category_updated.json");
    const SERIES: &str = include_str!("golden/series_advanced.json");
    const SETTLED: &str = include_str!("golden/instance_settled.json");
    const RECORDED: &str = include_str!("golden/audit_recorded.json");
    const ALL: [&str; 6] = [TASK, TAG, CATEGORY, SERIES, SETTLED, RECORDED];

    fn golden(text: &str) -> Value {
        serde_json::from_str(text).unwrap()
    }

    fn read(text: &str) -> SeenEvent {
        SeenEvent::read(&golden(text)).unwrap()
    }

    /// `0199b3a0-7c00-7000-8000-` and twelve digits.
    fn uuid(last: u64) -> Uuid {
        Uuid::parse_str(&format!("0199b3a0-7c00-7000-8000-{last:012}")).unwrap()
    }

    #[test]
    fn golden_bytes_read_as_documented() {
        let user_id = "7b1c2f60-3f4e-4a57-9a60-0d4c3f1d2e3f".parse().unwrap();
        for text in [TASK, TASK_V1] {
            let seen = SeenEvent {
                event_id: uuid(1),
                kind: EventKind::Task(OperationKind::Create),
                entity: EntityKind::Task,
                entity_id: uuid(2),
                user_id,
                version: Some(1),
                title: Some("buy milk".to_owned()),
                tells: Tells::Change,
            };
            assert_eq!(read(text), seen);
        }
    }

    #[test]
    fn golden_bytes_of_other_entities_read_as_documented() {
        let tag = read(TAG);
        assert_eq!(
            (tag.kind, tag.entity, tag.entity_id, tag.title.as_deref()),
            (
                EventKind::TagCreated,
                EntityKind::Tag,
                uuid(3),
                Some("home")
            )
        );
        let category = read(CATEGORY);
        assert_eq!(
            (category.entity, category.entity_id, category.version),
            (EntityKind::Category, uuid(4), Some(2))
        );
        let series = read(SERIES);
        assert_eq!(
            (series.kind, series.entity_id, series.version, series.title),
            (EventKind::SeriesAdvanced, uuid(5), Some(2), None)
        );
        let settled = read(SETTLED);
        let tells = Tells::Settled {
            series_id: uuid(5),
            number: 1,
        };
        assert_eq!(
            (
                settled.entity,
                settled.entity_id,
                settled.version,
                settled.tells
            ),
            (EntityKind::Task, uuid(2), None, tells)
        );
        let recorded = read(RECORDED);
        let tells = Tells::Recorded {
            seq: 7,
            event_id: uuid(1),
            action: "created".to_owned(),
        };
        assert_eq!(
            (
                recorded.entity,
                recorded.entity_id,
                recorded.version,
                recorded.tells
            ),
            (EntityKind::Task, uuid(2), Some(1), tells)
        );
    }

    /// The system's own types write the very bytes that the judge takes for the contract.
    #[test]
    fn the_contract_writes_the_golden_bytes() {
        for text in ALL {
            let envelope: gauntlet_contract::Envelope = serde_json::from_str(text).unwrap();
            assert_eq!(serde_json::to_string(&envelope).unwrap(), text.trim_end());
        }
    }

    #[test]
    fn each_attribute_is_needed() {
        for text in ALL {
            for attribute in [
                "specversion",
                "id",
                "source",
                "type",
                "subject",
                "datacontenttype",
                "partitionkey",
                "data",
            ] {
                let mut envelope = golden(text);
                envelope.as_object_mut().unwrap().remove(attribute);
                assert!(
                    SeenEvent::read(&envelope).is_err(),
                    "{attribute} was not missed in {text}"
                );
            }
        }
    }

    #[test]
    fn each_field_of_data_is_needed() {
        let change = ["user_id", "version", "new"];
        let recorded = [
            "seq",
            "event_id",
            "entity",
            "entity_id",
            "action",
            "occurred_at",
            "recorded_at",
        ];
        let settled = ["series_id", "number", "task_id", "user_id", "settled_at"];
        for (text, id, fields) in [
            (TASK, "task_id", &change[..]),
            (TAG, "label_id", &change),
            (CATEGORY, "label_id", &change),
            (SERIES, "series_id", &change),
            (SETTLED, "task_id", &settled),
            (RECORDED, "user_id", &recorded),
            (RECORDED, "version", &["new"]),
        ] {
            for field in fields.iter().chain([&id]) {
                let mut envelope = golden(text);
                envelope["data"].as_object_mut().unwrap().remove(*field);
                assert!(
                    SeenEvent::read(&envelope).is_err(),
                    "data.{field} was not missed in {text}"
                );
            }
        }
    }

    #[test]
    fn twins_that_disagree_are_found() {
        for text in ALL {
            for pointer in ["subject", "partitionkey"] {
                let mut envelope = golden(text);
                envelope[pointer] = json!(uuid(99));
                assert_eq!(
                    SeenEvent::read(&envelope),
                    Err(EnvelopeFault::Disagrees(pointer))
                );
            }
        }
        for text in [TASK, TAG, RECORDED] {
            let mut envelope = golden(text);
            envelope["data"]["old"] = envelope["data"]["new"].clone();
            assert_eq!(
                SeenEvent::read(&envelope),
                Err(EnvelopeFault::Disagrees("data.old"))
            );
        }
        let mut envelope = golden(TAG);
        envelope["data"]["new"]["kind"] = json!("category");
        assert_eq!(
            SeenEvent::read(&envelope),
            Err(EnvelopeFault::Disagrees("data.new.kind"))
        );
    }

    #[test]
    fn a_deletion_has_no_title_and_no_new_state() {
        for (text, kind) in [(TASK, "todo.task.deleted"), (TAG, "todo.tag.deleted")] {
            let mut envelope = golden(text);
            envelope["type"] = json!(kind);
            envelope["data"]["old"] = envelope["data"]["new"].clone();
            assert_eq!(
                SeenEvent::read(&envelope),
                Err(EnvelopeFault::Disagrees("data.new"))
            );
            envelope["data"]["new"] = Value::Null;
            assert_eq!(SeenEvent::read(&envelope).unwrap().title, None);
        }
    }

    #[test]
    fn a_version_as_text_is_refused() {
        let mut envelope = golden(TASK);
        envelope["data"]["version"] = json!("1");
        assert_eq!(
            SeenEvent::read(&envelope),
            Err(EnvelopeFault::Missing("data.version"))
        );
    }

    #[test]
    fn an_entity_that_nobody_knows_is_refused() {
        let mut envelope = golden(RECORDED);
        envelope["data"]["entity"] = json!("reminder");
        assert!(matches!(
            SeenEvent::read(&envelope),
            Err(EnvelopeFault::Unexpected { .. })
        ));
    }
}
