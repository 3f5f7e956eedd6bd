//! What the examples share.

use gauntlet_contract::{EventData, SeriesId, Task, TaskEvent, TaskId, UserId};
use gauntlet_domain::{Change, Command, Decision, Ids, NewTask, Rejection, decide};
use jiff::Timestamp;

pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

pub(crate) fn ids() -> Ids {
    Ids {
        task_id: TaskId::generate(),
        user_id: UserId::generate(),
        series_id: SeriesId::generate(),
    }
}

pub(crate) fn change<T: std::fmt::Debug>(decision: Decision<T>) -> Change<T> {
    match decision {
        Decision::Changed(change) => *change,
        Decision::Unchanged(state) => panic!("nothing changed: {state:?}"),
    }
}

pub(crate) fn new_task(title: &str) -> Command {
    Command::Create(NewTask {
        title: title.to_owned(),
        ..NewTask::default()
    })
}

/// A task called "buy milk", created at second 100.
pub(crate) fn created(ids: Ids) -> Task {
    let created = decide(None, new_task("  buy milk "), at(100), ids).unwrap();
    change(created).after.unwrap()
}

/// The one event of the task among those of a change.
pub(crate) fn the_event(change: &Change<Task>) -> &TaskEvent {
    let mut events = change.facts.iter().filter_map(|fact| match &fact.data {
        EventData::Task(event) => Some(event),
        _ => None,
    });
    let event = events.next().unwrap();
    assert!(
        events.next().is_none(),
        "a change has one event of its task"
    );
    event
}

pub(crate) fn fields(rejection: &Rejection) -> Vec<&'static str> {
    match rejection {
        Rejection::Invalid(violations) => violations.iter().map(|v| v.field).collect(),
        other => panic!("refused otherwise: {other}"),
    }
}
