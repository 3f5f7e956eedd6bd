use gauntlet_contract::{Envelope, EventType, Task, TaskEvent, TaskStatus};
use jiff::Timestamp;

use crate::command::{Change, Command, Decision, Edit, Ids, Outcome, Rejection, Violation};
use crate::text;

/// Decides a command on the state of its task, which is none when the task does not exist.
///
/// Each change raises the version by 1 and has exactly one event; a command that changes nothing
/// has none. `now` is cut to microseconds, the precision of the store, so that a row and the event
/// that tells of it are equal to the last digit.
pub fn decide(
    state: Option<&Task>,
    command: Command,
    now: Timestamp,
    ids: Ids,
) -> Result<Decision, Rejection> {
    let now = to_micros(now);
    match command {
        Command::Create { title, description } => {
            if state.is_some() {
                return Err(Rejection::AlreadyExists);
            }
            let task = create(&title, description.as_deref(), now, ids)?;
            Ok(put(None, task, ids))
        }
        Command::Update(edit) => {
            let old = state.ok_or(Rejection::NotFound)?;
            let new = update(old, edit)?;
            Ok(changed(old, new, now, ids))
        }
        Command::Complete => {
            let old = state.ok_or(Rejection::NotFound)?;
            let mut new = old.clone();
            new.status = TaskStatus::Completed;
            Ok(changed(old, new, now, ids))
        }
        Command::Reopen => {
            let old = state.ok_or(Rejection::NotFound)?;
            // What is in progress was never completed and stays in progress.
            let mut new = old.clone();
            if old.status == TaskStatus::Completed {
                new.status = TaskStatus::Pending;
            }
            Ok(changed(old, new, now, ids))
        }
        // The event carries the last state: afterwards nobody can look it up.
        Command::Delete => {
            let old = state.ok_or(Rejection::NotFound)?;
            Ok(delete(old, now, ids))
        }
    }
}

/// The title and description are checked before anything is refused, so that a client hears of
/// every violation at once.
fn create(
    title: &str,
    description: Option<&str>,
    now: Timestamp,
    ids: Ids,
) -> Result<Task, Rejection> {
    let mut violations = Vec::new();
    let title = text::title(title, &mut violations);
    let description = description.map(|raw| text::description(raw, &mut violations));
    refuse_if_any(violations)?;
    Ok(Task {
        id: ids.task_id,
        user_id: ids.user_id,
        title,
        description,
        status: TaskStatus::Pending,
        version: 1,
        created_at: now,
        updated_at: now,
        completed_at: None,
    })
}

/// The fields as they would be. Whether that is a change at all is for [`changed`] to see.
fn update(old: &Task, edit: Edit) -> Result<Task, Rejection> {
    let mut violations = Vec::new();
    let mut new = old.clone();
    if let Some(raw) = edit.title {
        new.title = text::title(&raw, &mut violations);
    }
    if let Some(raw) = edit.description {
        new.description = raw.map(|raw| text::description(&raw, &mut violations));
    }
    if let Some(status) = edit.status {
        new.status = status;
    }
    refuse_if_any(violations)?;
    Ok(new)
}

/// Settles what follows from the fields that a command set: version, times and the event.
fn changed(old: &Task, mut new: Task, now: Timestamp, ids: Ids) -> Decision {
    if new == *old {
        return Decision::Unchanged(new);
    }
    new.version = old.version + 1;
    // Clocks step back; a task's own history must not.
    new.updated_at = now.max(old.updated_at);
    new.completed_at = match (old.status, new.status) {
        (TaskStatus::Completed, TaskStatus::Completed) => old.completed_at,
        (_, TaskStatus::Completed) => Some(new.updated_at),
        _ => None,
    };
    put(Some(old), new, ids)
}

fn put(old: Option<&Task>, new: Task, ids: Ids) -> Decision {
    let event = TaskEvent {
        task_id: new.id,
        user_id: new.user_id,
        version: new.version,
        old: old.cloned(),
        new: Some(new.clone()),
    };
    let kind = kind_of(old, &new);
    Decision::Changed(Box::new(Change {
        expected_version: old.map(|old| old.version),
        event: Envelope::of_task(ids.event_id, kind, new.updated_at, event),
        outcome: Outcome::Put(new),
    }))
}

/// A deletion raises the version too: the trail and every cache order it behind the last change.
fn delete(old: &Task, now: Timestamp, ids: Ids) -> Decision {
    let event = TaskEvent {
        task_id: old.id,
        user_id: old.user_id,
        version: old.version + 1,
        old: Some(old.clone()),
        new: None,
    };
    let time = now.max(old.updated_at);
    Decision::Changed(Box::new(Change {
        expected_version: Some(old.version),
        event: Envelope::of_task(ids.event_id, EventType::TaskDeleted, time, event),
        outcome: Outcome::Delete(old.id),
    }))
}

/// One event tells of a change, however many fields it touched: a step into or out of completion
/// names it, because that is what other services act on.
fn kind_of(old: Option<&Task>, new: &Task) -> EventType {
    let was_completed = old.map(|old| old.status == TaskStatus::Completed);
    match (was_completed, new.status == TaskStatus::Completed) {
        (None, _) => EventType::TaskCreated,
        (Some(false), true) => EventType::TaskCompleted,
        (Some(true), false) => EventType::TaskReopened,
        _ => EventType::TaskUpdated,
    }
}

fn refuse_if_any(violations: Vec<Violation>) -> Result<(), Rejection> {
    if violations.is_empty() {
        Ok(())
    } else {
        Err(Rejection::Invalid(violations))
    }
}

fn to_micros(time: Timestamp) -> Timestamp {
    // Dropping digits cannot leave the range that `time` is in.
    Timestamp::from_microsecond(time.as_microsecond()).unwrap_or(time)
}
