use std::fmt::Debug;

use gauntlet_contract::config::{Broker, Role};
use gauntlet_contract::label::{CreateLabel, UpdateLabel};
use gauntlet_contract::problem::FieldError;
use gauntlet_contract::recurrence::{
    InstanceSettled, Mode, MonthEnd, NextInstance, Rule, Template, Weekday,
};
use gauntlet_contract::task::{AddTags, CompleteTask, CreateTask, Page, UpdateTask};
use gauntlet_contract::{
    AuditEntry, Entity, Envelope, EventData, EventId, EventType, Label, LabelEvent, LabelId,
    LabelKind, Occurrence, Priority, Problem, Recurrence, Series, SeriesEvent, SeriesId, Task,
    TaskEvent, TaskId, TaskStatus, Topic, TopicName, UserId,
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
        priority: Priority::Medium,
        due_date: None,
        time_zone: None,
        category_id: None,
        tags: Vec::new(),
        occurrence: None,
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
        priority: Priority::Urgent,
        due_date: Some(at(2_000_000)),
        time_zone: Some("Europe/Berlin".to_owned()),
        category_id: Some(LabelId(id(4))),
        tags: vec![LabelId(id(5)), LabelId(id(6))],
        occurrence: Some(Occurrence {
            series_id: SeriesId(id(7)),
            number: 3,
        }),
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

fn label() -> Label {
    Label {
        id: LabelId(id(5)),
        user_id: UserId(id(2)),
        kind: LabelKind::Tag,
        name: "home".to_owned(),
        color: "#ff8800".to_owned(),
        version: 1,
        created_at: at(0),
        updated_at: at(0),
    }
}

fn series() -> Series {
    Series {
        id: SeriesId(id(7)),
        user_id: UserId(id(2)),
        recurrence: Recurrence {
            rule: Rule::Weekly {
                interval: 2,
                days: vec![Weekday::Monday, Weekday::Thursday],
            },
            mode: Mode::OnSchedule,
            count: Some(10),
            until: Some("2026-12-31".parse().unwrap()),
        },
        start: "2025-10-09T10:53:22".parse().unwrap(),
        time_zone: "Europe/Berlin".to_owned(),
        next_occurrence: 4,
        latest_due_at: at(2_000_000),
        template: Template {
            title: "a".to_owned(),
            description: None,
            priority: Priority::Low,
            category_id: None,
            tags: vec![LabelId(id(5))],
        },
        ended_at: None,
        version: 1,
        created_at: at(0),
        updated_at: at(0),
    }
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

/// Types of events, each with data of the shape that belongs to it.
#[test]
fn events_of_labels_series_instances_and_the_trail() {
    let pinned = |kind, data, golden| {
        let event = Envelope::new(EventId(id(3)), "/todo/test", kind, at(1), data);
        assert_eq!(event.partitionkey, event.subject.to_string());
        pin(&event, golden);
    };
    let label = LabelEvent {
        label_id: LabelId(id(5)),
        user_id: UserId(id(2)),
        version: 1,
        old: None,
        new: Some(label()),
    };
    let golden = include_str!("../golden/event-tag-created.json");
    pinned(EventType::TagCreated, EventData::Label(label), golden);
    let series = SeriesEvent {
        series_id: SeriesId(id(7)),
        user_id: UserId(id(2)),
        version: 1,
        old: None,
        new: Some(series()),
    };
    let golden = include_str!("../golden/event-series-created.json");
    pinned(EventType::SeriesCreated, EventData::Series(series), golden);
    let settled = InstanceSettled {
        series_id: SeriesId(id(7)),
        number: 3,
        task_id: TaskId(id(1)),
        user_id: UserId(id(2)),
        settled_at: at(1),
    };
    let golden = include_str!("../golden/event-instance-settled.json");
    pinned(
        EventType::InstanceSettled,
        EventData::Settled(settled),
        golden,
    );
    let golden = include_str!("../golden/event-audit-recorded.json");
    pinned(
        EventType::AuditRecorded,
        EventData::Audit(audit_entry()),
        golden,
    );
}

#[test]
fn page_of_tasks() {
    let page = Page {
        items: vec![completed(), pending()],
        next_cursor: Some("opaque".to_owned()),
    };
    pin(&page, include_str!("../golden/page-of-tasks.json"));
}

fn audit_entry() -> AuditEntry {
    AuditEntry {
        seq: 7,
        event_id: EventId(id(3)),
        entity: Entity::Task,
        entity_id: TaskId(id(1)).into(),
        user_id: UserId(id(2)),
        action: EventType::TaskCreated.action().to_owned(),
        version: 1,
        old: None,
        new: Some(serde_json::to_value(pending()).unwrap()),
        occurred_at: at(1_500_001),
        recorded_at: at(1_600_000),
    }
}

#[test]
fn line_of_the_audit_trail() {
    let golden = include_str!("../golden/audit-entry.json");
    pin(&audit_entry(), golden);
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
        ..CreateTask::default()
    };
    pin(&create(None), r#"{"title":"a"}"#);
    pin(&create(Some("b")), r#"{"title":"a","description":"b"}"#);
    pin(&UpdateTask::default(), "{}");
    let clear = UpdateTask {
        title: None,
        description: Some(None),
        status: Some(TaskStatus::InProgress),
        ..UpdateTask::default()
    };
    pin(&clear, r#"{"description":null,"status":"in_progress"}"#);
    pin(&CompleteTask { completed: false }, r#"{"completed":false}"#);
    let tags = vec![LabelId(id(5))];
    pin(
        &AddTags { tags },
        r#"{"tags":["01990000-0000-7000-8000-000000000005"]}"#,
    );
    let label = CreateLabel {
        name: "a".to_owned(),
        color: None,
    };
    pin(&label, r#"{"name":"a"}"#);
    pin(&UpdateLabel::default(), "{}");
    let next = NextInstance {
        number: 2,
        settled_at: None,
    };
    pin(&next, r#"{"number":2}"#);
}

#[test]
fn every_field_of_a_new_task() {
    let create = CreateTask {
        title: "a".to_owned(),
        description: None,
        priority: Some(Priority::High),
        due_date: Some("2026-11-30T17:00".parse().unwrap()),
        time_zone: Some("Europe/Berlin".to_owned()),
        category_id: Some(LabelId(id(4))),
        tags: vec![LabelId(id(5))],
        recurrence: Some(Recurrence {
            rule: Rule::Daily { interval: 1 },
            mode: Mode::OnCompletion,
            count: None,
            until: None,
        }),
    };
    pin(&create, include_str!("../golden/create-task.json"));
}

#[test]
fn rules_of_recurrence() {
    let rules = [
        (
            Rule::Monthly {
                interval: 1,
                month_end: MonthEnd::Skip,
            },
            r#"{"frequency":"monthly","interval":1,"month_end":"skip"}"#,
        ),
        (
            Rule::Yearly {
                interval: 1,
                month_end: MonthEnd::Clamp,
            },
            r#"{"frequency":"yearly","interval":1,"month_end":"clamp"}"#,
        ),
        (
            Rule::Cron {
                expression: "0 9 * * 1-5".to_owned(),
            },
            r#"{"frequency":"cron","expression":"0 9 * * 1-5"}"#,
        ),
    ];
    for (rule, golden) in rules {
        pin(&rule, golden);
    }
}

#[test]
fn types_of_events() {
    let types = [
        (EventType::TaskCreated, "todo.task.created", "created"),
        (EventType::TaskUpdated, "todo.task.updated", "updated"),
        (EventType::TaskCompleted, "todo.task.completed", "completed"),
        (EventType::TaskReopened, "todo.task.reopened", "reopened"),
        (EventType::TaskDeleted, "todo.task.deleted", "deleted"),
        (EventType::TagCreated, "todo.tag.created", "created"),
        (EventType::TagUpdated, "todo.tag.updated", "updated"),
        (EventType::TagDeleted, "todo.tag.deleted", "deleted"),
        (
            EventType::CategoryCreated,
            "todo.category.created",
            "created",
        ),
        (
            EventType::CategoryUpdated,
            "todo.category.updated",
            "updated",
        ),
        (
            EventType::CategoryDeleted,
            "todo.category.deleted",
            "deleted",
        ),
        (EventType::SeriesCreated, "todo.series.created", "created"),
        (
            EventType::SeriesAdvanced,
            "todo.series.advanced",
            "advanced",
        ),
        (EventType::SeriesEnded, "todo.series.ended", "ended"),
        (
            EventType::InstanceSettled,
            "todo.recurrence.settled",
            "settled",
        ),
        (EventType::AuditRecorded, "todo.audit.recorded", "recorded"),
    ];
    for (kind, name, action) in types {
        pin(&kind, &format!("\"{name}\""));
        assert_eq!(kind.action(), action);
    }
}

#[test]
fn names() {
    for (status, name) in TaskStatus::ALL
        .into_iter()
        .zip(["pending", "in_progress", "completed"])
    {
        pin(&status, &format!("\"{name}\""));
        assert_eq!(status.as_str(), name);
        assert_eq!(TaskStatus::from_name(name), Some(status));
    }
    for (priority, name) in Priority::ALL
        .into_iter()
        .zip(["low", "medium", "high", "urgent"])
    {
        pin(&priority, &format!("\"{name}\""));
        assert_eq!(priority.as_str(), name);
        assert_eq!(Priority::from_name(name), Some(priority));
    }
    for (kind, name) in LabelKind::ALL.into_iter().zip(["tag", "category"]) {
        pin(&kind, &format!("\"{name}\""));
        assert_eq!(kind.as_str(), name);
        assert_eq!(LabelKind::from_name(name), Some(kind));
    }
    let entities = ["task", "tag", "category", "series"];
    for (entity, name) in Entity::ALL.into_iter().zip(entities) {
        pin(&entity, &format!("\"{name}\""));
        assert_eq!(entity.as_str(), name);
        assert_eq!(Entity::from_name(name), Some(entity));
    }
    for (role, name) in Role::ALL.into_iter().zip(["api", "recurring", "audit"]) {
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
