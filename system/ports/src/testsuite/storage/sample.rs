//! Rows and events to test with.

use gauntlet_contract::{
    Envelope, EventId, EventType, Task, TaskEvent, TaskId, TaskStatus, UserId,
};
use jiff::Timestamp;

use crate::storage::{Expected, TaskChange, TaskOutcome};

/// A pending task at version 1, with time stamps of microsecond precision.
pub fn task(user_id: UserId, title: &str) -> Task {
    let now = Timestamp::now();
    let now = Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now);
    Task {
        id: TaskId::generate(),
        user_id,
        title: title.to_owned(),
        description: None,
        status: TaskStatus::Pending,
        version: 1,
        created_at: now,
        updated_at: now,
        completed_at: None,
    }
}

/// The same task one version later under another title.
pub fn renamed(task: &Task, title: &str) -> Task {
    Task {
        title: title.to_owned(),
        version: task.version + 1,
        ..task.clone()
    }
}

/// The event that tells of a step between two states of a task, one of which must be there.
pub fn event(old: Option<&Task>, new: Option<&Task>) -> Envelope {
    let kind = match (old, new) {
        (None, _) => EventType::TaskCreated,
        (Some(_), None) => EventType::TaskDeleted,
        (Some(_), Some(_)) => EventType::TaskUpdated,
    };
    let task = new.or(old).expect("an event is about a task");
    let version = new.map_or(task.version + 1, |new| new.version);
    let data = TaskEvent {
        task_id: task.id,
        user_id: task.user_id,
        version,
        old: old.cloned(),
        new: new.cloned(),
    };
    Envelope::of_task(EventId::generate(), kind, task.updated_at, data)
}

/// The creation of a task.
pub fn creation(task: &Task) -> TaskChange {
    TaskChange {
        user_id: task.user_id,
        expected: Expected::Absent,
        events: vec![event(None, Some(task))],
        outcome: TaskOutcome::Put(task.clone()),
    }
}

/// The step from one state of a task to the next.
pub fn update(old: &Task, new: &Task) -> TaskChange {
    TaskChange {
        user_id: old.user_id,
        expected: Expected::Version(old.version),
        events: vec![event(Some(old), Some(new))],
        outcome: TaskOutcome::Put(new.clone()),
    }
}

/// The deletion of a task.
pub fn deletion(old: &Task) -> TaskChange {
    TaskChange {
        user_id: old.user_id,
        expected: Expected::Version(old.version),
        events: vec![event(Some(old), None)],
        outcome: TaskOutcome::Delete(old.id),
    }
}
