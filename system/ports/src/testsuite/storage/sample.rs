//! Rows, events and commits to test with.

use std::time::Duration;

use gauntlet_contract::recurrence::{Mode, MonthEnd, Rule, Template};
use gauntlet_contract::{
    Entity, Envelope, EventData, EventId, EventType, Label, LabelEvent, LabelId, LabelKind,
    Occurrence, Priority, Recurrence, Series, SeriesEvent, SeriesId, Task, TaskEvent, TaskId,
    TaskStatus, UserId, envelope, label,
};
use jiff::{Timestamp, civil};

use crate::storage::{Commit, Expected, KeyedAnswer, OutboxEntry, RowChange, Sent, StoredAnswer};

/// Now, in the microseconds that stores keep.
pub fn now() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now)
}

/// A pending task at version 1, with time stamps of microsecond precision.
pub fn task(user_id: UserId, title: &str) -> Task {
    let now = now();
    Task {
        id: TaskId::generate(),
        user_id,
        title: title.to_owned(),
        description: None,
        status: TaskStatus::Pending,
        priority: Priority::default(),
        due_date: None,
        time_zone: None,
        category_id: None,
        tags: Vec::new(),
        occurrence: None,
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
pub fn creation(task: &Task) -> Commit {
    let row = RowChange::PutTask(Expected::Absent, task.clone());
    one(task.user_id, row, event(None, Some(task)))
}

/// The step from one state of a task to the next.
pub fn update(old: &Task, new: &Task) -> Commit {
    let row = RowChange::PutTask(Expected::Version(old.version), new.clone());
    one(old.user_id, row, event(Some(old), Some(new)))
}

/// The deletion of a task.
pub fn deletion(old: &Task) -> Commit {
    let row = RowChange::DeleteTask(old.version, old.id);
    one(old.user_id, row, event(Some(old), None))
}

/// A label at version 1.
pub fn label(user_id: UserId, kind: LabelKind, name: &str) -> Label {
    let now = now();
    Label {
        id: LabelId::generate(),
        user_id,
        kind,
        name: name.to_owned(),
        color: label::COLOR_DEFAULT.to_owned(),
        version: 1,
        created_at: now,
        updated_at: now,
    }
}

/// The same label one version later under another name.
pub fn relabelled(label: &Label, name: &str) -> Label {
    Label {
        name: name.to_owned(),
        version: label.version + 1,
        ..label.clone()
    }
}

/// The creation of a label.
pub fn label_creation(label: &Label) -> Commit {
    let row = RowChange::PutLabel(Expected::Absent, label.clone());
    one(label.user_id, row, label_event(None, Some(label)))
}

/// The step from one state of a label to the next.
pub fn label_update(old: &Label, new: &Label) -> Commit {
    let row = RowChange::PutLabel(Expected::Version(old.version), new.clone());
    one(old.user_id, row, label_event(Some(old), Some(new)))
}

/// The deletion of a label.
pub fn label_deletion(old: &Label) -> Commit {
    let row = RowChange::DeleteLabel(old.version, old.kind, old.id);
    one(old.user_id, row, label_event(Some(old), None))
}

/// Like [`event`], of a label.
pub fn label_event(old: Option<&Label>, new: Option<&Label>) -> Envelope {
    let label = new.or(old).expect("an event is about a label");
    let kind = match (Entity::from(label.kind), old, new) {
        (Entity::Tag, None, _) => EventType::TagCreated,
        (Entity::Tag, Some(_), None) => EventType::TagDeleted,
        (Entity::Tag, Some(_), Some(_)) => EventType::TagUpdated,
        (_, None, _) => EventType::CategoryCreated,
        (_, Some(_), None) => EventType::CategoryDeleted,
        (_, Some(_), Some(_)) => EventType::CategoryUpdated,
    };
    let data = EventData::Label(LabelEvent {
        label_id: label.id,
        user_id: label.user_id,
        version: new.map_or(label.version + 1, |new| new.version),
        old: old.cloned(),
        new: new.cloned(),
    });
    wrapped(kind, label.updated_at, data)
}

/// A monthly series at version 1 whose first instance is due on 31 January 2026, at nine in Berlin.
pub fn series(user_id: UserId, mode: Mode) -> Series {
    let now = now();
    let start = civil::date(2026, 1, 31).at(9, 0, 0, 0);
    let due = start.in_tz("Europe/Berlin").expect("a zone that there is");
    Series {
        id: SeriesId::generate(),
        user_id,
        recurrence: Recurrence {
            rule: Rule::Monthly {
                interval: 1,
                month_end: MonthEnd::Clamp,
            },
            mode,
            count: Some(12),
            until: Some(civil::date(2027, 6, 30)),
        },
        start,
        time_zone: "Europe/Berlin".to_owned(),
        next_occurrence: 2,
        latest_due_at: due.timestamp(),
        template: Template {
            title: "pay the rent".to_owned(),
            description: Some("by transfer".to_owned()),
            priority: Priority::High,
            category_id: None,
            tags: Vec::new(),
        },
        ended_at: None,
        version: 1,
        created_at: now,
        updated_at: now,
    }
}

/// The creation of a series.
pub fn series_creation(series: &Series) -> Commit {
    let row = RowChange::PutSeries(Expected::Absent, series.clone());
    one(series.user_id, row, series_event(None, series))
}

/// The step from one state of a series to the next.
pub fn series_update(old: &Series, new: &Series) -> Commit {
    let row = RowChange::PutSeries(Expected::Version(old.version), new.clone());
    one(old.user_id, row, series_event(Some(old), new))
}

fn series_event(old: Option<&Series>, new: &Series) -> Envelope {
    let kind = match old {
        None => EventType::SeriesCreated,
        Some(_) => EventType::SeriesAdvanced,
    };
    let data = EventData::Series(SeriesEvent {
        series_id: new.id,
        user_id: new.user_id,
        version: new.version,
        old: old.cloned(),
        new: Some(new.clone()),
    });
    wrapped(kind, new.updated_at, data)
}

/// A task of a series.
pub fn instance(series: &Series, number: u32) -> Task {
    Task {
        due_date: Some(series.latest_due_at),
        time_zone: Some(series.time_zone.clone()),
        occurrence: Some(Occurrence {
            series_id: series.id,
            number,
        }),
        ..task(series.user_id, &series.template.title)
    }
}

/// The same commit with an answer under an idempotency key.
pub fn keyed(commit: Commit, key: &str) -> Commit {
    let answer = KeyedAnswer {
        key: key.to_owned(),
        fingerprint: format!("fingerprint of {key}"),
        answer: StoredAnswer {
            status: 201,
            headers: vec![
                ("location".to_owned(), "/api/tasks/1".to_owned()),
                ("etag".to_owned(), "\"1\"".to_owned()),
            ],
            body: "{\"title\":\"Grüße 🦀\"}".to_owned(),
        },
    };
    Commit {
        answer: Some(answer),
        ..commit
    }
}

/// One commit of what is in several, which are of one user.
pub fn together(commits: impl IntoIterator<Item = Commit>) -> Commit {
    let mut commits = commits.into_iter();
    let mut whole = commits.next().expect("something to commit");
    for commit in commits {
        whole.rows.extend(commit.rows);
        whole.events.extend(commit.events);
    }
    whole
}

/// That an entry was published just now.
pub fn proof(entry: &OutboxEntry) -> Sent {
    Sent {
        seq: entry.seq,
        started_at: Timestamp::now(),
        took: Some(Duration::from_micros(1_500)),
    }
}

fn one(user_id: UserId, row: RowChange, event: Envelope) -> Commit {
    Commit {
        user_id,
        rows: vec![row],
        events: vec![event],
        answer: None,
    }
}

fn wrapped(kind: EventType, time: Timestamp, data: EventData) -> Envelope {
    Envelope::new(EventId::generate(), envelope::SOURCE_API, kind, time, data)
}
