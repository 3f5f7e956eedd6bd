use gauntlet_contract::{
    DueDate, EventData, EventType, LabelId, Priority, SeriesId, Task, TaskId, TaskStatus, UserId,
};
use gauntlet_domain::{Change, Command, Decision, Edit, Ids, NewTask, Row, decide};
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

fn due_date() -> impl Strategy<Value = DueDate> {
    prop_oneof![
        (0_i64..3).prop_map(|second| DueDate::Instant(Timestamp::from_second(second).unwrap())),
        Just(DueDate::Local("2026-03-29T02:30".parse().unwrap())),
    ]
}

fn zone() -> impl Strategy<Value = String> {
    prop_oneof![Just("Europe/Berlin"), Just("UTC"), Just("Mars/Olympus")].prop_map(str::to_owned)
}

fn label() -> impl Strategy<Value = LabelId> {
    (1_u128..14).prop_map(|id| LabelId(Uuid::from_u128(id)))
}

fn tags() -> impl Strategy<Value = Vec<LabelId>> {
    proptest::collection::vec(label(), 0..12)
}

fn edit() -> impl Strategy<Value = Edit> {
    use proptest::option::of;
    let title = of("[ ab]{0,3}");
    let description = of(of("[ab\u{0}\n]{0,2}"));
    let priority = of(prop_oneof![Just(Priority::Low), Just(Priority::Urgent)]);
    let when = (of(of(due_date())), of(zone()));
    let labels = (of(of(label())), of(tags()));
    (title, description, of(status()), priority, when, labels).prop_map(
        |(title, description, status, priority, (due_date, time_zone), (category_id, tags))| Edit {
            title,
            description,
            status,
            priority,
            due_date,
            time_zone,
            category_id,
            tags,
        },
    )
}

fn command() -> impl Strategy<Value = Command> {
    // Short alphabets and repeated values make no-ops and refusals as common as changes.
    prop_oneof![
        edit().prop_map(|edit| Command::Create(NewTask {
            title: edit.title.unwrap_or_default(),
            description: edit.description.flatten(),
            due_date: edit.due_date.flatten(),
            time_zone: edit.time_zone,
            tags: edit.tags.unwrap_or_default(),
            ..NewTask::default()
        })),
        edit().prop_map(Command::Update),
        tags().prop_map(Command::AddTags),
        label().prop_map(Command::RemoveTag),
        Just(Command::Complete),
        Just(Command::Reopen),
        Just(Command::Delete),
    ]
}

fn ids() -> Ids {
    Ids {
        task_id: TaskId(Uuid::from_u128(1)),
        user_id: UserId(Uuid::from_u128(2)),
        series_id: SeriesId(Uuid::from_u128(3)),
    }
}

/// The row, the version and the event agree, and the event chains to the state before it.
fn check_change(before: Option<&Task>, change: &Change<Task>) {
    let [fact] = &change.facts[..] else {
        panic!("a task without a series has one event a change: {change:?}");
    };
    let EventData::Task(event) = &fact.data else {
        panic!("an event of something else: {fact:?}");
    };
    assert_eq!(event.version, before.map_or(0, |task| task.version) + 1);
    assert_eq!(event.old.as_ref(), before);
    assert_eq!(event.new, change.after);
    let version = before.map(|task| task.version);
    match &change.rows[..] {
        [Row::PutTask(expected, task)] => {
            assert_eq!(*expected, version);
            assert_eq!(Some(task), change.after.as_ref());
            assert_ne!(Some(task), before);
            check_state(task);
            assert_eq!(task.version, event.version);
            assert!(before.is_none_or(|before| before.updated_at <= task.updated_at));
        }
        [Row::DeleteTask(expected, id)] => {
            assert_eq!((Some(*expected), *id), (version, event.task_id));
            assert_eq!(fact.kind, EventType::TaskDeleted);
        }
        rows => panic!("a change of a task is one row: {rows:?}"),
    }
}

/// What holds of every task, however it came about.
fn check_state(task: &Task) {
    let is_completed = task.status == TaskStatus::Completed;
    assert_eq!(is_completed, task.completed_at.is_some());
    assert_eq!(task.due_date.is_some(), task.time_zone.is_some());
    assert!(task.tags.is_sorted_by(|a, b| a < b) && task.tags.len() <= 10);
}

proptest! {
    #[test]
    fn histories_are_consistent(
        steps in proptest::collection::vec((command(), -5_i64..1_000), 1..40)
    ) {
        let mut state: Option<Task> = None;
        for (command, second) in steps {
            let now = Timestamp::from_second(second).unwrap();
            match decide(state.as_ref(), command, now, ids()) {
                Err(_) => {}
                Ok(Decision::Unchanged(task)) => prop_assert_eq!(Some(&task), state.as_ref()),
                Ok(Decision::Changed(change)) => {
                    check_change(state.as_ref(), &change);
                    state = change.after;
                }
            }
        }
    }

    #[test]
    fn a_command_on_its_own_result_changes_nothing(first in command(), again in command()) {
        let now = Timestamp::from_second(1).unwrap();
        let create = Command::Create(NewTask { title: "a".to_owned(), ..NewTask::default() });
        let Ok(Decision::Changed(created)) = decide(None, create, now, ids()) else {
            panic!("creation refused");
        };
        let mut task = created.after.unwrap();
        for command in [first, again] {
            let once = decide(Some(&task), command.clone(), now, ids());
            if let Ok(Decision::Changed(change)) = once
                && let Some(after) = change.after
            {
                let twice = decide(Some(&after), command, now, ids());
                prop_assert_eq!(twice, Ok(Decision::Unchanged(after.clone())));
                task = after;
            }
        }
    }
}
