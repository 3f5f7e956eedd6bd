use std::fmt::Debug;

use gauntlet_contract::config::{Broker, Role};
use gauntlet_contract::problem::FieldError;
use gauntlet_contract::task::{AuditEntry, CompleteTask, CreateTask, Page, UpdateTask};
use gauntlet_contract::{
    Envelope, EventId, EventType, Problem, Task, TaskEvent, TaskId, TaskStatus, Topic, TopicName,
    UserId,
};
use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

fn id(last: u128) -> Uuid {
    Uuid::from_u128(0x0199_0000_0000_7000_8000_0000_0000_0000 + last)
}

fn at(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(1_760_000_000_000_000 + micros).unwrap()
}

pub(crate) fn pending() -> Task {
    Task {
        id: TaskId(id(1)),
        user_id: UserId(id(2)),
        title: "buy \"milk\" & Käse 🦀".to_owned(),
        description: None,
        status: TaskStatus::Pending,
        version: 1,
        created_at: at(0),
        updated_at: at(0),
        completed_at: None,
    }
}

fn completed() -> Task {
    Task {
        description: Some("two\nlines".to_owned()),
        status: TaskStatus::Completed,
        version: 2,
        updated_at: at(1_500_000),
        completed_at: Some(at(1_500_000)),
        ..pending()
    }
}

fn envelope(kind: EventType, version: u64, old: Option<Task>, new: Option<Task>) -> Envelope {
    let data = TaskEvent {
        task_id: TaskId(id(1)),
        user_id: UserId(id(2)),
        version,
        old,
        new,
    };
    Envelope::of_task(EventId(id(3)), kind, at(1_500_001), data)
}

/// Encodes to exactly the golden bytes (their final line break apart), and decodes to the value.
fn pin<T>(value: &T, golden: &str)
where
    T: Serialize + DeserializeOwned + PartialEq + Debug,
{
    let golden = golden.trim_end_matches('\n');
    assert_eq!(serde_json::to_string(value).unwrap(), golden);
    assert_eq!(serde_json::from_str::<T>(golden).unwrap(), *value);
}

#[test]
fn event_of_a_creation() {
    let event = envelope(EventType::TaskCreated, 1, None, Some(pending()));
    pin(&event, include_str!("../golden/event-created.json"));
}

#[test]
fn event_of_a_completion_with_a_trace() {
    let mut event = envelope(
        EventType::TaskCompleted,
        2,
        Some(pending()),
        Some(completed()),
    );
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    event.traceparent = Some(trace.to_owned());
    pin(&event, include_str!("../golden/event-completed.json"));
}

#[test]
fn event_of_a_deletion() {
    let event = envelope(EventType::TaskDeleted, 3, Some(completed()), None);
    pin(&event, include_str!("../golden/event-deleted.json"));
}

#[test]
fn page_of_tasks() {
    let page = Page {
        items: vec![completed(), pending()],
        next_cursor: Some("opaque".to_owned()),
    };
    pin(&page, include_str!("../golden/page-of-tasks.json"));
}

#[test]
fn line_of_the_audit_trail() {
    let entry = AuditEntry {
        seq: 7,
        event_id: EventId(id(3)),
        task_id: TaskId(id(1)),
        user_id: UserId(id(2)),
        action: EventType::TaskCreated.action().to_owned(),
        task_version: 1,
        old: None,
        new: Some(pending()),
        occurred_at: at(1_500_001),
        recorded_at: at(1_600_000),
    };
    pin(&entry, include_str!("../golden/audit-entry.json"));
}

#[test]
fn problem_with_fields() {
    let problem = Problem {
        kind: "/problems/invalid".to_owned(),
        title: "Invalid request".to_owned(),
        status: 422,
        detail: "see errors".to_owned(),
        errors: vec![FieldError {
            field: "title".to_owned(),
            detail: "must have 1 to 200 characters, has 0".to_owned(),
        }],
    };
    pin(&problem, include_str!("../golden/problem.json"));
}

#[test]
fn bodies_of_requests() {
    let create = |description: Option<&str>| CreateTask {
        title: "a".to_owned(),
        description: description.map(str::to_owned),
    };
    pin(&create(None), r#"{"title":"a"}"#);
    pin(&create(Some("b")), r#"{"title":"a","description":"b"}"#);
    pin(&UpdateTask::default(), "{}");
    let clear = UpdateTask {
        title: None,
        description: Some(None),
        status: Some(TaskStatus::InProgress),
    };
    pin(&clear, r#"{"description":null,"status":"in_progress"}"#);
    pin(&CompleteTask { completed: false }, r#"{"completed":false}"#);
}

#[test]
fn names() {
    let types = [
        (EventType::TaskCreated, "todo.task.created", "created"),
        (EventType::TaskUpdated, "todo.task.updated", "updated"),
        (EventType::TaskCompleted, "todo.task.completed", "completed"),
        (EventType::TaskReopened, "todo.task.reopened", "reopened"),
        (EventType::TaskDeleted, "todo.task.deleted", "deleted"),
    ];
    for (kind, name, action) in types {
        pin(&kind, &format!("\"{name}\""));
        assert_eq!(kind.action(), action);
    }
    for (status, name) in TaskStatus::ALL
        .into_iter()
        .zip(["pending", "in_progress", "completed"])
    {
        pin(&status, &format!("\"{name}\""));
        assert_eq!(status.as_str(), name);
        assert_eq!(TaskStatus::from_name(name), Some(status));
    }
    for (role, name) in Role::ALL.into_iter().zip(["api", "audit"]) {
        pin(&role, &format!("\"{name}\""));
        assert_eq!(role.as_str(), name);
    }
    for (broker, name) in [(Broker::Kafka, "kafka"), (Broker::Redis, "redis")] {
        pin(&broker, &format!("\"{name}\""));
    }
}

#[test]
fn topics() {
    let names = [
        "task-events",
        "task-reminders",
        "task-recurrence",
        "notification-events",
        "audit-logs",
    ];
    for (topic, name) in Topic::ALL.into_iter().zip(names) {
        pin(&topic, &format!("\"{name}\""));
        assert_eq!(topic.as_str(), name);
    }
    let name = TopicName::new("lane.", Topic::TaskEvents);
    pin(&name, "\"lane.task-events\"");
    assert_eq!(name.dead_letter().as_str(), "lane.task-events-dlq");
    assert_eq!(TopicName::from_stored("lane.task-events".to_owned()), name);
}
