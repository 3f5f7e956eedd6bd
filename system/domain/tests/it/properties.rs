use gauntlet_contract::{EventId, EventType, Task, TaskId, TaskStatus, UserId};
use gauntlet_domain::{Command, Decision, Edit, Ids, Outcome, decide};
use jiff::Timestamp;
use proptest::prelude::*;
use uuid::Uuid;

fn status() -> impl Strategy<Value = TaskStatus> {
    prop_oneof![
        Just(TaskStatus::Pending),
        Just(TaskStatus::InProgress),
        Just(TaskStatus::Completed),
    ]
}

fn command() -> impl Strategy<Value = Command> {
    // Short alphabets and repeated values make no-ops and refusals as common as changes.
    let title = "[ ab]{0,3}";
    let description = "[ab\u{0}\n]{0,2}";
    prop_oneof![
        (title, proptest::option::of(description))
            .prop_map(|(title, description)| Command::Create { title, description }),
        (
            proptest::option::of(title),
            proptest::option::of(proptest::option::of(description)),
            proptest::option::of(status()),
        )
            .prop_map(|(title, description, status)| Command::Update(Edit {
                title,
                description,
                status
            })),
        Just(Command::Complete),
        Just(Command::Reopen),
        Just(Command::Delete),
    ]
}

fn ids(step: usize) -> Ids {
    Ids {
        task_id: TaskId(Uuid::from_u128(1)),
        user_id: UserId(Uuid::from_u128(2)),
        event_id: EventId(Uuid::from_u128(1_000 + step as u128)),
    }
}

/// The row, the version and the event agree, and the event chains to the state before it.
fn check_change(before: Option<&Task>, change: &gauntlet_domain::Change, ids: Ids) {
    let event = &change.event.data;
    assert_eq!(change.event.id, ids.event_id);
    assert_eq!(change.event.partitionkey, event.task_id.to_string());
    assert_eq!(change.expected_version, before.map(|task| task.version));
    assert_eq!(event.version, before.map_or(0, |task| task.version) + 1);
    assert_eq!(event.old.as_ref(), before);
    match &change.outcome {
        Outcome::Put(task) => {
            assert_eq!(event.new.as_ref(), Some(task));
            assert_eq!(task.version, event.version);
            assert_ne!(Some(task), before);
            assert_eq!(
                task.status == TaskStatus::Completed,
                task.completed_at.is_some()
            );
            assert!(before.is_none_or(|before| before.updated_at <= task.updated_at));
        }
        Outcome::Delete(id) => {
            assert_eq!(event.new, None);
            assert_eq!(*id, event.task_id);
            assert_eq!(change.event.kind, EventType::TaskDeleted);
        }
    }
}

proptest! {
    #[test]
    fn histories_are_consistent(
        steps in proptest::collection::vec((command(), -5_i64..1_000), 1..40)
    ) {
        let mut state: Option<Task> = None;
        for (step, (command, second)) in steps.into_iter().enumerate() {
            let now = Timestamp::from_second(second).unwrap();
            let ids = ids(step);
            match decide(state.as_ref(), command, now, ids) {
                Err(_) => {}
                Ok(Decision::Unchanged(task)) => prop_assert_eq!(Some(&task), state.as_ref()),
                Ok(Decision::Changed(change)) => {
                    check_change(state.as_ref(), &change, ids);
                    state = match change.outcome {
                        Outcome::Put(task) => Some(task),
                        Outcome::Delete(_) => None,
                    };
                }
            }
        }
    }

    #[test]
    fn a_command_on_its_own_result_changes_nothing(first in command(), again in command()) {
        let now = Timestamp::from_second(1).unwrap();
        let create = Command::Create { title: "a".to_owned(), description: None };
        let Ok(Decision::Changed(created)) = decide(None, create, now, ids(0)) else {
            panic!("creation refused");
        };
        let mut task = created.event.data.new.unwrap();
        for command in [first, again] {
            let once = decide(Some(&task), command.clone(), now, ids(1));
            if let Ok(Decision::Changed(change)) = once
                && let Outcome::Put(after) = change.outcome
            {
                let twice = decide(Some(&after), command, now, ids(2));
                prop_assert_eq!(twice, Ok(Decision::Unchanged(after.clone())));
                task = after;
            }
        }
    }
}
