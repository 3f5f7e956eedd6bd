//! A made-up case in which all went well, for tests: they take it and spoil it.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    AuditMessage, CaseRecord, CaseRole, EffectRow, EntityKind, Exchange, Lane, LaneRecord,
    ToldLine, Traced,
};

/// A lane that went through cases with these names; every lane draws ids and times of its own.
pub(crate) fn lane_of_cases(lane: &str, names: &[&str]) -> LaneRecord {
    let mut record = LaneRecord::new(Lane::new(lane), &[]);
    let draw = lane.bytes().map(u128::from).sum::<u128>() << 64;
    record.cases = (0..)
        .zip(names)
        .map(|(position, name)| case(name, draw + (position << 32)))
        .collect();
    record.audit_messages = record.cases.iter().map(message).collect();
    record
}

/// What goes out because of the case's line.
fn message(case: &CaseRecord) -> AuditMessage {
    let rows = case.rows.iter().flatten();
    let of_table = |table: &str| rows.clone().find(|row| row.table == table);
    let id = |table: &str, column: &str| {
        let id = of_table(table).and_then(|row| row.row[column].as_str());
        id.and_then(|id| id.parse().ok()).unwrap_or_default()
    };
    AuditMessage::Told(ToldLine {
        event_id: id("audit_outbox", "event_id"),
        seq: 7,
        recorded_event_id: id("audit_log", "event_id"),
        entity: EntityKind::Task,
        entity_id: id("tasks", "id"),
        user_id: case.users.first().copied(),
        version: 1,
        action: "created".to_owned(),
        digest: case.users.first().map(ToString::to_string),
    })
}

/// A task is created, and its creation is audited. `draw` tells its ids and times from another's.
pub(crate) fn case(name: &str, draw: u128) -> CaseRecord {
    let id = |number: u128| Uuid::from_u128((0x0199 << 112) + draw + number).to_string();
    let (user, task) = (Uuid::from_u128(draw + 1), id(2));
    let time = format!("2026-01-01T00:00:{:02}Z", draw % 60);
    let row = json!({
        "id": task, "user_id": user, "title": name, "version": 1, "due_at": null,
        "created_at": time, "updated_at": time,
    });
    let envelope = json!({
        "specversion": "1.0", "id": id(3), "type": "todo.task.created", "subject": task,
        "partitionkey": task, "time": time, "traceparent": Traced::by(user, 0).header(),
        "data": {"task_id": task, "user_id": user, "version": 1, "old": null, "new": row},
    });
    CaseRecord {
        name: name.to_owned(),
        features: vec!["T1".to_owned(), "E1".to_owned()],
        events: vec!["todo.task.created".to_owned()],
        role: CaseRole::Judged,
        users: vec![user],
        surprise: None,
        exchanges: vec![created(&task, &row)],
        rows: Some(vec![
            table(
                "audit_outbox",
                &json!({
                    "event_id": id(4), "entity_id": task, "version": 1, "seq": 7 + draw % 5,
                    "topic": format!("lane-{draw}.audit-logs"), "sent_at": time, "attempts": draw % 3,
                }),
            ),
            table(
                "audit_log",
                &json!({
                    "event_id": id(3), "task_id": task, "task_version": 1, "action": "created",
                    "old": null, "new": row, "occurred_at": time, "recorded_at": "2026-01-02T00:00:00Z",
                    "seq": 7 + draw % 5, "envelope": envelope,
                }),
            ),
            table(
                "outbox",
                &json!({
                    "event_id": id(3), "task_id": task, "task_version": 1, "sent_at": time,
                    "envelope": envelope.to_string(),
                }),
            ),
            table("tasks", &row),
        ]),
    }
}

fn created(task: &str, body: &Value) -> Exchange {
    Exchange {
        call: "POST /api/tasks".to_owned(),
        status: 201,
        headers: BTreeMap::from([("location".to_owned(), format!("/api/tasks/{task}"))]),
        body: body.clone(),
    }
}

fn table(table: &str, row: &Value) -> EffectRow {
    EffectRow {
        table: table.to_owned(),
        row: row.clone(),
    }
}
