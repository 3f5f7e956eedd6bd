use gauntlet_contract::label::COLOR_DEFAULT;
use gauntlet_contract::{EventData, EventType, Label, LabelEvent, LabelId, LabelKind, UserId};
use jiff::Timestamp;

use crate::change::{Change, Decision, Fact, Rejection, Row, refuse_if_any, to_micros};
use crate::command::LabelCommand;
use crate::text;

/// Decides a command on the state of a tag or category, like [`decide`](crate::decide).
///
/// Whether the name is free, and whether a label that is to be deleted is still in use, only the store
/// can tell.
pub fn decide_label(
    state: Option<&Label>,
    command: LabelCommand,
    now: Timestamp,
    id: LabelId,
    user_id: UserId,
) -> Result<Decision<Label>, Rejection> {
    let now = to_micros(now);
    let mut violations = Vec::new();
    match (command, state) {
        (LabelCommand::Create { .. }, Some(_)) => Err(Rejection::AlreadyExists),
        (LabelCommand::Create { kind, name, color }, None) => {
            let name = text::name(&name, &mut violations);
            let color = color.as_deref().unwrap_or(COLOR_DEFAULT);
            let color = text::color(color, &mut violations);
            refuse_if_any(violations)?;
            let label = Label {
                id,
                user_id,
                kind,
                name,
                color,
                version: 1,
                created_at: now,
                updated_at: now,
            };
            Ok(put(None, label))
        }
        (_, None) => Err(Rejection::NotFound),
        (LabelCommand::Update { name, color }, Some(old)) => {
            let mut new = old.clone();
            if let Some(name) = name {
                new.name = text::name(&name, &mut violations);
            }
            if let Some(color) = color {
                new.color = text::color(&color, &mut violations);
            }
            refuse_if_any(violations)?;
            if new == *old {
                return Ok(Decision::Unchanged(new));
            }
            new.version = old.version + 1;
            new.updated_at = now.max(old.updated_at);
            Ok(put(Some(old), new))
        }
        (LabelCommand::Delete, Some(old)) => Ok(delete(old, now)),
    }
}

fn put(old: Option<&Label>, new: Label) -> Decision<Label> {
    let kind = match (old, new.kind) {
        (None, LabelKind::Tag) => EventType::TagCreated,
        (None, LabelKind::Category) => EventType::CategoryCreated,
        (Some(_), LabelKind::Tag) => EventType::TagUpdated,
        (Some(_), LabelKind::Category) => EventType::CategoryUpdated,
    };
    let fact = fact(kind, new.updated_at, &new, new.version, old, Some(&new));
    Change {
        rows: vec![Row::PutLabel(old.map(|old| old.version), new.clone())],
        facts: vec![fact],
        after: Some(new),
    }
    .decided()
}

fn delete(old: &Label, now: Timestamp) -> Decision<Label> {
    let kind = match old.kind {
        LabelKind::Tag => EventType::TagDeleted,
        LabelKind::Category => EventType::CategoryDeleted,
    };
    let time = now.max(old.updated_at);
    Change {
        rows: vec![Row::DeleteLabel(old.version, old.kind, old.id)],
        facts: vec![fact(kind, time, old, old.version + 1, Some(old), None)],
        after: None,
    }
    .decided()
}

fn fact(
    kind: EventType,
    time: Timestamp,
    label: &Label,
    version: u64,
    old: Option<&Label>,
    new: Option<&Label>,
) -> Fact {
    let event = LabelEvent {
        label_id: label.id,
        user_id: label.user_id,
        version,
        old: old.cloned(),
        new: new.cloned(),
    };
    Fact {
        kind,
        time,
        data: EventData::Label(event),
    }
}
