//! Histories of one task: how changes, deletions and requests that change nothing find their events.

use super::{
    EventKind, Fate, Identity, Intrusion, LaneRecord, LostChange, Operation, OperationKind,
    OperationOutcome, Placement, UnknownFate, sample,
};

/// A lane with one task that went through `kinds` after its creation.
pub(super) fn history(kinds: &[OperationKind]) -> LaneRecord {
    let mut record = sample::lane("a", 1);
    for &kind in kinds {
        sample::change(&mut record, 0, kind);
    }
    record
}

/// A request for the task, acknowledged with the version that stood already.
pub(super) fn unchanged(record: &LaneRecord, kind: OperationKind, version: u64) -> Operation {
    let task_id = sample::task_id(0);
    let mut operation = record.operations[0].clone();
    operation.key = format!("unchanged {version}");
    operation.kind = kind;
    operation.task_id = Some(task_id);
    operation.outcome = OperationOutcome::Ok {
        task_id,
        version: Some(version),
    };
    operation
}

pub(super) fn unanswered() -> OperationOutcome {
    OperationOutcome::Unknown {
        reason: "timeout".to_owned(),
    }
}

pub(super) fn refused() -> OperationOutcome {
    OperationOutcome::Failed {
        reason: "404".to_owned(),
    }
}

pub(super) fn unknown_fate(record: &LaneRecord, operation: usize) -> UnknownFate {
    match record.account().placements[operation] {
        Placement::Unknown { fate, .. } => fate,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn assert_all_placed(record: &LaneRecord) {
    let accounting = record.account();
    let operations = record.operations.len() as u64;
    let identity = Identity {
        acknowledged: operations,
        effects: operations,
        ..Identity::default()
    };
    assert_eq!(accounting.identity, identity);
    assert_eq!(accounting.intrusions, []);
    assert_eq!(accounting.lost_changes, []);
}

#[test]
fn every_kind_of_change_finds_its_event() {
    use OperationKind::{Complete, Delete, Reopen, Update};
    let record = history(&[Update, Complete, Update, Reopen, Update, Delete]);
    assert_all_placed(&record);
    let accounting = record.account();
    for (event, operation) in accounting.operation_of_event.iter().enumerate() {
        assert_eq!(*operation, Some(event));
    }
}

/// The answer of a deletion names no version, so the event is found by its kind.
#[test]
fn a_deletion_whose_event_or_effect_is_lost_is_unplaced() {
    let mut record = history(&[OperationKind::Update, OperationKind::Delete]);
    record.effects.pop();
    assert_eq!(record.account().unplaced().collect::<Vec<_>>(), [2]);
    record.events.pop();
    assert_eq!(record.account().unplaced().collect::<Vec<_>>(), [2]);
}

#[test]
fn a_deletion_whose_row_still_stands_is_a_lost_change() {
    let mut record = history(&[OperationKind::Update]);
    let row = record.tasks[0].clone();
    sample::change(&mut record, 0, OperationKind::Delete);
    record.tasks.push(row);
    let lost = LostChange {
        task_id: sample::task_id(0),
        acknowledged: 3,
        stands_at: Some(2),
    };
    assert_eq!(record.account().lost_changes, [lost]);
}

/// Two deletions that were both acknowledged are one too many: the system refuses the second.
#[test]
fn a_second_acknowledged_deletion_is_unplaced() {
    let mut record = history(&[OperationKind::Delete]);
    record.operations.push(record.operations[1].clone());
    assert_eq!(record.account().unplaced().collect::<Vec<_>>(), [2]);
}

#[test]
fn effects_speak_for_a_deletion_whose_event_was_cleaned_away() {
    let mut record = history(&[OperationKind::Delete]);
    record.events.pop();
    let accounting = record.account();
    let fate = Fate::Effect;
    assert_eq!(
        accounting.placements[1],
        Placement::Acknowledged { fate, event: None }
    );
    assert_eq!(
        accounting.intrusions,
        [Intrusion::Effect { effect: 1 }],
        "it is still an effect without an event"
    );
}

/// A request that found nothing to change shares the event of the version that stood, whoever wrote
/// that, and wherever the two stand in the schedule.
#[test]
fn a_request_that_changed_nothing_takes_no_event_from_the_one_that_did() {
    use OperationKind::{Complete, Update};
    let mut record = history(&[Complete, Update]);
    let repeated = unchanged(&record, Complete, 3);
    record.operations.insert(1, repeated.clone());
    assert_all_placed(&record);
    record.operations.push(repeated);
    assert_all_placed(&record);
    assert_eq!(
        record.account().operation_of_event,
        [Some(0), Some(2), Some(3)]
    );
}

#[test]
fn a_request_that_changed_nothing_leaves_the_event_to_an_unanswered_one() {
    use OperationKind::{Complete, Update};
    let mut record = history(&[Complete, Update]);
    record.operations[2].outcome = unanswered();
    record.operations.push(unchanged(&record, Complete, 3));
    let accounting = record.account();
    assert_eq!(accounting.intrusions, []);
    assert_eq!(accounting.identity.unknown_took_effect, 1);
    assert_eq!(accounting.identity.unplaced, 0);
}

#[test]
fn a_request_that_changed_nothing_shares_the_loss() {
    use OperationKind::{Complete, Update};
    let mut record = history(&[Complete, Update]);
    record.operations.push(unchanged(&record, Complete, 3));
    record.effects.pop();
    assert_eq!(record.account().unplaced().collect::<Vec<_>>(), [2, 3]);
}

/// "Nothing to change" is a claim about the state in which the task stood, and events tell that state.
#[test]
fn a_request_that_changed_nothing_must_have_found_what_it_asked_for() {
    use OperationKind::{Complete, Reopen, Update};
    for (kinds, kind, version, fate) in [
        (&[Update][..], Complete, 2, Fate::Unplaced),
        (&[Update], Reopen, 2, Fate::Effect),
        (&[Update], Reopen, 1, Fate::Effect),
        (&[Update], Complete, 1, Fate::Unplaced),
        (&[Complete, Update], Complete, 3, Fate::Effect),
        (&[Complete, Update], Reopen, 3, Fate::Unplaced),
        (&[Complete, Update, Reopen], Complete, 4, Fate::Unplaced),
        (
            &[Complete, Update, Reopen, Update],
            Complete,
            3,
            Fate::Effect,
        ),
        (
            &[Complete, Update, Reopen, Update],
            Complete,
            5,
            Fate::Unplaced,
        ),
        (&[Complete, Update, Reopen, Update], Reopen, 5, Fate::Effect),
        (&[Update, Complete], Complete, 2, Fate::Unplaced),
    ] {
        let mut record = history(kinds);
        record.operations.push(unchanged(&record, kind, version));
        let last = record.operations.len() - 1;
        match record.account().placements[last] {
            Placement::Acknowledged { fate: found, .. } => {
                assert_eq!(found, fate, "{kinds:?}, then {kind:?} told {version}");
            }
            other => panic!("{other:?}"),
        }
    }
}

/// An acknowledged completion whose event says something else was not what was asked for.
#[test]
fn an_event_of_the_wrong_kind_explains_nobody() {
    let mut record = history(&[OperationKind::Complete]);
    record.events[1].kind = Some(EventKind::Task(OperationKind::Reopen));
    assert_eq!(record.account().intrusions, [Intrusion::Event { event: 1 }]);
}

#[test]
fn an_unanswered_change_is_half_done_when_no_event_tells_of_its_row() {
    use OperationKind::{Complete, Delete, Reopen, Update};
    for kinds in [
        &[Update][..],
        &[Complete],
        &[Complete, Reopen],
        &[Update, Delete],
    ] {
        let mut record = history(kinds);
        let last = kinds.len();
        record.operations[last].outcome = unanswered();
        assert_eq!(unknown_fate(&record, last), UnknownFate::TookEffect);
        record.effects.pop();
        record.events.pop();
        assert_eq!(unknown_fate(&record, last), UnknownFate::Half, "{kinds:?}");
    }
}

/// Later changes were acknowledged and raised the version. The title still tells.
#[test]
fn an_unanswered_update_is_half_done_under_later_changes_too() {
    use OperationKind::{Complete, Update};
    let mut record = history(&[Update, Complete]);
    record.operations[1].outcome = unanswered();
    record.effects.remove(1);
    record.events.remove(1);
    assert_eq!(unknown_fate(&record, 1), UnknownFate::Half);
}

#[test]
fn an_unanswered_change_that_left_no_trace_did_not_happen() {
    use OperationKind::{Complete, Delete, Update};
    for kind in [Update, Complete, Delete] {
        let mut record = history(&[Update]);
        let mut operation = unchanged(&record, kind, 2);
        operation.outcome = unanswered();
        record.operations.push(operation);
        assert_eq!(unknown_fate(&record, 2), UnknownFate::DidNot, "{kind:?}");
    }
}

/// Of two deletions without an answer one did it, and the other found nothing left.
#[test]
fn two_unanswered_deletions_share_one_event() {
    let mut record = history(&[OperationKind::Delete]);
    record.operations[1].outcome = unanswered();
    record.operations.push(record.operations[1].clone());
    assert_eq!(unknown_fate(&record, 1), UnknownFate::TookEffect);
    assert_eq!(unknown_fate(&record, 2), UnknownFate::DidNot);
}

#[test]
fn a_refused_update_in_the_row_is_an_intrusion() {
    let mut record = history(&[OperationKind::Update]);
    record.operations[1].outcome = refused();
    record.effects.pop();
    record.events.pop();
    let intrusion = Intrusion::FailedTookEffect { operation: 1 };
    assert_eq!(record.account().intrusions, [intrusion]);
}

/// What comes behind a deletion is refused, and that is no loss.
#[test]
fn a_change_behind_the_deletion_is_refused_and_leaves_nothing() {
    let mut record = history(&[OperationKind::Delete]);
    let mut late = unchanged(&record, OperationKind::Update, 2);
    late.outcome = refused();
    record.operations.push(late);
    let accounting = record.account();
    assert_eq!(accounting.identity.failed, 1);
    assert_eq!(accounting.intrusions, []);
    assert_eq!(accounting.lost_changes, []);
}
