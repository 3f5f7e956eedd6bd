use gauntlet_contract::{EventType, LabelId, Priority, Task, TaskStatus};
use gauntlet_domain::{Command, Decision, Edit, NewTask, Rejection, Row, decide};
use jiff::Timestamp;

use crate::support::{at, change, created, fields, ids, new_task, the_event};

fn update(title: Option<&str>, status: Option<TaskStatus>) -> Command {
    Command::Update(Edit {
        title: title.map(str::to_owned),
        status,
        ..Edit::default()
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
    let command = Command::Create(NewTask {
        title: " ".to_owned(),
        description: Some("\0".to_owned()),
        due_date: Some("2026-11-30T17:00".parse().unwrap()),
        time_zone: Some("Mars/Olympus".to_owned()),
        tags: (0..11).map(|_| LabelId::generate()).collect(),
        ..NewTask::default()
    });
    let refused = decide(None, command, at(1), ids()).unwrap_err();
    assert_eq!(
        fields(&refused),
        ["title", "description", "time_zone", "tags"]
    );
}

#[test]
fn completion_happens_once_and_is_undone_once() {
    let ids = ids();
    let task = created(ids);
    let done = change(decide(Some(&task), Command::Complete, at(200), ids).unwrap());
    assert_eq!(done.facts[0].kind, EventType::TaskCompleted);
    assert!(matches!(done.rows[..], [Row::PutTask(Some(1), _)]));
    let done = done.after.unwrap();
    assert_eq!(done.completed_at, Some(at(200)));
    assert_eq!(
        decide(Some(&done), Command::Complete, at(300), ids),
        Ok(Decision::Unchanged(done.clone()))
    );

    let reopened = change(decide(Some(&done), Command::Reopen, at(400), ids).unwrap());
    assert_eq!(reopened.facts[0].kind, EventType::TaskReopened);
    let reopened = reopened.after.unwrap();
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
    assert_eq!(done.facts[0].kind, EventType::TaskCompleted);
    assert_eq!(the_event(&done).new.as_ref().unwrap().title, "buy oat milk");
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
    assert_eq!(earlier.facts[0].time, task.updated_at);
    assert_eq!(earlier.after.unwrap().updated_at, task.updated_at);
}

#[test]
fn times_are_cut_to_the_precision_of_the_store() {
    let now = Timestamp::new(100, 123_456_789).unwrap();
    let change = change(decide(None, new_task("a"), now, ids()).unwrap());
    assert_eq!(
        change.facts[0].time,
        Timestamp::new(100, 123_456_000).unwrap()
    );
}

#[test]
fn what_is_not_there_cannot_be_changed_and_what_is_cannot_be_created() {
    let ids = ids();
    for command in [
        update(Some("a"), None),
        Command::AddTags(vec![LabelId::generate()]),
        Command::RemoveTag(LabelId::generate()),
        Command::Complete,
        Command::Reopen,
        Command::Delete,
    ] {
        assert_eq!(decide(None, command, at(1), ids), Err(Rejection::NotFound));
    }
    let task = created(ids);
    assert_eq!(
        decide(Some(&task), new_task("a"), at(1), ids),
        Err(Rejection::AlreadyExists)
    );
}

/// The state after a command that changes something.
fn after(task: &Task, command: Command) -> Task {
    let ids = ids();
    let change = change(decide(Some(task), command, at(200), ids).unwrap());
    change.after.unwrap()
}

fn due(date: &str, zone: Option<&str>) -> Command {
    Command::Update(Edit {
        due_date: Some(Some(date.parse().unwrap())),
        time_zone: zone.map(str::to_owned),
        ..Edit::default()
    })
}

fn zone(zone: &str) -> Command {
    Command::Update(Edit {
        time_zone: Some(zone.to_owned()),
        ..Edit::default()
    })
}

#[test]
fn a_local_due_date_is_read_in_its_zone_and_an_instant_keeps_its_moment() {
    let task = created(ids());
    assert_eq!(task.due_date, None);
    let local = after(&task, due("2026-07-01T17:00", Some("Europe/Berlin")));
    assert_eq!(
        local.due_date,
        Some("2026-07-01T15:00:00Z".parse().unwrap())
    );
    let instant = after(&local, due("2026-12-01T17:00:00Z", None));
    assert_eq!(
        instant.due_date,
        Some("2026-12-01T17:00:00Z".parse().unwrap())
    );
    assert_eq!(instant.time_zone.as_deref(), Some("Europe/Berlin"), "kept");
    let utc = after(&task, due("2026-07-01T17:00", None));
    assert_eq!(utc.time_zone.as_deref(), Some("UTC"));
}

#[test]
fn a_local_due_date_in_a_gap_moves_forward_and_in_a_fold_is_the_first() {
    let task = created(ids());
    let gap = after(&task, due("2026-03-29T02:30", Some("Europe/Berlin")));
    assert_eq!(gap.due_date, Some("2026-03-29T01:30:00Z".parse().unwrap()));
    let fold = after(&task, due("2026-10-25T02:30", Some("Europe/Berlin")));
    assert_eq!(fold.due_date, Some("2026-10-25T00:30:00Z".parse().unwrap()));
}

#[test]
fn a_zone_alone_keeps_the_local_time_and_clearing_the_date_clears_the_zone() {
    let task = created(ids());
    let berlin = after(&task, due("2026-07-01T17:00", Some("Europe/Berlin")));
    let tokyo = after(&berlin, zone("Asia/Tokyo"));
    assert_eq!(
        tokyo.due_date,
        Some("2026-07-01T08:00:00Z".parse().unwrap())
    );
    let clear = Command::Update(Edit {
        due_date: Some(None),
        ..Edit::default()
    });
    let cleared = after(&tokyo, clear);
    assert_eq!((cleared.due_date, cleared.time_zone), (None, None));
    let refused = decide(Some(&task), zone("Asia/Tokyo"), at(200), ids()).unwrap_err();
    assert_eq!(fields(&refused), ["time_zone"]);
}

#[test]
fn a_due_date_beyond_the_calendar_of_clients_is_refused() {
    let task = created(ids());
    for date in ["1815-06-18T11:30", "9999-06-01T00:00"] {
        let refused = decide(Some(&task), due(date, None), at(200), ids()).unwrap_err();
        assert_eq!(fields(&refused), ["due_date"], "{date}");
    }
}

#[test]
fn tags_are_a_set_that_is_added_to_and_taken_from() {
    let (one, other) = (LabelId::generate(), LabelId::generate());
    let task = created(ids());
    let both = after(&task, Command::AddTags(vec![other, one, other]));
    let mut sorted = vec![one, other];
    sorted.sort();
    assert_eq!(both.tags, sorted);
    let again = decide(Some(&both), Command::AddTags(vec![one]), at(300), ids());
    assert_eq!(again, Ok(Decision::Unchanged(both.clone())));
    let left = after(&both, Command::RemoveTag(one));
    assert_eq!(left.tags, [other]);
    let absent = decide(Some(&left), Command::RemoveTag(one), at(300), ids());
    assert_eq!(absent, Ok(Decision::Unchanged(left.clone())));

    let nine = (0..9).map(|_| LabelId::generate()).collect();
    let full = after(&left, Command::AddTags(nine));
    assert_eq!(full.tags.len(), 10);
    let eleventh = Command::AddTags(vec![LabelId::generate()]);
    let refused = decide(Some(&full), eleventh, at(300), ids()).unwrap_err();
    assert_eq!(fields(&refused), ["tags"]);
}

#[test]
fn a_priority_is_medium_until_it_is_set() {
    let task = created(ids());
    assert_eq!(task.priority, Priority::Medium);
    let urgent = Command::Update(Edit {
        priority: Some(Priority::Urgent),
        ..Edit::default()
    });
    assert_eq!(after(&task, urgent).priority, Priority::Urgent);
}
