use std::fmt::{self, Debug};

use futures::future::BoxFuture;
use gauntlet_contract::EventType;
use gauntlet_harness::stack::Mode;

use super::stage::Stage;
use super::surprise::Checked;

/// What a case hits, by the ids of the requirements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Feature {
    T1,
    T2,
    T3,
    T4,
    T6,
    T7,
    T8,
    T9,
    T13,
    E1,
    E2,
    D1,
    D2,
    D3,
    D4,
}

impl Feature {
    pub const ALL: [Feature; 15] = [
        Feature::T1,
        Feature::T2,
        Feature::T3,
        Feature::T4,
        Feature::T6,
        Feature::T7,
        Feature::T8,
        Feature::T9,
        Feature::T13,
        Feature::E1,
        Feature::E2,
        Feature::D1,
        Feature::D2,
        Feature::D3,
        Feature::D4,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Feature::T1 => "T1",
            Feature::T2 => "T2",
            Feature::T3 => "T3",
            Feature::T4 => "T4",
            Feature::T6 => "T6",
            Feature::T7 => "T7",
            Feature::T8 => "T8",
            Feature::T9 => "T9",
            Feature::T13 => "T13",
            Feature::E1 => "E1",
            Feature::E2 => "E2",
            Feature::D1 => "D1",
            Feature::D2 => "D2",
            Feature::D3 => "D3",
            Feature::D4 => "D4",
        }
    }
}

/// Every type of event that there is in this slice of the system.
pub const EVENTS: [EventType; 16] = [
    EventType::TaskCreated,
    EventType::TaskUpdated,
    EventType::TaskCompleted,
    EventType::TaskReopened,
    EventType::TaskDeleted,
    EventType::TagCreated,
    EventType::TagUpdated,
    EventType::TagDeleted,
    EventType::CategoryCreated,
    EventType::CategoryUpdated,
    EventType::CategoryDeleted,
    EventType::SeriesCreated,
    EventType::SeriesAdvanced,
    EventType::SeriesEnded,
    EventType::InstanceSettled,
    EventType::AuditRecorded,
];

/// The `type` attribute of the event.
pub fn type_of(event: EventType) -> &'static str {
    match event {
        EventType::TaskCreated => "todo.task.created",
        EventType::TaskUpdated => "todo.task.updated",
        EventType::TaskCompleted => "todo.task.completed",
        EventType::TaskReopened => "todo.task.reopened",
        EventType::TaskDeleted => "todo.task.deleted",
        EventType::TagCreated => "todo.tag.created",
        EventType::TagUpdated => "todo.tag.updated",
        EventType::TagDeleted => "todo.tag.deleted",
        EventType::CategoryCreated => "todo.category.created",
        EventType::CategoryUpdated => "todo.category.updated",
        EventType::CategoryDeleted => "todo.category.deleted",
        EventType::SeriesCreated => "todo.series.created",
        EventType::SeriesAdvanced => "todo.series.advanced",
        EventType::SeriesEnded => "todo.series.ended",
        EventType::InstanceSettled => "todo.recurrence.settled",
        EventType::AuditRecorded => "todo.audit.recorded",
    }
}

/// What a case does.
pub(super) type Act = fn(Stage) -> BoxFuture<'static, Checked<()>>;

/// A user's doings, and what must come of them.
#[derive(Clone, Copy)]
pub struct Case {
    pub name: &'static str,
    pub features: &'static [Feature],
    /// Types of the events that it brings about, these and no others; `todo.audit.recorded`, which follows
    /// from each of them, is not named.
    pub events: &'static [EventType],
    pub(super) act: Act,
}

impl Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Case")
            .field("name", &self.name)
            .field("features", &self.features)
            .field("events", &self.events)
            .finish_non_exhaustive()
    }
}

/// A case that is played otherwise on one lane, to see whether a comparison notices.
#[derive(Clone, Copy, Debug)]
pub struct Control {
    pub case: Case,
    /// Whose last lane is asked something else.
    pub mode: Mode,
}

/// Writes down a case: its name, what it hits, the events that it leaves, and the function that plays it.
/// Further arguments of that function stand behind the stage's place.
macro_rules! case {
    ($name:literal, [$($feature:ident)*], [$($event:ident)*], $act:ident $(, $argument:expr)* $(,)?) => {
        $crate::blackbox::case::Case {
            name: $name,
            features: &[$($crate::blackbox::case::Feature::$feature),*],
            events: &[$(gauntlet_contract::EventType::$event),*],
            act: |stage| Box::pin($act(stage $(, $argument)*)),
        }
    };
}
pub(super) use case;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_spelt_as_on_the_wire() {
        for event in EVENTS {
            let spelt = serde_json::to_value(event).expect("JSON");
            assert_eq!(spelt, type_of(event));
        }
    }
}
