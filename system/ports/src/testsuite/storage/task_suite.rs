use gauntlet_contract::{
    EntityId, Envelope, EventData, EventId, EventType, LabelKind, Priority, Task, TaskStatus,
    TopicName, envelope, recurrence::InstanceSettled, recurrence::Mode,
};
use jiff::{Timestamp, ToSpan};

use super::check::{depth, done, find, refused, somebody};
use super::sample;
use super::stores::Stores;
use crate::error::PortErrorKind;
use crate::storage::{Commit, OutboxEntry, OutboxQueue};

/// Longer than any run of the suite.
const LEASE: std::time::Duration = std::time::Duration::from_mins(10);

/// Runs the cases of commits and single tasks. `outbox` is the same store's: what is committed must come
/// out of it. Nobody else may hold its leases or write to it meanwhile.
pub async fn task_store_suite(store: &dyn Stores, outbox: &dyn OutboxQueue) {
    a_row_comes_back_as_it_was_committed(store).await;
    times_come_back_to_the_microsecond(store).await;
    a_task_is_its_owners_alone(store).await;
    a_conflict_writes_neither_row_nor_event(store, outbox).await;
    of_several_rows_all_are_written_or_none(store, outbox).await;
    a_deleted_task_is_gone(store).await;
    what_cannot_be_stored_is_invalid(store, outbox).await;
    events_go_to_the_topics_of_their_types_in_order(store, outbox).await;
}

/// To the last character and digit: what a client reads must be what its event told.
async fn a_row_comes_back_as_it_was_committed(store: &dyn Stores) {
    let user_id = somebody();
    let [red, blue] = ["red", "blue"].map(|name| sample::label(user_id, LabelKind::Tag, name));
    let home = sample::label(user_id, LabelKind::Category, "home");
    for label in [&red, &blue, &home] {
        done(store, &sample::label_creation(label)).await;
    }
    let mut tags = vec![red.id, blue.id];
    tags.sort();
    let series = sample::series(user_id, Mode::OnCompletion);
    let mut task = Task {
        title: "Grüße, \"quoted\" \\ 🦀 it's".to_owned(),
        description: Some("two\nlines\tand a tab; ' : * & | ! ( ) <-> \\' ''".to_owned()),
        priority: Priority::Urgent,
        category_id: Some(home.id),
        tags,
        ..sample::instance(&series, 1)
    };
    task.time_zone = Some("Asia/Kathmandu".to_owned());
    done(store, &sample::creation(&task)).await;
    assert_eq!(find(store, &task).await.as_ref(), Some(&task));

    let mut bare = sample::renamed(&task, "done");
    bare.description = None;
    bare.priority = Priority::Low;
    bare.due_date = None;
    bare.time_zone = None;
    bare.category_id = None;
    bare.tags.clear();
    bare.occurrence = None;
    bare.status = TaskStatus::Completed;
    bare.completed_at = Some(bare.updated_at);
    done(store, &sample::update(&task, &bare)).await;
    assert_eq!(find(store, &task).await, Some(bare));
}

/// Due dates are people's to choose. A store that computes with floating point numbers loses a
/// microsecond from the year 2255 on.
async fn times_come_back_to_the_microsecond(store: &dyn Stores) {
    let user_id = somebody();
    for due in [
        "1970-01-01T00:00:00Z",
        "1883-11-18T17:00:00.000001Z",
        "2038-01-19T03:14:07.999999Z",
        "2300-02-28T23:59:59.000001Z",
        "9999-12-29T23:59:59.999999Z",
    ] {
        let due: Timestamp = due.parse().expect("a time");
        let mut task = sample::task(user_id, "due far away");
        task.due_date = Some(due);
        task.time_zone = Some("UTC".to_owned());
        done(store, &sample::creation(&task)).await;
        assert_eq!(find(store, &task).await, Some(task));
    }
}

/// Both ways: a stranger neither reads nor writes, and is told the same as of an absent task.
async fn a_task_is_its_owners_alone(store: &dyn Stores) {
    let task = sample::task(somebody(), "mine");
    done(store, &sample::creation(&task)).await;
    let stranger = somebody();
    let found = store.find(stranger, task.id).await.expect("find");
    assert_eq!(found, None);

    let mut taken = sample::renamed(&task, "stolen");
    taken.user_id = stranger;
    let claims = sample::task(stranger, "had it before");
    let mut theft = sample::update(
        &Task {
            user_id: stranger,
            ..task.clone()
        },
        &taken,
    );
    refused(store, &theft, PortErrorKind::Conflict).await;
    let mut deletion = sample::deletion(&task);
    deletion.user_id = stranger;
    refused(store, &deletion, PortErrorKind::Conflict).await;
    let mut squat = claims;
    squat.id = task.id;
    refused(store, &sample::creation(&squat), PortErrorKind::Conflict).await;
    // A commit that is not even of one user is a defect of the caller.
    theft.user_id = task.user_id;
    refused(store, &theft, PortErrorKind::Invalid).await;
    assert_eq!(find(store, &task).await, Some(task));
}

/// The event is the half that is easily forgotten: an outbox row without its change would tell of
/// something that never happened.
async fn a_conflict_writes_neither_row_nor_event(store: &dyn Stores, outbox: &dyn OutboxQueue) {
    let first = sample::task(somebody(), "first");
    let second = sample::renamed(&first, "second");
    done(store, &sample::creation(&first)).await;
    done(store, &sample::update(&first, &second)).await;
    let before = depth(outbox).await;

    let absent = sample::task(first.user_id, "absent");
    for stale in [
        sample::creation(&first),
        sample::update(&first, &sample::renamed(&first, "late")),
        sample::deletion(&first),
        sample::update(&absent, &sample::renamed(&absent, "nowhere")),
        sample::deletion(&absent),
    ] {
        refused(store, &stale, PortErrorKind::Conflict).await;
    }
    assert_eq!(find(store, &first).await, Some(second));
    assert_eq!(depth(outbox).await, before);
}

async fn of_several_rows_all_are_written_or_none(store: &dyn Stores, outbox: &dyn OutboxQueue) {
    let user_id = somebody();
    let [one, other, third] = ["one", "other", "third"].map(|title| sample::task(user_id, title));
    let both = sample::together([sample::creation(&one), sample::creation(&other)]);
    let before = depth(outbox).await;
    done(store, &both).await;
    assert_eq!(depth(outbox).await, before + 2);

    let stale = sample::together([
        sample::creation(&third),
        sample::update(&one, &sample::renamed(&one, "new")),
        sample::deletion(&sample::renamed(&other, "at a version that is not there")),
    ]);
    refused(store, &stale, PortErrorKind::Conflict).await;
    assert_eq!(find(store, &one).await.as_ref(), Some(&one));
    assert_eq!(find(store, &third).await, None);
    assert_eq!(depth(outbox).await, before + 2);

    let renamed = sample::renamed(&one, "new");
    let mixed = sample::together([
        sample::creation(&third),
        sample::update(&one, &renamed),
        sample::deletion(&other),
    ]);
    done(store, &mixed).await;
    assert_eq!(find(store, &third).await, Some(third));
    assert_eq!(find(store, &one).await, Some(renamed));
    assert_eq!(find(store, &other).await, None);
}

async fn a_deleted_task_is_gone(store: &dyn Stores) {
    let task = sample::task(somebody(), "short-lived");
    done(store, &sample::creation(&task)).await;
    done(store, &sample::deletion(&task)).await;
    assert_eq!(find(store, &task).await, None);
}

/// The domain refuses it first; a store that took it for an outage would be asked again for ever.
async fn what_cannot_be_stored_is_invalid(store: &dyn Stores, outbox: &dyn OutboxQueue) {
    let before = depth(outbox).await;
    let task = sample::task(somebody(), "NUL cannot be stored: \0");
    refused(store, &sample::creation(&task), PortErrorKind::Invalid).await;
    assert_eq!(find(store, &task).await, None);
    assert_eq!(depth(outbox).await, before);
}

/// One commit, two topics. What an event says of its version must be what the outbox orders it by.
async fn events_go_to_the_topics_of_their_types_in_order(
    store: &dyn Stores,
    outbox: &dyn OutboxQueue,
) {
    assert!(outbox.renew(LEASE).await.expect("renew") > 0);
    let series = sample::series(somebody(), Mode::OnCompletion);
    let task = sample::instance(&series, 1);
    let mut settled = sample::renamed(&task, "done");
    settled.status = TaskStatus::Completed;
    settled.completed_at = Some(task.updated_at + 1.second());
    done(store, &sample::creation(&task)).await;
    let mut completion: Commit = sample::update(&task, &settled);
    completion.events.push(settlement(&settled));
    done(store, &completion).await;

    let told = drain(outbox, task.id.into()).await;
    let topics: Vec<_> = told.iter().map(|entry| &entry.topic).collect();
    let suffixes = ["task-events", "task-events", "task-recurrence"];
    assert!(
        topics.len() == 3
            && topics
                .iter()
                .zip(suffixes)
                .all(|(topic, suffix): (&&TopicName, _)| topic.as_str().ends_with(suffix)),
        "{topics:?}"
    );
    let envelopes: Vec<_> = told.into_iter().map(|entry| entry.envelope).collect();
    assert_eq!(envelopes[1..], completion.events);
    outbox.release().await.expect("release");
}

fn settlement(task: &Task) -> Envelope {
    let occurrence = task.occurrence.expect("an instance");
    let settled_at = task.completed_at.expect("completed");
    let data = EventData::Settled(InstanceSettled {
        series_id: occurrence.series_id,
        number: occurrence.number,
        task_id: task.id,
        user_id: task.user_id,
        settled_at,
    });
    let kind = EventType::InstanceSettled;
    Envelope::new(
        EventId::generate(),
        envelope::SOURCE_API,
        kind,
        settled_at,
        data,
    )
}

/// Publishes everything and answers what was about the subject.
async fn drain(outbox: &dyn OutboxQueue, subject: EntityId) -> Vec<OutboxEntry> {
    let mut of_subject = Vec::new();
    loop {
        let entries = outbox.unsent(1_000, &[]).await.expect("unsent");
        if entries.is_empty() {
            return of_subject;
        }
        let proofs: Vec<_> = entries.iter().map(sample::proof).collect();
        outbox.mark_sent(&proofs).await.expect("mark");
        let of_it = |entry: &OutboxEntry| entry.envelope.subject == subject;
        of_subject.extend(entries.into_iter().filter(of_it));
    }
}
