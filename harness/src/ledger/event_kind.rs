use serde::{Deserialize, Serialize};

use super::OperationKind;

/// What an event can be about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntityKind {
    Task,
    Tag,
    Category,
    Series,
}

impl EntityKind {
    pub fn as_str(self) -> &'static str {
        match self {
            EntityKind::Task => "task",
            EntityKind::Tag => "tag",
            EntityKind::Category => "category",
            EntityKind::Series => "series",
        }
    }

    /// The kind that is spelt so; none for one that the judge does not know.
    pub fn of_name(name: &str) -> Option<Self> {
        [Self::Task, Self::Tag, Self::Category, Self::Series]
            .into_iter()
            .find(|entity| entity.as_str() == name)
    }
}

/// What an event tells. Those of tasks are called by the operation that asks for them, as they always
/// were in ledgers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    TagCreated,
    TagUpdated,
    TagDeleted,
    CategoryCreated,
    CategoryUpdated,
    CategoryDeleted,
    SeriesCreated,
    SeriesAdvanced,
    SeriesEnded,
    /// An instance was completed or deleted. It changes nothing itself.
    Settled,
    /// A line of the audit trail was written. On a topic of its own.
    Recorded,
    #[serde(untagged)]
    Task(OperationKind),
}

/// `type` attribute of all kinds but those of tasks.
const OTHERS: [(EventKind, &str); 11] = [
    (EventKind::TagCreated, "todo.tag.created"),
    (EventKind::TagUpdated, "todo.tag.updated"),
    (EventKind::TagDeleted, "todo.tag.deleted"),
    (EventKind::CategoryCreated, "todo.category.created"),
    (EventKind::CategoryUpdated, "todo.category.updated"),
    (EventKind::CategoryDeleted, "todo.category.deleted"),
    (EventKind::SeriesCreated, "todo.series.created"),
    (EventKind::SeriesAdvanced, "todo.series.advanced"),
    (EventKind::SeriesEnded, "todo.series.ended"),
    (EventKind::Settled, "todo.recurrence.settled"),
    (EventKind::Recorded, "todo.audit.recorded"),
];

impl EventKind {
    /// The kind behind an event's `type`; none for a type that the judge does not know.
    pub fn of_event_type(text: &str) -> Option<Self> {
        let of_task = OperationKind::of_event_type(text).map(Self::Task);
        let other = || OTHERS.into_iter().find(|(_, name)| *name == text);
        of_task.or_else(|| other().map(|(kind, _)| kind))
    }

    /// The `type` attribute of such an event.
    pub fn event_type(self) -> &'static str {
        match self {
            Self::Task(kind) => kind.event_type(),
            other => OTHERS
                .into_iter()
                .find(|(kind, _)| *kind == other)
                .map_or("", |(_, name)| name),
        }
    }

    /// The action as the audit trail has to name it: the last part of the type.
    pub fn action(self) -> &'static str {
        self.event_type().rsplit('.').next().unwrap_or_default()
    }

    /// What such an event changes; none where it changes nothing itself.
    pub fn changes(self) -> Option<EntityKind> {
        match self {
            Self::Task(_) => Some(EntityKind::Task),
            Self::TagCreated | Self::TagUpdated | Self::TagDeleted => Some(EntityKind::Tag),
            Self::CategoryCreated | Self::CategoryUpdated | Self::CategoryDeleted => {
                Some(EntityKind::Category)
            }
            Self::SeriesCreated | Self::SeriesAdvanced | Self::SeriesEnded => {
                Some(EntityKind::Series)
            }
            Self::Settled | Self::Recorded => None,
        }
    }

    /// The operation that such an event of a task goes back to; none for what is no change of a task.
    pub fn of_task(self) -> Option<OperationKind> {
        match self {
            Self::Task(kind) => Some(kind),
            _ => None,
        }
    }

    /// True where there was nothing before.
    pub(super) fn creates(self) -> bool {
        self.action() == OperationKind::Create.action()
    }

    /// True where nothing is left.
    pub(super) fn deletes(self) -> bool {
        self.action() == OperationKind::Delete.action()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> Vec<EventKind> {
        let names = ["created", "updated", "completed", "reopened", "deleted"];
        let of_tasks = names.map(|name| {
            let kind = EventKind::of_event_type(&format!("todo.task.{name}"));
            assert_eq!(kind.map(EventKind::action), Some(name));
            kind.unwrap()
        });
        let others = OTHERS.into_iter().map(|(kind, _)| kind);
        of_tasks.into_iter().chain(others).collect()
    }

    #[test]
    fn every_kind_has_a_type_of_its_own() {
        let kinds = all();
        for kind in &kinds {
            assert_eq!(EventKind::of_event_type(kind.event_type()), Some(*kind));
        }
        assert_eq!(kinds.len(), 16);
        assert_eq!(EventKind::of_event_type("todo.task.settled"), None);
    }

    /// Both sides name each of them by hand.
    #[test]
    fn the_contract_knows_the_same_types_and_actions() {
        for kind in all() {
            let name = serde_json::json!(kind.event_type());
            let theirs: gauntlet_contract::EventType = serde_json::from_value(name).unwrap();
            assert_eq!(theirs.action(), kind.action(), "{kind:?}");
        }
    }

    #[test]
    fn a_ledger_from_before_other_entities_reads_back() {
        let read = |text: &str| serde_json::from_str::<EventKind>(text).unwrap();
        assert_eq!(
            read("\"complete\""),
            EventKind::Task(OperationKind::Complete)
        );
        for kind in all() {
            assert_eq!(read(&serde_json::to_string(&kind).unwrap()), kind);
        }
        let task = EventKind::Task(OperationKind::Reopen);
        assert_eq!(serde_json::to_string(&task).unwrap(), "\"reopen\"");
    }

    #[test]
    fn what_is_changed_is_what_the_type_names() {
        for kind in all() {
            let entity = kind
                .event_type()
                .split('.')
                .nth(1)
                .and_then(EntityKind::of_name);
            assert_eq!(kind.changes(), entity, "{kind:?}");
        }
    }
}
