use gauntlet_contract::{EventId, EventType, Task, TaskId, TaskStatus, UserId};
use gauntlet_domain::{Change, Command, Decision, Edit, Ids, Outcome, Rejection, decide};
use jiff::Timestamp;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn ids() -> Ids {
    Ids {
        task_id: TaskId::generate(),
        user_id: UserId::generate(),
        event_id: EventId::generate(),
    }
}

fn change(decision: Decision) -> Change {
    match decision {
        Decision::Changed(change) => *change,
        Decision::Unchanged(task) => panic!("nothing changed: {task:?}"),
    }
}

fn created(ids: Ids) -> Task {
    let command = Command::Create {
        title: "  buy milk ".to_owned(),
        description: None,
    };
    match change(decide(None, command, at(100), ids).unwrap()).outcome {
        Outcome::Put(task) => task,
        Outcome::Delete(_) => panic!("a creation deleted"),
    }
}

fn update(title: Option<&str>, status: Option<TaskStatus>) -> Command {
    Command::Update(Edit {
        title: title.map(str::to_owned),
        description: None,
        status,
    })
}

#[test]
fn a_creation_trims_the_title_and_starts_at_version_1() {
    let task = created(ids());
    assert_eq!(task.title, "buy milk");
    assert_eq!(task.version, 1);
    assert_eq!(task.status, TaskStatus::Pending);
}

#[test]
fn every_violation_is_reported_at_once() {
    let command = Command::Create {
        title: " ".to_owned(),
        description: Some("\0".to_owned()),
    };
    let Err(Rejection::Invalid(violations)) = decide(None, command, at(1), ids()) else {
        panic!("accepted");
    };
    let fields: Vec<_> = violations.iter().map(|v| v.field).collect();
    assert_eq!(fields, ["title", "description"]);
}

#[test]
fn completion_happens_once_and_is_undone_once() {
    let ids = ids();
    let task = created(ids);
    let done = change(decide(Some(&task), Command::Complete, at(200), ids).unwrap());
    assert_eq!(done.event.kind, EventType::TaskCompleted);
    assert_eq!(done.expected_version, Some(1));
    let Outcome::Put(done) = done.outcome else {
        panic!("a completion deleted");
    };
    assert_eq!(done.completed_at, Some(at(200)));
    assert_eq!(
        decide(Some(&done), Command::Complete, at(300), ids),
        Ok(Decision::Unchanged(done.clone()))
    );

    let reopened = change(decide(Some(&done), Command::Reopen, at(400), ids).unwrap());
    assert_eq!(reopened.event.kind, EventType::TaskReopened);
    let Outcome::Put(reopened) = reopened.outcome else {
        panic!("a reopening deleted");
    };
    assert_eq!(reopened.completed_at, None);
    assert_eq!(
        decide(Some(&reopened), Command::Reopen, at(500), ids),
        Ok(Decision::Unchanged(reopened.clone()))
    );
}

#[test]
fn an_update_through_completion_is_told_as_completion() {
    let ids = ids();
    let task = created(ids);
    let both = update(Some("buy oat milk"), Some(TaskStatus::Completed));
    let done = change(decide(Some(&task), both, at(200), ids).unwrap());
    assert_eq!(done.event.kind, EventType::TaskCompleted);
    assert_eq!(done.event.data.new.unwrap().title, "buy oat milk");
}

#[test]
fn a_title_that_is_the_same_after_trimming_changes_nothing() {
    let ids = ids();
    let task = created(ids);
    let same = update(Some(" buy milk  "), None);
    assert_eq!(
        decide(Some(&task), same, at(200), ids),
        Ok(Decision::Unchanged(task.clone()))
    );
}

#[test]
fn a_clock_that_steps_back_does_not_age_the_task() {
    let ids = ids();
    let task = created(ids);
    let earlier = change(decide(Some(&task), Command::Complete, at(50), ids).unwrap());
    let new = earlier.event.data.new.unwrap();
    assert_eq!(new.updated_at, task.updated_at);
    assert_eq!(earlier.event.time, task.updated_at);
}

#[test]
fn times_are_cut_to_the_precision_of_the_store() {
    let now = Timestamp::new(100, 123_456_789).unwrap();
    let command = Command::Create {
        title: "a".to_owned(),
        description: None,
    };
    let change = change(decide(None, command, now, ids()).unwrap());
    assert_eq!(change.event.time, Timestamp::new(100, 123_456_000).unwrap());
}

#[test]
fn what_is_not_there_cannot_be_changed_and_what_is_cannot_be_created() {
    let ids = ids();
    for command in [
        update(Some("a"), None),
        Command::Complete,
        Command::Reopen,
        Command::Delete,
    ] {
        assert_eq!(decide(None, command, at(1), ids), Err(Rejection::NotFound));
    }
    let task = created(ids);
    let again = Command::Create {
        title: "a".to_owned(),
        description: None,
    };
    assert_eq!(
        decide(Some(&task), again, at(1), ids),
        Err(Rejection::AlreadyExists)
    );
}
