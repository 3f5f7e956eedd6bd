use gauntlet_contract::recurrence::InstanceSettled;
use gauntlet_contract::{EventData, EventType, LabelId, Task, TaskEvent, TaskStatus};
use jiff::{SignedDuration, Timestamp};

use crate::change::{Change, Decision, Fact, Rejection, Row, Violation, refuse_if_any, to_micros};
use crate::command::{Command, Edit, Ids, NewTask};
use crate::due::{self, Due, NewDate};
use crate::{series, tags, text};

/// Decides a command on the state of its task, which is none when the task does not exist.
///
/// Each change raises the version by 1 and has exactly one event of the task; a command that changes
/// nothing has none. `now` is cut to microseconds, the precision of the store.
pub fn decide(
    state: Option<&Task>,
    command: Command,
    now: Timestamp,
    ids: Ids,
) -> Result<Decision<Task>, Rejection> {
    let now = to_micros(now);
    match (command, state) {
        (Command::Create(_), Some(_)) => Err(Rejection::AlreadyExists),
        (Command::Create(new), None) => create(new, now, ids),
        (_, None) => Err(Rejection::NotFound),
        (Command::Update(edit), Some(old)) => Ok(changed(old, update(old, edit)?, now)),
        (Command::AddTags(added), Some(old)) => add_tags(old, &added, now),
        (Command::RemoveTag(tag), Some(old)) => {
            let mut new = old.clone();
            new.tags.retain(|kept| *kept != tag);
            Ok(changed(old, new, now))
        }
        (Command::Complete, Some(old)) => Ok(changed(old, at(old, TaskStatus::Completed), now)),
        // What is in progress was never completed and stays in progress.
        (Command::Reopen, Some(old)) if old.status != TaskStatus::Completed => {
            Ok(Decision::Unchanged(old.clone()))
        }
        (Command::Reopen, Some(old)) => Ok(changed(old, at(old, TaskStatus::Pending), now)),
        // The event carries the last state: afterwards nobody can look it up.
        (Command::Delete, Some(old)) => Ok(delete(old, now)),
    }
}

fn at(old: &Task, status: TaskStatus) -> Task {
    Task {
        status,
        ..old.clone()
    }
}

/// Everything is checked before anything is refused, so that a client hears of every violation at once.
fn create(new: NewTask, now: Timestamp, ids: Ids) -> Result<Decision<Task>, Rejection> {
    let mut violations = Vec::new();
    let title = text::title(&new.title, &mut violations);
    let description = new
        .description
        .map(|raw| text::description(&raw, &mut violations));
    let due = due::given(new.due_date, new.time_zone.as_deref(), &mut violations);
    let tags = tags::set(new.tags, &mut violations);
    let begun = new
        .recurrence
        .and_then(|recurrence| series::first(recurrence, due.as_ref(), now, &mut violations));
    refuse_if_any(violations)?;
    let mut task = Task {
        id: ids.task_id,
        user_id: ids.user_id,
        title,
        description,
        status: TaskStatus::Pending,
        priority: new.priority,
        due_date: due.as_ref().map(|due| due.at),
        time_zone: due.map(|due| due.zone),
        category_id: new.category_id,
        tags,
        occurrence: None,
        version: 1,
        created_at: now,
        updated_at: now,
        completed_at: None,
    };
    let begun = begun.map(|begun| begun.with(&mut task, ids.series_id, now));
    let mut change = put(None, task);
    if let Some((row, fact)) = begun {
        change.rows.push(row);
        change.facts.push(fact);
    }
    Ok(change.decided())
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
    if let Some(tags) = edit.tags {
        new.tags = tags::set(tags, &mut violations);
    }
    let zone = edit.time_zone.as_deref();
    let date = match edit.due_date {
        None => NewDate::Kept,
        Some(None) => NewDate::Cleared,
        Some(Some(date)) => NewDate::Set(date),
    };
    let due = due::edited(due_of(old), date, zone, &mut violations);
    refuse_if_any(violations)?;
    new.status = edit.status.unwrap_or(old.status);
    new.priority = edit.priority.unwrap_or(old.priority);
    new.category_id = edit.category_id.unwrap_or(old.category_id);
    new.due_date = due.as_ref().map(|due| due.at);
    new.time_zone = due.map(|due| due.zone);
    Ok(new)
}

fn add_tags(old: &Task, added: &[LabelId], now: Timestamp) -> Result<Decision<Task>, Rejection> {
    let mut violations = Vec::new();
    let mut new = old.clone();
    let all = old.tags.iter().chain(added).copied().collect();
    new.tags = tags::set(all, &mut violations);
    if added.is_empty() {
        violations.push(Violation::new("tags", "must name at least one tag"));
    }
    refuse_if_any(violations)?;
    Ok(changed(old, new, now))
}

pub(crate) fn due_of(task: &Task) -> Option<Due> {
    Some(Due {
        at: task.due_date?,
        zone: task.time_zone.clone()?,
        moved_by: SignedDuration::ZERO,
    })
}

/// Settles what follows from the fields that a command set: version, times and the event.
pub(crate) fn changed(old: &Task, mut new: Task, now: Timestamp) -> Decision<Task> {
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
    put(Some(old), new).decided()
}

pub(crate) fn put(old: Option<&Task>, new: Task) -> Change<Task> {
    let kind = kind_of(old, &new);
    let event = TaskEvent {
        task_id: new.id,
        user_id: new.user_id,
        version: new.version,
        old: old.cloned(),
        new: Some(new.clone()),
    };
    let mut facts = vec![Fact {
        kind,
        time: new.updated_at,
        data: EventData::Task(event),
    }];
    if kind == EventType::TaskCompleted {
        facts.extend(settled(&new, new.updated_at));
    }
    Change {
        rows: vec![Row::PutTask(old.map(|old| old.version), new.clone())],
        facts,
        after: Some(new),
    }
}

/// A deletion raises the version too: the trail and every cache order it behind the last change.
fn delete(old: &Task, now: Timestamp) -> Decision<Task> {
    let time = now.max(old.updated_at);
    let event = TaskEvent {
        task_id: old.id,
        user_id: old.user_id,
        version: old.version + 1,
        old: Some(old.clone()),
        new: None,
    };
    let mut facts = vec![Fact {
        kind: EventType::TaskDeleted,
        time,
        data: EventData::Task(event),
    }];
    facts.extend(settled(old, time));
    Change {
        rows: vec![Row::DeleteTask(old.version, old.id)],
        facts,
        after: None,
    }
    .decided()
}

/// What tells that the next instance may be due, for an instance of a series.
fn settled(task: &Task, settled_at: Timestamp) -> Option<Fact> {
    let occurrence = task.occurrence?;
    Some(Fact {
        kind: EventType::InstanceSettled,
        time: settled_at,
        data: EventData::Settled(InstanceSettled {
            series_id: occurrence.series_id,
            number: occurrence.number,
            task_id: task.id,
            user_id: task.user_id,
            settled_at,
        }),
    })
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
