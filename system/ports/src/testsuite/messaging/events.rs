use gauntlet_contract::{
    Envelope, EventId, EventType, Task, TaskEvent, TaskId, TaskStatus, UserId,
};
use jiff::Timestamp;

/// An event that brings a task to `version`, as the api role would write it.
pub fn task_event(task_id: TaskId, version: u64) -> Envelope {
    let now = Timestamp::now();
    let user_id = UserId::generate();
    let task = Task {
        id: task_id,
        user_id,
        title: format!("version {version}"),
        description: None,
        status: TaskStatus::Pending,
        version,
        created_at: now,
        updated_at: now,
        completed_at: None,
    };
    let kind = if version == 1 {
        EventType::TaskCreated
    } else {
        EventType::TaskUpdated
    };
    let data = TaskEvent {
        task_id,
        user_id,
        version,
        old: None,
        new: Some(task),
    };
    Envelope::of_task(EventId::generate(), kind, now, data)
}
