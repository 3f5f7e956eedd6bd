//! Final rows that do not agree with the answers and the events: each has to be somebody's fault.

use super::fold_changes::{history, refused, unanswered, unchanged, unknown_fate};
use super::{Fate, Intrusion, LaneRecord, LostChange, OperationKind, UnknownFate, sample};

use OperationKind::{Complete, Create, Delete, Reopen, Update};

/// A history whose last operation got no answer, with the final row as it was before it.
fn not_in_the_row(kinds: &[OperationKind]) -> LaneRecord {
    let (_, before) = kinds.split_last().unwrap();
    let mut record = history(kinds);
    record.tasks = history(before).tasks;
    record.operations[kinds.len()].outcome = unanswered();
    record
}

#[test]
fn an_unanswered_change_is_half_done_when_its_event_is_not_in_the_row() {
    for kinds in [&[Update][..], &[Complete], &[Complete, Reopen], &[Delete]] {
        let record = not_in_the_row(kinds);
        let accounting = record.account();
        assert_eq!(unknown_fate(&record, kinds.len()), UnknownFate::Half);
        assert_eq!(accounting.fate_of_event[kinds.len()], Fate::Effect);
        assert_eq!(accounting.intrusions, []);
    }
}

#[test]
fn an_unanswered_change_whose_task_is_gone_is_half_done_unless_a_deletion_tells_why() {
    for kinds in [&[][..], &[Update]] {
        let mut record = history(kinds);
        let last = kinds.len();
        record.operations[last].outcome = unanswered();
        record.tasks.clear();
        assert_eq!(unknown_fate(&record, last), UnknownFate::Half, "{kinds:?}");
        let mut deletion = unchanged(&record, Delete, 1);
        deletion.outcome = refused();
        record.operations.push(deletion);
        assert_eq!(unknown_fate(&record, last), UnknownFate::Half, "{kinds:?}");
    }
    let mut record = history(&[Update, Delete]);
    record.operations[1].outcome = unanswered();
    assert_eq!(unknown_fate(&record, 1), UnknownFate::TookEffect);
}

/// Only the deletion is to blame: it took the row and told nobody.
#[test]
fn an_unanswered_deletion_without_an_event_explains_the_missing_row() {
    let mut record = history(&[Update, Delete]);
    record.operations[1].outcome = unanswered();
    record.operations[2].outcome = unanswered();
    record.effects.pop();
    record.events.pop();
    assert_eq!(unknown_fate(&record, 1), UnknownFate::TookEffect);
    assert_eq!(unknown_fate(&record, 2), UnknownFate::Half);
}

#[test]
fn a_row_behind_an_acknowledged_deletion_is_a_lost_change_at_any_version() {
    for stands_at in [2, 3, 4] {
        let mut record = history(&[Update]);
        let mut row = record.tasks[0].clone();
        sample::change(&mut record, 0, Delete);
        row.version = stands_at;
        record.tasks.push(row);
        let lost = LostChange {
            task_id: sample::task_id(0),
            acknowledged: 3,
            stands_at: Some(stands_at),
        };
        assert_eq!(record.account().lost_changes, [lost]);
    }
}

/// All is acknowledged, told and in effect, but the two cannot both be true.
#[test]
fn a_task_that_a_later_change_brought_back_is_a_lost_deletion() {
    let mut record = history(&[Update, Delete]);
    let mut row = history(&[Update]).tasks.remove(0);
    row.version = 3;
    record.tasks.push(row);
    sample::change(&mut record, 0, Update);
    let accounting = record.account();
    assert_eq!(accounting.identity.effects, 4);
    let lost = LostChange {
        task_id: sample::task_id(0),
        acknowledged: 3,
        stands_at: Some(4),
    };
    assert_eq!(accounting.lost_changes, [lost]);
}

/// A deletion without an event is lost as an operation already.
#[test]
fn a_deletion_that_did_nothing_is_one_loss() {
    let mut record = history(&[Update, Delete]);
    record.tasks = history(&[Update]).tasks;
    record.effects.pop();
    record.events.pop();
    let accounting = record.account();
    assert_eq!(accounting.unplaced().collect::<Vec<_>>(), [2]);
    assert_eq!(accounting.lost_changes, []);
}

/// A history in which the last change is in the row, and no event tells of it.
fn untold(kinds: &[OperationKind]) -> LaneRecord {
    let mut record = history(kinds);
    record.effects.pop();
    record.events.pop();
    record
}

#[test]
fn a_row_that_changed_without_an_event_is_an_intrusion() {
    let row = Intrusion::Task { task: 0 };
    let mut record = untold(&[Complete]);
    record.operations[1].outcome = refused();
    assert_eq!(record.account().intrusions, [row]);
    record.operations.pop();
    assert_eq!(record.account().intrusions, [row], "nobody asked at all");
}

/// An unanswered update would have left its title, and it did not.
#[test]
fn an_unanswered_operation_that_did_not_do_it_excuses_no_row() {
    let mut record = untold(&[Complete]);
    let mut update = unchanged(&record, Update, 2);
    update.outcome = unanswered();
    record.operations[1] = update;
    let accounting = record.account();
    assert_eq!(unknown_fate(&record, 1), UnknownFate::DidNot);
    assert_eq!(accounting.intrusions, [Intrusion::Task { task: 0 }]);
}

#[test]
fn a_row_that_an_operation_is_blamed_for_is_not_blamed_on_nobody_too() {
    for kind in [Update, Complete] {
        let mut record = untold(&[kind]);
        record.operations[1].outcome = unanswered();
        assert_eq!(unknown_fate(&record, 1), UnknownFate::Half);
        assert_eq!(record.account().intrusions, [], "{kind:?}");
    }
    let mut record = untold(&[Update]);
    record.operations[1].outcome = refused();
    let refused_update = Intrusion::FailedTookEffect { operation: 1 };
    assert_eq!(record.account().intrusions, [refused_update]);
}

/// Another lane's task, that this one's scenario addresses: what it is like is not known here.
#[test]
fn a_row_of_a_task_that_was_only_addressed_is_left_alone() {
    let mut record = history(&[]);
    let mut update = unchanged(&record, Update, 1);
    update.outcome = refused();
    assert_eq!(record.operations[0].kind, Create);
    record.operations[0] = update;
    record.events.clear();
    record.effects.clear();
    assert_eq!(record.account().intrusions, []);
}
