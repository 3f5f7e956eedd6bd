//! Tasks that were there before the load: what of them is excused, and what is not.

use super::{
    EventKind, Intrusion, LaneRecord, LostChange, Micros, OperationKind, OperationOutcome, sample,
};

/// Four tasks of a load, and four seeded ones.
fn lane() -> LaneRecord {
    let mut record = sample::lane("a", 4);
    sample::seed(&mut record, 4);
    record
}

#[test]
fn seeded_tasks_are_counted_by_user_and_stay_counted_when_they_are_set_aside() {
    let mut record = lane();
    let mut seeded = record.seeded.clone();
    let [first, other] = [seeded[0].row.user_id, uuid::Uuid::from_u128(1)];
    seeded[3].row.user_id = other;
    record.enter_seeded(seeded);
    record.set_aside_untouched();
    let mut each = record.seeded_each.clone();
    each.sort_unstable_by_key(|(_, tasks)| *tasks);
    assert_eq!(each, [(other, 1), (first, 3)]);
}

#[test]
fn a_seeded_task_that_nothing_changed_is_excused() {
    let accounting = lane().account();
    assert_eq!(accounting.intrusions, []);
    assert_eq!(accounting.lost_changes, []);
    assert_eq!(accounting.identity.effects, 4);
}

#[test]
fn a_seeded_task_is_judged_by_the_changes_that_it_went_through() {
    use OperationKind::{Complete, Delete, Reopen, Update};
    let mut record = lane();
    for (number, kind) in [(0, Complete), (0, Update), (1, Reopen), (2, Delete)] {
        sample::change_seeded(&mut record, number, kind);
    }
    let accounting = record.account();
    assert_eq!(accounting.intrusions, []);
    assert_eq!(accounting.lost_changes, []);
    assert_eq!(accounting.identity.effects, 8);
}

#[test]
fn planted_loss_of_a_seeded_tasks_change_is_found() {
    let mut record = lane();
    sample::change_seeded(&mut record, 0, OperationKind::Update);
    record.effects.pop();
    assert_eq!(record.account().identity.unplaced, 1);
    record.events.pop();
    assert_eq!(record.account().identity.unplaced, 1);
    let row = record.tasks.len() - 4;
    record.tasks[row] = record.seeded[0].row.clone();
    let lost = LostChange {
        task_id: sample::seeded_id(0),
        acknowledged: 2,
        stands_at: Some(1),
    };
    assert_eq!(record.account().lost_changes, [lost]);
}

#[test]
fn planted_disappearance_of_a_seeded_task_is_found() {
    let mut record = lane();
    record.tasks.pop();
    let lost = LostChange {
        task_id: sample::seeded_id(3),
        acknowledged: 1,
        stands_at: None,
    };
    assert_eq!(record.account().lost_changes, [lost]);
}

#[test]
fn planted_changes_of_a_seeded_row_are_found_without_an_event() {
    let spoil: [fn(&mut LaneRecord); 4] = [
        |record| record.tasks[7].version += 1,
        |record| "other".clone_into(&mut record.tasks[7].title),
        |record| "pending".clone_into(&mut record.tasks[7].status),
        // Written again, whatever of it was changed.
        |record| record.tasks[7].committed_at = Some(Micros(1)),
    ];
    for (number, spoil) in spoil.into_iter().enumerate() {
        let mut record = lane();
        spoil(&mut record);
        // And what is found before is found after the untouched ones are set aside.
        for _ in 0..2 {
            let accounting = record.account();
            let intrusion = Intrusion::Task {
                task: record.tasks.len() - 1,
            };
            assert_eq!(accounting.intrusions, [intrusion], "{number}");
            record.set_aside_untouched();
        }
        assert_eq!((record.untouched, record.tasks.len()), (3, 5));
    }
}

#[test]
fn planted_event_of_a_seeded_task_that_nobody_asked_for_is_found() {
    let mut record = lane();
    sample::change_seeded(&mut record, 0, OperationKind::Update);
    record.operations.pop();
    let intrusion = Intrusion::Event { event: 4 };
    assert!(record.account().intrusions.contains(&intrusion));
}

#[test]
fn a_completion_that_found_a_seeded_task_completed_owes_nothing() {
    let mut record = lane();
    // Of a task that is open it would be a lie.
    for (number, unplaced) in [(1, 0), (0, 1)] {
        let mut completed = record.operations[0].clone();
        completed.kind = OperationKind::Complete;
        completed.task_id = Some(sample::seeded_id(number));
        completed.outcome = OperationOutcome::Ok {
            task_id: sample::seeded_id(number),
            version: Some(1),
        };
        record.operations.push(completed);
        assert_eq!(record.account().identity.unplaced, unplaced);
    }
}

#[test]
fn a_completion_behind_an_update_finds_what_was_seeded() {
    let mut record = lane();
    sample::change_seeded(&mut record, 1, OperationKind::Update);
    let mut completed = record.operations[4].clone();
    completed.kind = OperationKind::Complete;
    record.operations.push(completed);
    assert_eq!(
        record.events[4].kind,
        Some(EventKind::Task(OperationKind::Update))
    );
    assert_eq!(record.account().identity.unplaced, 0);
}

#[test]
fn what_was_addressed_or_changed_is_not_set_aside() {
    let mut record = lane();
    sample::change_seeded(&mut record, 0, OperationKind::Update);
    sample::change_seeded(&mut record, 1, OperationKind::Delete);
    let mut refused = record.operations[4].clone();
    refused.task_id = Some(sample::seeded_id(2));
    refused.outcome = OperationOutcome::Failed {
        reason: "412".to_owned(),
    };
    record.operations.push(refused);
    let before = record.account();
    record.set_aside_untouched();
    assert_eq!((record.untouched, record.seeded.len()), (1, 3));
    assert_eq!((record.tasks.len(), record.details.len()), (6, 6));
    let after = record.account();
    assert_eq!(after.identity, before.identity);
    assert_eq!((after.intrusions, after.lost_changes), (vec![], vec![]));
}
