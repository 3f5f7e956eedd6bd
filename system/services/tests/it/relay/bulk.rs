//! Many events in a call: what that must not change, and what it saves.

use std::collections::HashSet;

use gauntlet_contract::recurrence::InstanceSettled;
use gauntlet_contract::{Envelope, EventData, EventType, SeriesId, envelope};
use gauntlet_ports::Commit;

use super::*;

const BATCH_MAX: usize = 100;

/// In bulk, with a store of its own, where nobody wakes the relay.
fn start() -> Running {
    let store = MemoryStore::new("");
    let outbox = MemoryOutbox::new(store.clone());
    let settings = RelaySettings {
        batch_max: BATCH_MAX,
        in_flight_max: 2,
        ..RelaySettings::default()
    };
    Running::with(store, outbox, Bus::new(), settings)
}

#[tokio::test(start_paused = true)]
async fn a_call_publishes_many_events_and_one_of_a_subject() {
    let relay = start();
    let mut tasks = Vec::new();
    for number in 0..250 {
        let task = relay.create(&format!("task {number}")).await;
        relay.rename(&task, "renamed").await;
        tasks.push(task);
    }
    relay.drained().await;
    let calls = relay.bus.calls.lock().unwrap().clone();
    for (_, subjects) in &calls {
        assert!(subjects.len() <= BATCH_MAX);
        let distinct: HashSet<_> = subjects.iter().collect();
        assert_eq!(distinct.len(), subjects.len(), "two events of a subject");
    }
    // 500 events; a full call takes a hundred, and each of the two versions leaves a rest.
    assert!(calls.len() <= 10, "{} calls", calls.len());
    for task in tasks {
        assert_eq!(relay.bus.versions_of(task.id), [1, 2]);
    }
    relay.end().await;
}

#[tokio::test(start_paused = true)]
async fn an_event_that_a_batch_failed_for_holds_back_only_its_subject() {
    let relay = start();
    let mut tasks = Vec::new();
    for number in 0..10 {
        tasks.push(relay.create(&format!("task {number}")).await);
    }
    let stuck = tasks[4].id;
    relay
        .bus
        .answer(stuck, std::iter::repeat_n(rejected(), 1_000));
    for task in &tasks {
        relay.rename(task, "renamed").await;
    }
    let published = relay.outbox.marked_at_least(18);
    tokio::time::timeout(WITHIN, published).await.unwrap();
    relay.bus.attempted(25).await;
    for task in &tasks {
        let versions = relay.bus.versions_of(task.id);
        if task.id == stuck {
            assert!(versions.iter().all(|version| *version == 1), "{versions:?}");
        } else {
            assert_eq!(versions, [1, 2]);
        }
    }
    // Once alone, always alone: nothing healthy is sent again with it.
    let calls = relay.bus.calls.lock().unwrap().clone();
    let with_stuck: Vec<_> = calls
        .iter()
        .filter(|(_, subjects)| subjects.contains(&stuck.into()))
        .collect();
    assert!(
        with_stuck[1..]
            .iter()
            .all(|(_, subjects)| subjects.len() == 1)
    );
    relay.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_batch_without_an_answer_is_repeated_with_the_same_events() {
    let relay = start();
    *relay.bus.is_silent.lock().unwrap() = true;
    let mut tasks = Vec::new();
    for number in 0..3 {
        tasks.push(relay.create(&format!("task {number}")).await);
    }
    relay.bus.attempted(3).await;
    *relay.bus.is_silent.lock().unwrap() = false;
    relay.drained().await;
    let attempts = relay.bus.attempts.borrow().clone();
    for task in tasks {
        let ids: Vec<_> = attempts
            .iter()
            .filter(|(subject, ..)| *subject == task.id.into())
            .map(|(_, event, _)| *event)
            .collect();
        assert_eq!(ids.len(), 2);
        assert_eq!(ids[0], ids[1]);
    }
    relay.end().await;
}

/// A poll for each event of a busy subject would let its backlog grow without bound.
#[tokio::test(start_paused = true)]
async fn the_events_of_a_subject_follow_each_other_without_a_poll_between() {
    let relay = start();
    let mut task = relay.create("0").await;
    for number in 1..20 {
        task = relay.rename(&task, &format!("{number}")).await;
    }
    relay.bus.attempted(1).await;
    let first = tokio::time::Instant::now();
    relay.drained().await;
    assert!(first.elapsed() < RelaySettings::default().poll_every);
    assert_eq!(relay.bus.versions_of(task.id), (1..=20).collect::<Vec<_>>());
    relay.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_call_is_for_one_topic() {
    let relay = start();
    for number in 0..4 {
        let task = sample::task(UserId::generate(), &format!("task {number}"));
        relay.store.commit(&sample::creation(&task)).await.unwrap();
        let settled = EventData::Settled(InstanceSettled {
            series_id: SeriesId::generate(),
            number: 1,
            task_id: TaskId::generate(),
            user_id: task.user_id,
            settled_at: task.updated_at,
        });
        let event = Envelope::new(
            EventId::generate(),
            envelope::SOURCE_API,
            EventType::InstanceSettled,
            task.updated_at,
            settled,
        );
        let commit = Commit {
            user_id: task.user_id,
            rows: Vec::new(),
            events: vec![event],
            answer: None,
        };
        relay.store.commit(&commit).await.unwrap();
    }
    relay.drained().await;
    let calls = relay.bus.calls.lock().unwrap().clone();
    let told: HashSet<_> = calls
        .iter()
        .map(|(topic, subjects)| (topic.as_str(), subjects.len()))
        .collect();
    assert_eq!(
        told,
        HashSet::from([("task-events", 4), ("task-recurrence", 4)])
    );
    relay.end().await;
}
