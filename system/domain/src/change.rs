use gauntlet_contract::{
    EventData, EventType, Label, LabelId, LabelKind, Series, SeriesEvent, Task, TaskId,
};
use jiff::Timestamp;

/// The answer to a command that is allowed; `T` is what the command was about.
#[derive(Clone, Debug, PartialEq)]
pub enum Decision<T> {
    /// It is as the command wants it already: nothing to write, no event.
    Unchanged(T),
    Changed(Box<Change<T>>),
}

/// Rows and the facts that tell of them, to be committed together or not at all.
#[derive(Clone, Debug, PartialEq)]
pub struct Change<T> {
    pub rows: Vec<Row>,
    pub facts: Vec<Fact>,
    /// What the command was about, as it is then; none when it was deleted.
    pub after: Option<T>,
}

/// A row as it is to be, and the version that the decision rests on; none when it must not exist yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Row {
    PutTask(Option<u64>, Task),
    DeleteTask(u64, TaskId),
    PutLabel(Option<u64>, Label),
    DeleteLabel(u64, LabelKind, LabelId),
    PutSeries(Option<u64>, Series),
}

/// An event that has not got its id yet.
#[derive(Clone, Debug, PartialEq)]
pub struct Fact {
    pub kind: EventType,
    pub time: Timestamp,
    pub data: EventData,
}

/// Why a command is refused. Nothing changes then.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    #[error("no such thing")]
    NotFound,
    #[error("it exists already")]
    AlreadyExists,
    #[error("invalid fields: {}", fields(.0))]
    Invalid(Vec<Violation>),
}

/// What is wrong with one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// As the body of the request names it, e.g. `recurrence.rule.interval`.
    pub field: &'static str,
    pub detail: String,
}

impl Violation {
    pub(crate) fn new(field: &'static str, detail: impl Into<String>) -> Self {
        Self {
            field,
            detail: detail.into(),
        }
    }
}

impl<T> Change<T> {
    pub(crate) fn decided(self) -> Decision<T> {
        Decision::Changed(Box::new(self))
    }
}

/// The step of a series from one state to another, as row and fact.
pub(crate) fn series_step(old: Option<&Series>, new: Series) -> (Row, Fact) {
    let kind = match old {
        None => EventType::SeriesCreated,
        Some(_) if new.ended_at.is_some() => EventType::SeriesEnded,
        Some(_) => EventType::SeriesAdvanced,
    };
    let event = SeriesEvent {
        series_id: new.id,
        user_id: new.user_id,
        version: new.version,
        old: old.cloned(),
        new: Some(new.clone()),
    };
    let fact = Fact {
        kind,
        time: new.updated_at,
        data: EventData::Series(event),
    };
    (Row::PutSeries(old.map(|old| old.version), new), fact)
}

pub(crate) fn refuse_if_any(violations: Vec<Violation>) -> Result<(), Rejection> {
    if violations.is_empty() {
        Ok(())
    } else {
        Err(Rejection::Invalid(violations))
    }
}

/// Cut to microseconds, the precision of the store, so that a row and the event that tells of it are equal
/// to the last digit.
pub(crate) fn to_micros(time: Timestamp) -> Timestamp {
    // Dropping digits cannot leave the range that `time` is in.
    Timestamp::from_microsecond(time.as_microsecond()).unwrap_or(time)
}

fn fields(violations: &[Violation]) -> String {
    let names: Vec<_> = violations.iter().map(|v| v.field).collect();
    names.join(", ")
}
