//! A made-up lane of series that go on as they should, for tests: they take it and spoil it.

use std::time::Duration;

use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    Effect, EventKind, LaneRecord, Micros, Occurrence, Operation, OperationKind, OperationOutcome,
    OutboxRow, RawJson, TaskDetails, sample,
};

/// Between one settlement and the next.
const EVERY: Duration = Duration::from_millis(40);
/// From a settlement to the instance that comes after it.
const NEXT_AFTER: Duration = Duration::from_millis(10);

/// Id of a series of [`lane`].
pub(crate) fn series_id(series: u64) -> Uuid {
    Uuid::from_u128(0x5e_u128 << 96 | u128::from(series))
}

/// Id of the task that is an instance of a series of [`lane`].
pub(crate) fn instance_id(series: u64, number: u64) -> Uuid {
    Uuid::from_u128(0x1e_u128 << 96 | u128::from(series) << 32 | u128::from(number))
}

/// A lane with a task of no series, and series in which `rounds` instances were completed one after the
/// other, so that each has one instance more than that.
pub(crate) fn lane(name: &str, series: u64, rounds: u64) -> LaneRecord {
    let mut record = sample::lane(name, 1);
    let mut at = record.ended_at();
    for series in 0..series {
        create(&mut record, series, 1, at);
        let state = state_of_series(2);
        let kind = EventKind::SeriesCreated;
        write(
            &mut record,
            kind,
            (series_id(series), 1),
            at,
            [Value::Null, state],
        );
    }
    for number in 1..=rounds {
        for series in 0..series {
            at = at.after(EVERY);
            complete(&mut record, series, number, at);
            go_on(&mut record, series, number, at.after(NEXT_AFTER));
        }
    }
    record
}

/// A client completes an instance.
fn complete(record: &mut LaneRecord, series: u64, number: u64, at: Micros) {
    let task_id = instance_id(series, number);
    record.operations.push(Operation {
        key: format!("complete {series}/{number}"),
        kind: OperationKind::Complete,
        task_id: Some(task_id),
        intended_at: at,
        sent_at: at,
        done_at: at,
        outcome: OperationOutcome::Ok {
            task_id,
            version: Some(2),
        },
        ..record.operations[0].clone()
    });
    let states = [state_of_task(series, number), state_of_task(series, number)];
    let kind = EventKind::Task(OperationKind::Complete);
    write(record, kind, (task_id, 2), at, states);
    let nothing = [Value::Null, Value::Null];
    write(record, EventKind::Settled, (task_id, 0), at, nothing);
}

/// The instance after `number` comes.
fn go_on(record: &mut LaneRecord, series: u64, number: u64, at: Micros) {
    create(record, series, number + 1, at);
    let states = [number + 1, number + 2].map(state_of_series);
    let step = (series_id(series), number + 1);
    write(record, EventKind::SeriesAdvanced, step, at, states);
}

fn create(record: &mut LaneRecord, series: u64, number: u64, at: Micros) {
    let task_id = instance_id(series, number);
    let kind = EventKind::Task(OperationKind::Create);
    let states = [Value::Null, state_of_task(series, number)];
    write(record, kind, (task_id, 1), at, states);
    record.details.push(TaskDetails {
        task_id,
        version: 1,
        occurrence: Some(Occurrence {
            series_id: series_id(series),
            number,
        }),
        ..record.details[0].clone()
    });
}

fn state_of_task(series: u64, number: u64) -> Value {
    json!({
        "occurrence": {"series_id": series_id(series), "number": number},
        "tags": [], "category_id": null
    })
}

fn state_of_series(next: u64) -> Value {
    json!({"recurrence": {"mode": "on_completion"}, "next_occurrence": next, "ended_at": null})
}

/// Adds a row of the outbox, and the effect of it where one is owed.
fn write(
    record: &mut LaneRecord,
    kind: EventKind,
    (id, version): (Uuid, u64),
    at: Micros,
    [old, new]: [Value; 2],
) {
    let position = record.events.len();
    let event = OutboxRow {
        event_id: sample::event_id(position),
        task_id: id,
        version,
        kind: Some(kind),
        title: None,
        inserted_at: at,
        ..record.events[0].clone()
    };
    if event.owes_effects() {
        let envelope = json!({"type": kind.event_type(), "data": {"old": old, "new": new}});
        record.effects.push(Effect {
            seq: record.effects.last().map_or(1, |last| last.seq + 1),
            event_id: event.event_id,
            task_id: id,
            version,
            action: kind.action().to_owned(),
            title: None,
            recorded_at: at.after(NEXT_AFTER),
            committed_at: Some(at.after(NEXT_AFTER)),
            envelope: RawJson::of(&envelope),
            ..record.effects[0].clone()
        });
    }
    record.events.push(event);
}
