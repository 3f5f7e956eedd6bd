use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use gauntlet_contract::{EntityId, Envelope, TaskId, TopicName};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::events::task_event;
use super::recorder::{Recorder, SETTLE_WITHIN};
use super::waiver::{self, Clause, Waiver, assert_unchanged};
use crate::error::PortError;
use crate::messaging::{Ack, Handler, Ingress, Publisher, Settle, Subscription, SubscriptionSet};

/// What the suite needs of a backend. Every case is given a topic of its own, which exists and is
/// empty, and so are its dead letters.
#[async_trait]
pub trait MessagingBackend: Send + Sync {
    fn topic(&self) -> TopicName;

    fn publisher(&self) -> Arc<dyn Publisher>;

    fn ingress(&self, set: SubscriptionSet, stop: CancellationToken) -> Ingress;

    /// Puts bytes on the topic past the publisher, as a foreign producer could.
    async fn inject(&self, key: &str, bytes: &[u8]);

    /// Waits for at least `count` dead letters and answers all that there are, byte by byte.
    async fn dead_letters(&self, count: usize) -> Vec<Vec<u8>>;

    /// What of the contract it does not promise.
    fn waivers(&self) -> &[Waiver] {
        &[]
    }
}

/// Runs every case of the contract, each on a fresh backend from `make`. Panics at the first
/// promise that is broken, and at a waiver that is not needed where a case can tell.
pub async fn messaging_contract<B, F>(make: impl Fn() -> F)
where
    B: MessagingBackend,
    F: Future<Output = B>,
{
    every_event_reaches_every_group(make().await).await;
    events_published_before_the_group_exists_are_handled(make().await).await;
    order_is_kept_per_key(make().await).await;
    a_retry_holds_back_its_own_key_only(make().await).await;
    a_dead_letter_is_parked_and_never_delivered_again(make().await).await;
    undecodable_bytes_block_nothing(make().await).await;
    a_drain_settles_what_was_taken_on(make().await).await;
}

const GROUP: &str = "audit";

/// A consumer at work, in one group.
struct Consumer {
    stop: CancellationToken,
    run: JoinHandle<Result<(), PortError>>,
}

impl Consumer {
    fn start(backend: &impl MessagingBackend, group: &str, handler: Arc<dyn Handler>) -> Self {
        let stop = CancellationToken::new();
        let topic = backend.topic();
        let set = SubscriptionSet::default().with(Subscription {
            group: format!("{topic}.{group}"),
            topic,
            handler,
        });
        let ingress = backend.ingress(set, stop.clone());
        let run = tokio::spawn(ingress.run);
        Self { stop, run }
    }

    async fn drain(self) {
        self.stop.cancel();
        let ended = tokio::time::timeout(SETTLE_WITHIN, self.run).await;
        ended
            .expect("drain did not end in time")
            .expect("ingress panicked")
            .expect("ingress failed");
    }
}

/// `count` events, each of a task of its own.
fn unrelated(count: usize) -> Vec<Envelope> {
    (0..count)
        .map(|_| task_event(TaskId::generate(), 1))
        .collect()
}

/// Publishes one after the other, as the relay does with events of one key.
async fn publish(backend: &impl MessagingBackend, events: &[Envelope]) {
    let publisher = backend.publisher();
    for event in events {
        let acks = publisher
            .publish(&backend.topic(), std::slice::from_ref(event))
            .await;
        assert_eq!(acks, [Ack::Ok], "publish was not acknowledged");
    }
}

async fn every_event_reaches_every_group(backend: impl MessagingBackend) {
    let (audit, recurring) = (
        Arc::new(Recorder::accepting()),
        Arc::new(Recorder::accepting()),
    );
    let consumers = [
        Consumer::start(&backend, GROUP, audit.clone()),
        Consumer::start(&backend, "recurring", recurring.clone()),
    ];
    let events = unrelated(100);
    let acks = backend.publisher().publish(&backend.topic(), &events).await;
    assert_eq!(acks, vec![Ack::Ok; events.len()], "one answer per event");
    for recorder in [audit, recurring] {
        recorder
            .until("every event in every group", |seen| {
                events.iter().all(|event| seen.times(event.id) > 0)
            })
            .await;
        let done = recorder.done();
        let first_of = |event: &Envelope| done.iter().find(|seen| seen.id == event.id).cloned();
        let arrived: Vec<Envelope> = events.iter().filter_map(first_of).collect();
        assert_unchanged(&events, &arrived, backend.waivers());
    }
    for consumer in consumers {
        consumer.drain().await;
    }
}

async fn events_published_before_the_group_exists_are_handled(backend: impl MessagingBackend) {
    let events = unrelated(5);
    publish(&backend, &events).await;
    let recorder = Arc::new(Recorder::accepting());
    let consumer = Consumer::start(&backend, GROUP, recorder.clone());
    recorder
        .until("events from before the group", |seen| {
            events.iter().all(|event| seen.times(event.id) > 0)
        })
        .await;
    consumer.drain().await;
}

async fn order_is_kept_per_key(backend: impl MessagingBackend) {
    const VERSIONS: u64 = 20;
    let tasks: Vec<TaskId> = (0..5).map(|_| TaskId::generate()).collect();
    // Every third event fails once, so that order is also kept across retries.
    let recorder = Arc::new(Recorder::answering(|delivery, before| {
        if version_of(&delivery.envelope).is_multiple_of(3) && before == 0 {
            Settle::Retry
        } else {
            Settle::Done
        }
    }));
    let consumer = Consumer::start(&backend, GROUP, recorder.clone());
    let events: Vec<Envelope> = (1..=VERSIONS)
        .flat_map(|version| tasks.iter().map(move |task| task_event(*task, version)))
        .collect();
    publish(&backend, &events).await;
    recorder
        .until("every version of every task", |seen| {
            let done = seen.done();
            events.iter().all(|e| done.iter().any(|d| d.id == e.id))
        })
        .await;
    // No order shows in one pass whether it could be another, so that nothing more is asked then.
    if waiver::of(backend.waivers(), Clause::OrderPerKey).is_none() {
        assert_in_order(&recorder.done());
    }
    consumer.drain().await;
}

fn assert_in_order(done: &[Envelope]) {
    let mut reached: HashMap<EntityId, u64> = HashMap::new();
    for event in done {
        let version = version_of(event);
        let newest = reached.entry(event.subject).or_default();
        // A duplicate may come late; a version that skips one may not.
        assert!(
            version <= *newest + 1,
            "task {}: version {version} done after version {newest}",
            event.subject
        );
        *newest = version.max(*newest);
    }
}

fn version_of(event: &Envelope) -> u64 {
    event.data.version().expect("an event of a task")
}

/// So many keys that some share whatever they may have to share with one that is stuck.
const OTHERS: usize = 60;
/// Tries that take longer than it takes to handle all others, where those do not wait.
const MANY_TRIES: usize = 30;

async fn a_retry_holds_back_its_own_key_only(backend: impl MessagingBackend) {
    let task_id = TaskId::generate();
    let (stuck, behind) = (task_event(task_id, 1), task_event(task_id, 2));
    let others = unrelated(OTHERS);
    let released = Arc::new(AtomicBool::new(false));
    let recorder = Arc::new(Recorder::answering({
        let (released, stuck) = (Arc::clone(&released), stuck.id);
        move |delivery, _| {
            if delivery.envelope.id == stuck && !released.load(Ordering::SeqCst) {
                Settle::Retry
            } else {
                Settle::Done
            }
        }
    }));
    let consumer = Consumer::start(&backend, GROUP, recorder.clone());
    publish(&backend, &[stuck.clone(), behind.clone()]).await;
    publish(&backend, &others).await;
    let went_on = |seen: &Recorder| others.iter().all(|event| seen.times(event.id) > 0);
    let waiver = waiver::of(backend.waivers(), Clause::RetryHoldsBackItsKeyAlone);
    if let Some(waiver) = waiver {
        recorder
            .until("many tries of what is stuck", |seen| {
                seen.times(stuck.id) >= MANY_TRIES
            })
            .await;
        assert!(!went_on(&recorder), "held all the same: {waiver:?}");
    } else {
        recorder
            .until("other keys while one is stuck", |seen| {
                seen.times(stuck.id) >= 3 && went_on(seen)
            })
            .await;
    }
    if waiver::of(backend.waivers(), Clause::OrderPerKey).is_none() {
        assert_eq!(recorder.times(behind.id), 0, "handled ahead of its key");
    }
    released.store(true, Ordering::SeqCst);
    recorder
        .until("the stuck key and the others, once released", |seen| {
            seen.times(behind.id) > 0 && went_on(seen)
        })
        .await;
    consumer.drain().await;
}

async fn a_dead_letter_is_parked_and_never_delivered_again(backend: impl MessagingBackend) {
    let task_id = TaskId::generate();
    let (poison, behind) = (task_event(task_id, 1), task_event(task_id, 2));
    let recorder = Arc::new(Recorder::answering({
        let poison = poison.id;
        move |delivery, _| {
            if delivery.envelope.id == poison {
                Settle::DeadLetter("poison".to_owned())
            } else {
                Settle::Done
            }
        }
    }));
    let consumer = Consumer::start(&backend, GROUP, recorder.clone());
    publish(&backend, &[poison.clone(), behind.clone()]).await;
    recorder
        .until("what is behind a dead letter", |seen| {
            seen.times(behind.id) > 0
        })
        .await;
    let parked = backend.dead_letters(1).await;
    let parked: Vec<Envelope> = parked
        .iter()
        .map(|bytes| serde_json::from_slice(bytes).expect("dead letter is not intact"))
        .collect();
    assert_unchanged(std::slice::from_ref(&poison), &parked, backend.waivers());
    consumer.drain().await;

    // The acknowledgement of the dead letter outlives the consumer.
    let handled = recorder.times(poison.id);
    let consumer = Consumer::start(&backend, GROUP, recorder.clone());
    let last = unrelated(1);
    publish(&backend, &last).await;
    recorder
        .until("an event after the restart", |seen| {
            seen.times(last[0].id) > 0
        })
        .await;
    assert_eq!(recorder.times(poison.id), handled, "delivered again");
    consumer.drain().await;
}

async fn undecodable_bytes_block_nothing(backend: impl MessagingBackend) {
    let events = unrelated(2);
    let recorder = Arc::new(Recorder::accepting());
    let consumer = Consumer::start(&backend, GROUP, recorder.clone());
    backend.inject(&events[0].partitionkey, b"{not json").await;
    publish(&backend, &events).await;
    recorder
        .until("events behind undecodable bytes", |seen| {
            events.iter().all(|event| seen.times(event.id) > 0)
        })
        .await;
    let parked = backend.dead_letters(1).await;
    assert_eq!(parked, [b"{not json".to_vec()]);
    consumer.drain().await;
}

async fn a_drain_settles_what_was_taken_on(backend: impl MessagingBackend) {
    let recorder = Arc::new(Recorder::accepting());
    let events = unrelated(50);
    publish(&backend, &events).await;
    let consumer = Consumer::start(&backend, GROUP, recorder.clone());
    recorder
        .until("a first event", |seen| !seen.done().is_empty())
        .await;
    consumer.drain().await;

    // What the first consumer had handled is acknowledged, the rest is not lost: together they
    // handle each event exactly once.
    let consumer = Consumer::start(&backend, GROUP, recorder.clone());
    let last = unrelated(1);
    publish(&backend, &last).await;
    recorder
        .until("every event after the drain", |seen| {
            events
                .iter()
                .chain(&last)
                .all(|event| seen.times(event.id) > 0)
        })
        .await;
    for event in events.iter().chain(&last) {
        assert_eq!(recorder.times(event.id), 1, "not once across a drain");
    }
    consumer.drain().await;
}
