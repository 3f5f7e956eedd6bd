//! A made-up lane in which all went well, for tests and benches: they take it and spoil it.

use uuid::Uuid;

use super::{
    DeadLetterTopic, Effect, GeneratorRecord, Lane, LaneRecord, Micros, Offset, Operation,
    OperationKind, OperationOutcome, OutboxRow, Phase, RawJson, TaskRow,
};

/// One consumer, as in the first slice of the system.
pub const CONSUMER: &str = "audit";
/// 2026-01-01T00:00:00Z.
const BEGAN_AT_MICROS: i64 = 1_767_225_600_000_000;
/// 200 operations a second.
const EVERY_MICROS: i64 = 5_000;

/// A lane with `count` creations at 200/s, each acknowledged, published in 2 ms and taken to its
/// effect 6 ms after its commit.
pub fn lane(name: &str, count: usize) -> LaneRecord {
    let mut record = LaneRecord::new(Lane::new(name), &[CONSUMER]);
    for position in 0..count {
        add_creation(&mut record, position);
    }
    let end = i64::try_from(count).unwrap_or(i64::MAX);
    record.offsets.push(Offset::Partition {
        group: CONSUMER.to_owned(),
        topic: "task-events".to_owned(),
        partition: 0,
        committed: Some(end),
        start: 0,
        end,
    });
    record.dead_letter_topics.push(DeadLetterTopic {
        topic: "task-events-dlq".to_owned(),
        held: 0,
        read: 0,
    });
    record.generator = Some(GeneratorRecord {
        offered: count as u64,
        ..Default::default()
    });
    record
}

/// Id of the task at a position of [`lane`].
pub fn task_id(position: usize) -> Uuid {
    Uuid::from_u128(0x7a_u128 << 96 | position as u128)
}

/// Id of the event at a position of [`lane`].
pub fn event_id(position: usize) -> Uuid {
    Uuid::from_u128(0xe7_u128 << 96 | position as u128)
}

fn add_creation(record: &mut LaneRecord, position: usize) {
    let offset = i64::try_from(position)
        .unwrap_or(i64::MAX)
        .saturating_mul(EVERY_MICROS);
    let at = |micros: i64| {
        Micros(
            BEGAN_AT_MICROS
                .saturating_add(offset)
                .saturating_add(micros),
        )
    };
    let (task_id, event_id) = (task_id(position), event_id(position));
    let user_id = Uuid::from_u128(0x05);
    let title = format!("task {position}");
    record.operations.push(Operation {
        key: title.clone(),
        kind: OperationKind::Create,
        task_id: None,
        user_id,
        phase: Phase::Load,
        block: 0,
        intended_at: at(0),
        sent_at: at(50),
        done_at: at(4_000),
        outcome: OperationOutcome::Ok {
            task_id,
            version: 1,
        },
    });
    record.tasks.push(TaskRow {
        task_id,
        user_id,
        title: title.clone(),
        status: "pending".to_owned(),
        version: 1,
        committed_at: Some(at(3_000)),
    });
    record.events.push(OutboxRow {
        event_id,
        task_id,
        version: 1,
        kind: Some(OperationKind::Create),
        title: Some(title.clone()),
        inserted_at: at(2_000),
        publish_started_at: Some(at(3_500)),
        publish_micros: Some(2_000),
        sent_at: Some(at(5_500)),
        attempts: 1,
    });
    record.effects.push(Effect {
        seq: i64::try_from(position)
            .unwrap_or(i64::MAX)
            .saturating_add(1),
        event_id,
        consumer: CONSUMER.to_owned(),
        task_id,
        version: 1,
        action: "created".to_owned(),
        title: Some(title.clone()),
        recorded_at: at(8_000),
        committed_at: Some(at(9_000)),
        envelope: envelope(event_id, task_id, user_id, &title),
    });
}

/// The envelope of a creation, by the documented shape.
fn envelope(event_id: Uuid, task_id: Uuid, user_id: Uuid, title: &str) -> RawJson {
    let time = "2026-01-01T00:00:00Z";
    RawJson::of(&serde_json::json!({
        "specversion": "1.0", "id": event_id, "source": "/todo/api", "type": "todo.task.created",
        "subject": task_id, "time": time, "datacontenttype": "application/json",
        "partitionkey": task_id,
        "data": {
            "task_id": task_id, "user_id": user_id, "version": 1, "old": null,
            "new": {
                "id": task_id, "user_id": user_id, "title": title, "description": null,
                "status": "pending", "version": 1, "created_at": time, "updated_at": time,
                "completed_at": null
            }
        }
    }))
}
