use gauntlet_contract::{Envelope, EventId, EventType, Task, TaskEvent, TaskId, UserId};

use crate::testsuite::storage::sample;

/// An event that brings a task to `version`, as the api role would write it.
pub fn task_event(task_id: TaskId, version: u64) -> Envelope {
    let user_id = UserId::generate();
    let task = Task {
        id: task_id,
        version,
        ..sample::task(user_id, &format!("version {version}"))
    };
    let kind = if version == 1 {
        EventType::TaskCreated
    } else {
        EventType::TaskUpdated
    };
    let time = task.updated_at;
    let data = TaskEvent {
        task_id,
        user_id,
        version,
        old: None,
        new: Some(task),
    };
    Envelope::of_task(EventId::generate(), kind, time, data)
}
