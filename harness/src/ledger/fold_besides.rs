//! Events that no operation asked for: those of a series go back to who began it, those of what the scenario
//! changed by itself to the scenario, and all others to nobody.

use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    Effect, EventKind, Fate, Intrusion, LaneRecord, OperationKind, OutboxRow, RawJson, sample,
};

const SERIES: Uuid = Uuid::from_u128(0x5e);
const INSTANCE: Uuid = Uuid::from_u128(0x1e);

/// A row of the outbox, and the effect of it where one is owed.
fn write(record: &mut LaneRecord, kind: EventKind, id: Uuid, version: u64, states: [Value; 2]) {
    let position = record.events.len();
    let [old, new] = states;
    let event = OutboxRow {
        event_id: Uuid::from_u128(0xbe_u128 << 96 | position as u128),
        task_id: id,
        version,
        kind: Some(kind),
        title: None,
        ..record.events[0].clone()
    };
    if event.owes_effects() {
        let envelope = json!({"type": kind.event_type(), "data": {"old": old, "new": new}});
        record.effects.push(Effect {
            seq: 1_000 + i64::try_from(position).unwrap(),
            event_id: event.event_id,
            task_id: id,
            version,
            action: kind.action().to_owned(),
            title: None,
            envelope: RawJson::of(&envelope),
            ..record.effects[0].clone()
        });
    }
    record.events.push(event);
}

fn task(number: u64) -> Value {
    json!({"occurrence": {"series_id": SERIES, "number": number}, "tags": [], "category_id": null})
}

fn series(next: u64, mode: &str, ended_at: &Value) -> Value {
    json!({"recurrence": {"mode": mode}, "next_occurrence": next, "ended_at": ended_at})
}

fn create(record: &mut LaneRecord, id: Uuid, number: u64) {
    let kind = EventKind::Task(OperationKind::Create);
    write(record, kind, id, 1, [Value::Null, task(number)]);
}

/// An operation created a task that recurs, another completed it, and the series went on.
fn recurring() -> LaneRecord {
    let mut record = sample::lane("a", 1);
    let mut envelope = record.effects[0].envelope.value().unwrap();
    envelope["data"]["new"]["occurrence"] = task(1)["occurrence"].clone();
    record.effects[0].envelope = RawJson::of(&envelope);
    let state = |next| series(next, "on_completion", &Value::Null);
    let created = [Value::Null, state(2)];
    write(&mut record, EventKind::SeriesCreated, SERIES, 1, created);
    sample::change(&mut record, 0, OperationKind::Complete);
    let first = sample::task_id(0);
    write(
        &mut record,
        EventKind::Settled,
        first,
        0,
        [Value::Null, Value::Null],
    );
    create(&mut record, INSTANCE, 2);
    let advanced = [state(2), state(3)];
    write(&mut record, EventKind::SeriesAdvanced, SERIES, 2, advanced);
    record
}

#[track_caller]
fn assert_intrusions(record: &LaneRecord, events: &[usize]) {
    let found = record.account().intrusions;
    let wanted: Vec<_> = events
        .iter()
        .map(|&event| Intrusion::Event { event })
        .collect();
    assert_eq!(found, wanted);
}

#[test]
fn what_a_series_brings_about_goes_back_to_who_began_it() {
    let record = recurring();
    assert_intrusions(&record, &[]);
    let accounting = record.account();
    assert_eq!(accounting.besides, [1, 3, 4, 5]);
    assert_eq!(accounting.identity.effects, 2);
    assert!(
        accounting
            .fate_of_event
            .iter()
            .all(|fate| *fate == Fate::Effect)
    );
}

#[test]
fn planted_instance_of_a_series_that_nobody_began_is_an_intrusion() {
    let mut record = recurring();
    record.effects[0].envelope = sample::lane("a", 1).effects[0].envelope.clone();
    assert_intrusions(&record, &[1, 3, 4, 5]);
}

#[test]
fn planted_second_task_for_one_occurrence_is_an_intrusion() {
    let mut record = recurring();
    create(&mut record, Uuid::from_u128(0x2e), 2);
    assert_intrusions(&record, &[6]);
    let mut record = recurring();
    create(&mut record, Uuid::from_u128(0x2e), 1);
    assert_intrusions(&record, &[6]);
}

#[test]
fn planted_change_of_an_instance_that_nobody_asked_for_is_an_intrusion() {
    let mut record = recurring();
    let kind = EventKind::Task(OperationKind::Update);
    write(&mut record, kind, INSTANCE, 2, [task(2), task(2)]);
    assert_intrusions(&record, &[6]);
}

#[test]
fn planted_settlement_after_which_the_series_did_not_go_on_is_unplaced() {
    let mut record = recurring();
    // The last two of each: instance and step of the series.
    record.events.truncate(4);
    record.effects.truncate(3);
    let accounting = record.account();
    assert_eq!(accounting.fate_of_event[3], Fate::Unplaced);
    assert_eq!(accounting.besides, [1, 3]);
}

#[test]
fn a_settlement_owes_nothing_where_the_series_is_over_or_goes_by_its_schedule() {
    for state in [
        series(2, "on_schedule", &Value::Null),
        series(2, "on_completion", &json!("2026-01-31T16:00:00Z")),
    ] {
        let mut record = recurring();
        record.events.truncate(4);
        record.effects.truncate(3);
        let kind = EventKind::SeriesEnded;
        write(&mut record, kind, SERIES, 2, [Value::Null, state]);
        assert_eq!(record.account().fate_of_event[3], Fate::Effect);
    }
}

#[test]
fn planted_effect_of_a_settlement_is_an_intrusion() {
    let mut record = recurring();
    let mut effect = record.effects[0].clone();
    effect.event_id = record.events[3].event_id;
    record.effects.push(effect);
    let effect = record.effects.len() - 1;
    assert_eq!(record.account().intrusions, [Intrusion::Effect { effect }]);
}

/// A tag by hand, on a task of a load, and taken off it again when the tag is deleted.
fn tagged() -> (LaneRecord, Uuid) {
    let mut record = sample::lane("a", 1);
    let tag = Uuid::from_u128(0x7a6);
    let state = || json!({"kind": "tag"});
    let created = [Value::Null, state()];
    write(&mut record, EventKind::TagCreated, tag, 1, created);
    let with = json!({"tags": [tag], "category_id": null});
    let without = json!({"tags": [], "category_id": null});
    let kind = EventKind::Task(OperationKind::Update);
    write(&mut record, kind, sample::task_id(0), 2, [with, without]);
    let deleted = [state(), Value::Null];
    write(&mut record, EventKind::TagDeleted, tag, 2, deleted);
    record.tasks[0].version = 2;
    (record, tag)
}

#[test]
fn what_the_scenario_changed_by_itself_is_asked_for() {
    let (mut record, tag) = tagged();
    record.besides = vec![tag];
    assert_intrusions(&record, &[]);
    assert_eq!(record.account().besides, [1, 2, 3]);
}

#[test]
fn planted_tag_that_nobody_asked_for_is_an_intrusion() {
    let (record, _) = tagged();
    assert_intrusions(&record, &[1, 2, 3]);
}

/// A task of its own, changed twice: the second time by nobody, or under a version that has its event.
#[test]
fn planted_further_event_of_what_was_changed_by_hand_is_an_intrusion() {
    let by_hand = Uuid::from_u128(0x1f);
    let update = EventKind::Task(OperationKind::Update);
    let plain = || json!({"tags": [], "category_id": null});
    let record = |versions: &[u64]| {
        let mut record = sample::lane("a", 1);
        let creation = EventKind::Task(OperationKind::Create);
        write(&mut record, creation, by_hand, 1, [Value::Null, plain()]);
        for &version in versions {
            write(&mut record, update, by_hand, version, [plain(), plain()]);
        }
        record.besides = vec![by_hand];
        record.besides_up_to = vec![(by_hand, 2)];
        record
    };
    assert_intrusions(&record(&[2]), &[]);
    assert_intrusions(&record(&[2, 3]), &[3]);
    assert_intrusions(&record(&[2, 2]), &[3]);
}

/// Answers show as much of it as the tag's deletion left, or more; and the last step is a deletion or none.
#[test]
fn planted_step_behind_a_deleted_label_and_planted_change_in_a_deletions_place_are_intrusions() {
    let (mut record, tag) = tagged();
    let by_hand = Uuid::from_u128(0x1f);
    let [with, without] =
        [vec![tag], Vec::new()].map(|tags| json!({"tags": tags, "category_id": null}));
    let update = EventKind::Task(OperationKind::Update);
    let creation = EventKind::Task(OperationKind::Create);
    write(
        &mut record,
        creation,
        by_hand,
        1,
        [Value::Null, with.clone()],
    );
    write(
        &mut record,
        update,
        by_hand,
        2,
        [with.clone(), without.clone()],
    );
    record.besides = vec![tag, by_hand];
    record.besides_up_to = vec![(tag, 1), (by_hand, 2)];
    record.besides_deleted = vec![tag];
    assert_intrusions(&record, &[]);
    let plain = || [without.clone(), without.clone()];
    write(&mut record, update, by_hand, 3, plain());
    assert_intrusions(&record, &[6]);
    record.besides_deleted.push(by_hand);
    assert_intrusions(&record, &[6]);
}

/// The deletion was asked for as the step after the creation, and came after the tag's.
#[test]
fn what_a_deleted_label_does_to_a_task_was_not_asked_of_the_task() {
    let (mut record, tag) = tagged();
    let by_hand = Uuid::from_u128(0x1f);
    let creation = EventKind::Task(OperationKind::Create);
    let with = || json!({"tags": [tag], "category_id": null});
    let without = || json!({"tags": [], "category_id": null});
    write(&mut record, creation, by_hand, 1, [Value::Null, with()]);
    let update = EventKind::Task(OperationKind::Update);
    write(&mut record, update, by_hand, 2, [with(), without()]);
    let deletion = EventKind::Task(OperationKind::Delete);
    write(&mut record, deletion, by_hand, 3, [without(), Value::Null]);
    record.besides = vec![tag, by_hand];
    record.besides_up_to = vec![(tag, 1), (by_hand, 1)];
    record.besides_deleted = vec![tag, by_hand];
    assert_intrusions(&record, &[]);
    // Without the tag's deletion nobody took it off, neither here nor from the load's task.
    record.events.remove(3);
    record.effects.remove(3);
    assert_intrusions(&record, &[2, 4, 5]);
}

#[test]
fn planted_loss_of_an_event_besides_is_unplaced() {
    let (mut record, tag) = tagged();
    record.besides = vec![tag];
    record.effects.remove(1);
    let accounting = record.account();
    assert_eq!(accounting.fate_of_event[1], Fate::Unplaced);
    assert_eq!(
        accounting.unplaced().count(),
        0,
        "no operation lost anything"
    );
}

/// A task by hand begins a series, which goes on by itself.
#[test]
fn what_is_explained_explains_what_follows_from_it() {
    let mut record = sample::lane("a", 1);
    let first = Uuid::from_u128(0x1f);
    // In an order in which the cause comes last.
    create(&mut record, INSTANCE, 2);
    let created = [Value::Null, series(3, "on_schedule", &Value::Null)];
    write(&mut record, EventKind::SeriesCreated, SERIES, 1, created);
    create(&mut record, first, 1);
    record.besides = vec![first];
    assert_intrusions(&record, &[]);
    assert_eq!(record.account().besides, [1, 2, 3]);
}
