//! A made-up lane in which all went well, for tests and benches: they take it and spoil it.

use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    AuditMessage, AuditOutboxRow, AuditTopic, DeadLetterTopic, Effect, EntityKind, EventKind,
    GeneratorRecord, Lane, LaneRecord, Micros, Offset, Operation, OperationKind, OperationOutcome,
    OutboxRow, Phase, RawJson, Read, ReadKind, Seeded, SeededAnswer, TaskDetails, TaskRow,
    ToldLine,
};

/// Whose tasks all of them are.
const USER: Uuid = Uuid::from_u128(0x05);
/// The one consumer that owes an effect for each event.
pub const CONSUMER: &str = "audit";
/// 2026-01-01T00:00:00Z.
const BEGAN_AT_MICROS: i64 = 1_767_225_600_000_000;
/// When all tasks are due, as rows and as events have it.
const DUE_AT: (Micros, &str) = (Micros(1_769_875_200_000_000), "2026-01-31T16:00:00Z");
/// 200 operations a second.
const EVERY_MICROS: i64 = 5_000;

/// Changes of each task in [`lane_of_changes`], the creation first.
const LIFE: [OperationKind; 5] = [
    OperationKind::Create,
    OperationKind::Update,
    OperationKind::Complete,
    OperationKind::Reopen,
    OperationKind::Update,
];
/// Tasks of [`lane_of_changes`] that live at the same time and take turns.
const AT_ONCE: usize = 50;

/// A lane with `count` creations at 200/s, each acknowledged, published in 2 ms and taken to its
/// effect 6 ms after its commit.
pub fn lane(name: &str, count: usize) -> LaneRecord {
    let mut record = LaneRecord::new(Lane::new(name), &[CONSUMER]);
    for position in 0..count {
        add_creation(&mut record, position);
    }
    all_read(record)
}

/// A lane with `count` operations at the same pace, in which fifty tasks at a time are created and then
/// changed in turn, up to version 5: what a load of changes leaves behind.
pub fn lane_of_changes(name: &str, count: usize) -> LaneRecord {
    let mut record = LaneRecord::new(Lane::new(name), &[CONSUMER]);
    let mut first_of_round = 0;
    for position in 0..count {
        let round = position / AT_ONCE % LIFE.len();
        if round == 0 {
            if position % AT_ONCE == 0 {
                first_of_round = record.tasks.len();
            }
            add_creation(&mut record, position);
        } else {
            let row = first_of_round + position % AT_ONCE;
            change_row(&mut record, row, LIFE[round]);
        }
    }
    all_read(record)
}

/// Everything that the operations wrote was read by the consumer, and offered on time.
fn all_read(mut record: LaneRecord) -> LaneRecord {
    let count = record.operations.len();
    let end = i64::try_from(count).unwrap_or(i64::MAX);
    record.offsets.push(Offset::Partition {
        group: CONSUMER.to_owned(),
        topic: "task-events".to_owned(),
        partition: 0,
        committed: Some(end),
        start: 0,
        end,
    });
    record.audit_topics.push(AuditTopic {
        topic: "audit-logs".to_owned(),
        held: count as u64,
        read: count as u64,
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

/// Id of the event that tells of the line of the event at a position of [`lane`].
pub fn audit_event_id(position: usize) -> Uuid {
    Uuid::from_u128(0xa0_u128 << 96 | position as u128)
}

/// Id of a task of [`seed`].
pub fn seeded_id(number: usize) -> Uuid {
    Uuid::from_u128(0x5e_u128 << 96 | number as u128)
}

/// Adds tasks that were there before the first operation, every other one of them completed, and reads each
/// through the API.
pub fn seed(record: &mut LaneRecord, count: usize) {
    for number in 0..count {
        let status = if number % 2 == 0 {
            "pending"
        } else {
            "completed"
        };
        let row = TaskRow {
            task_id: seeded_id(number),
            user_id: USER,
            title: format!("seeded {number}"),
            status: status.to_owned(),
            version: 1,
            committed_at: Some(Micros(BEGAN_AT_MICROS - 1)),
        };
        let details = details(&row);
        let state = RawJson::of(&state_at(&row, "2025-12-31T23:59:59Z"));
        record.seeded_answers.push(SeededAnswer {
            task_id: row.task_id,
            seeded: state.clone(),
            answered: state,
        });
        record.seeded.push(Seeded {
            row: row.clone(),
            details: details.clone(),
        });
        record.details.push(details);
        record.tasks.push(row);
    }
}

/// Adds a change of a task of [`seed`], which goes well. It is the next in the schedule.
pub fn change_seeded(record: &mut LaneRecord, number: usize, kind: OperationKind) {
    change_by_id(record, seeded_id(number), kind);
}

/// Adds a question that was answered in 3 ms, the next in the schedule.
pub fn read(record: &mut LaneRecord, kind: ReadKind) {
    let position = record.operations.len() + record.reads.len();
    record.reads.push(Read {
        kind,
        user_id: USER,
        phase: Phase::Load,
        intended_at: moment(position, 0),
        done_at: moment(position, 3_000),
        items: (kind != ReadKind::Get).then_some(20),
        fault: None,
    });
}

/// Adds a change of the task at a position of [`lane`], which goes as well as everything before it.
/// It is the next in the schedule. A task that was deleted cannot be changed.
pub fn change(record: &mut LaneRecord, task: usize, kind: OperationKind) {
    change_by_id(record, task_id(task), kind);
}

fn change_by_id(record: &mut LaneRecord, task_id: Uuid, kind: OperationKind) {
    if let Some(row) = record.tasks.iter().position(|row| row.task_id == task_id) {
        change_row(record, row, kind);
    }
}

/// The same by the task's place among the rows, in constant time but for deletions.
fn change_row(record: &mut LaneRecord, row: usize, kind: OperationKind) {
    let position = record.operations.len();
    let old = record.tasks[row].clone();
    let mut new = old.clone();
    new.version += 1;
    new.committed_at = None;
    match kind {
        OperationKind::Update => new.title = format!("task {position}"),
        OperationKind::Complete => "completed".clone_into(&mut new.status),
        OperationKind::Reopen => "pending".clone_into(&mut new.status),
        OperationKind::Create | OperationKind::Delete => {}
    }
    let version = new.version;
    if kind == OperationKind::Delete {
        record.tasks.remove(row);
        record.details.retain(|row| row.task_id != old.task_id);
        add(record, kind, version, [Some(&old), None]);
    } else {
        record.tasks[row] = new.clone();
        // A test that took rows out or put some in has to see to their details itself.
        let details = record.details.get_mut(row);
        if let Some(details) = details.filter(|row| row.task_id == new.task_id) {
            details.version = new.version;
        }
        add(record, kind, version, [Some(&old), Some(&new)]);
    }
}

fn add_creation(record: &mut LaneRecord, position: usize) {
    let row = TaskRow {
        task_id: task_id(position),
        user_id: USER,
        title: format!("task {position}"),
        status: "pending".to_owned(),
        version: 1,
        committed_at: Some(moment(position, 3_000)),
    };
    add(record, OperationKind::Create, 1, [None, Some(&row)]);
    record.details.push(details(&row));
    record.tasks.push(row);
}

/// `after` an operation's intended start, in microseconds.
fn moment(position: usize, after: i64) -> Micros {
    let offset = i64::try_from(position)
        .unwrap_or(i64::MAX)
        .saturating_mul(EVERY_MICROS);
    Micros(BEGAN_AT_MICROS.saturating_add(offset).saturating_add(after))
}

/// Adds operation, event and effect of the change from one state of a task to the next.
fn add(
    record: &mut LaneRecord,
    kind: OperationKind,
    version: u64,
    [old, new]: [Option<&TaskRow>; 2],
) {
    let Some(TaskRow {
        task_id, user_id, ..
    }) = new.or(old).cloned()
    else {
        return;
    };
    let position = record.operations.len();
    let at = |after| moment(position, after);
    let event_id = event_id(position);
    let title = new.map(|state| state.title.clone());
    record.operations.push(Operation {
        key: format!("task {position}"),
        kind,
        task_id: old.map(|state| state.task_id),
        user_id,
        phase: Phase::Load,
        block: 0,
        intended_at: at(0),
        sent_at: at(50),
        done_at: at(4_000),
        outcome: OperationOutcome::Ok {
            task_id,
            version: (kind != OperationKind::Delete).then_some(version),
        },
    });
    record.events.push(OutboxRow {
        event_id,
        task_id,
        version,
        kind: Some(EventKind::Task(kind)),
        title: title.clone(),
        inserted_at: at(2_000),
        publish_started_at: Some(at(3_500)),
        publish_micros: Some(2_000),
        sent_at: Some(at(5_500)),
        attempts: 1,
    });
    let seq = i64::try_from(position)
        .unwrap_or(i64::MAX)
        .saturating_add(1);
    record.effects.push(Effect {
        seq,
        event_id,
        consumer: CONSUMER.to_owned(),
        task_id,
        version,
        action: kind.action().to_owned(),
        title,
        recorded_at: at(8_000),
        committed_at: Some(at(9_000)),
        envelope: envelope(kind, version, event_id, [old, new]),
    });
    publish_line(record, position, at(12_000));
}

/// Adds what goes out because of the last effect.
fn publish_line(record: &mut LaneRecord, position: usize, at: Micros) {
    let Some(line) = record.effects.last() else {
        return;
    };
    let event_id = audit_event_id(position);
    record.audit_outbox.push(AuditOutboxRow {
        seq: line.seq,
        event_id,
        entity_id: line.task_id,
        entity: Some(EntityKind::Task),
        user_id: Some(USER),
        sent_at: Some(at),
        attempts: 1,
    });
    record.audit_messages.push(AuditMessage::Told(ToldLine {
        event_id,
        seq: line.seq,
        recorded_event_id: line.event_id,
        entity: EntityKind::Task,
        entity_id: line.task_id,
        user_id: Some(USER),
        version: line.version,
        action: line.action.clone(),
        digest: Some(event_id.to_string()),
    }));
    for topic in &mut record.audit_topics {
        topic.held += 1;
        topic.read += 1;
    }
}

/// Of every task the same.
fn details(row: &TaskRow) -> TaskDetails {
    TaskDetails {
        task_id: row.task_id,
        version: row.version,
        priority: "high".to_owned(),
        due_at: Some(DUE_AT.0),
        time_zone: Some("Europe/Berlin".to_owned()),
        category_id: Some(Uuid::from_u128(0x0c)),
        tags: vec![Uuid::from_u128(0x01), Uuid::from_u128(0x02)],
        occurrence: None,
    }
}

/// An envelope by the documented shape.
fn envelope(
    kind: OperationKind,
    version: u64,
    event_id: Uuid,
    states: [Option<&TaskRow>; 2],
) -> RawJson {
    let time = "2026-01-01T00:00:00Z";
    let [old, new] = states.map(|state| state.map(|state| state_at(state, time)));
    let [task_id, user_id] = states
        .into_iter()
        .flatten()
        .next()
        .map_or([Uuid::nil(); 2], |state| [state.task_id, state.user_id]);
    RawJson::of(&json!({
        "specversion": "1.0", "id": event_id, "source": "/todo/api", "type": kind.event_type(),
        "subject": task_id, "time": time, "datacontenttype": "application/json",
        "partitionkey": task_id,
        "data": {
            "task_id": task_id, "user_id": user_id, "version": version, "old": old, "new": new
        }
    }))
}

fn state_at(row: &TaskRow, time: &str) -> Value {
    let completed_at = (row.status == "completed").then_some(time);
    let details = details(row);
    json!({
        "id": row.task_id, "user_id": row.user_id, "title": row.title, "description": null,
        "status": row.status, "priority": details.priority, "due_date": DUE_AT.1,
        "time_zone": details.time_zone, "category_id": details.category_id,
        "tags": details.tags, "occurrence": null, "version": row.version, "created_at": time, "updated_at": time,
        "completed_at": completed_at
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lane_of_changes_is_whole_wherever_it_ends() {
        for (count, tasks, highest) in [(1, 1, 1), (50, 50, 1), (51, 50, 2), (1_037, 237, 5)] {
            let record = lane_of_changes("a", count);
            let accounting = record.account();
            assert_eq!(record.tasks.len(), tasks);
            let versions = record.tasks.iter().map(|row| row.version);
            assert_eq!(versions.max(), Some(highest));
            assert_eq!(accounting.identity.effects, count as u64);
            assert_eq!(accounting.lost_changes, []);
        }
    }
}
