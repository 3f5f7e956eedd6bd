mod bulk;
mod crash;

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use gauntlet_contract::{EntityId, Envelope, EventId, Task, TaskId, TopicName, UserId};
use gauntlet_ports::testsuite::storage::{MemoryOutbox, MemoryStore, sample};
use gauntlet_ports::{Ack, CommitStore as _, OutboxQueue as _, Publisher};
use gauntlet_services::relay::{Relay, RelaySettings, Retention};
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// On the paused clock of these tests this is no wait, only an end to a hang.
const WITHIN: Duration = Duration::from_mins(1);

/// Where one call of the publisher went, and with events of which subjects.
type Call = (TopicName, Vec<EntityId>);

/// A bus whose answers a test chooses. Without a choice it acknowledges.
#[derive(Clone)]
struct Bus {
    script: Arc<Mutex<HashMap<EntityId, VecDeque<Ack>>>>,
    attempts: Arc<watch::Sender<Vec<(EntityId, EventId, u64)>>>,
    calls: Arc<Mutex<Vec<Call>>>,
    is_silent: Arc<Mutex<bool>>,
}

impl Bus {
    fn new() -> Self {
        Self {
            script: Arc::default(),
            attempts: Arc::new(watch::Sender::new(Vec::new())),
            calls: Arc::default(),
            is_silent: Arc::default(),
        }
    }

    fn answer(&self, task: TaskId, acks: impl IntoIterator<Item = Ack>) {
        let mut script = self.script.lock().unwrap();
        script.entry(task.into()).or_default().extend(acks);
    }

    fn versions_of(&self, task: TaskId) -> Vec<u64> {
        let attempts = self.attempts.borrow();
        let of_task = attempts.iter().filter(|(id, ..)| *id == task.into());
        of_task.map(|(.., version)| *version).collect()
    }

    async fn attempted(&self, count: usize) {
        let mut attempts = self.attempts.subscribe();
        let enough = attempts.wait_for(|attempts| attempts.len() >= count);
        tokio::time::timeout(WITHIN, enough).await.unwrap().unwrap();
    }
}

#[async_trait]
impl Publisher for Bus {
    async fn publish(&self, topic: &TopicName, events: &[Envelope]) -> Vec<Ack> {
        let subjects = events.iter().map(|event| event.subject).collect();
        self.calls.lock().unwrap().push((topic.clone(), subjects));
        let mut acks = Vec::new();
        for event in events {
            let attempt = (event.subject, event.id, event.data.version().unwrap_or(0));
            self.attempts.send_modify(|attempts| attempts.push(attempt));
            let scripted = {
                let mut script = self.script.lock().unwrap();
                script.get_mut(&event.subject).and_then(VecDeque::pop_front)
            };
            acks.push(scripted.unwrap_or(Ack::Ok));
        }
        let is_silent = *self.is_silent.lock().unwrap();
        if is_silent {
            std::future::pending::<()>().await;
        }
        acks
    }
}

struct Running {
    store: MemoryStore,
    outbox: MemoryOutbox,
    bus: Bus,
    wake: Arc<Notify>,
    stop: CancellationToken,
    relay: JoinHandle<()>,
}

impl Running {
    fn start() -> Self {
        let store = MemoryStore::new("");
        let outbox = MemoryOutbox::new(store.clone());
        Self::over(store, outbox, Bus::new())
    }

    fn over(store: MemoryStore, outbox: MemoryOutbox, bus: Bus) -> Self {
        Self::with(store, outbox, bus, RelaySettings::default())
    }

    fn with(store: MemoryStore, outbox: MemoryOutbox, bus: Bus, settings: RelaySettings) -> Self {
        let wake = Arc::new(Notify::new());
        let stop = CancellationToken::new();
        let relay = Relay::new(
            Arc::new(outbox.clone()),
            Arc::new(bus.clone()),
            Arc::clone(&wake),
            settings,
        );
        let relay = tokio::spawn(relay.run(stop.clone()));
        Self {
            store,
            outbox,
            bus,
            wake,
            stop,
            relay,
        }
    }

    /// With so long a retention, and everything else as it is.
    fn keeping(retention: Retention) -> Self {
        let store = MemoryStore::new("");
        let outbox = MemoryOutbox::new(store.clone());
        let settings = RelaySettings {
            retention,
            purge_max: 2,
            ..RelaySettings::default()
        };
        Self::with(store, outbox, Bus::new(), settings)
    }

    async fn create(&self, title: &str) -> Task {
        let task = sample::task(UserId::generate(), title);
        self.store.commit(&sample::creation(&task)).await.unwrap();
        task
    }

    async fn rename(&self, task: &Task, title: &str) -> Task {
        let renamed = sample::renamed(task, title);
        self.store
            .commit(&sample::update(task, &renamed))
            .await
            .unwrap();
        renamed
    }

    async fn drained(&self) {
        tokio::time::timeout(WITHIN, self.outbox.drained())
            .await
            .unwrap();
    }

    async fn end(self) {
        self.stop.cancel();
        tokio::time::timeout(WITHIN, self.relay)
            .await
            .unwrap()
            .unwrap();
    }
}

fn unknown() -> Ack {
    Ack::Unknown("no answer".to_owned())
}

fn rejected() -> Ack {
    Ack::Rejected("no".to_owned())
}

#[tokio::test(start_paused = true)]
async fn what_is_committed_is_published_and_marked() {
    let relay = Running::start();
    for number in 0..100 {
        relay.create(&format!("task {number}")).await;
    }
    relay.wake.notify_one();
    relay.drained().await;
    let attempts = relay.bus.attempts.borrow().clone();
    assert_eq!(attempts.len(), 100);
    assert_eq!(relay.outbox.marked().len(), 100);
    relay.end().await;
}

#[tokio::test(start_paused = true)]
async fn an_unknown_event_is_repeated_before_the_next_of_its_task() {
    let relay = Running::start();
    let first = sample::task(UserId::generate(), "first");
    relay.bus.answer(first.id, [unknown(), unknown()]);
    relay.store.commit(&sample::creation(&first)).await.unwrap();
    let second = relay.rename(&first, "second").await;
    relay.rename(&second, "third").await;
    relay.wake.notify_one();
    relay.drained().await;
    assert_eq!(relay.bus.versions_of(first.id), [1, 1, 1, 2, 3]);
    let attempts = relay.bus.attempts.borrow().clone();
    // The same event, not a new one that tells the same.
    assert!(
        attempts[..3]
            .iter()
            .all(|(_, event, _)| *event == attempts[0].1)
    );
    relay.end().await;
}

#[tokio::test(start_paused = true)]
async fn an_event_of_several_attempts_is_timed_from_the_first() {
    let relay = Running::start();
    let task = sample::task(UserId::generate(), "third time lucky");
    relay.bus.answer(task.id, [unknown(), rejected()]);
    relay.store.commit(&sample::creation(&task)).await.unwrap();
    relay.wake.notify_one();
    relay.drained().await;
    // Nothing but the two waits takes time on this clock, each at least half as long as it may be.
    let waited = RelaySettings::default().backoff_first * 3 / 2;
    let took = relay.outbox.marked()[0].took.unwrap();
    assert!(took >= waited, "{took:?} of at least {waited:?}");
    relay.end().await;
}

#[tokio::test(start_paused = true)]
async fn an_event_that_another_relay_attempted_has_no_time() {
    let first = Running::start();
    let task = sample::task(UserId::generate(), "handed over");
    let never = std::iter::repeat_n(rejected(), 1_000);
    first.bus.answer(task.id, never);
    first.store.commit(&sample::creation(&task)).await.unwrap();
    first.wake.notify_one();
    first.bus.attempted(2).await;
    let (store, outbox) = (first.store.clone(), first.outbox.for_another_relay());
    first.end().await;
    let second = Running::over(store, outbox, Bus::new());
    second.drained().await;
    assert_eq!(second.outbox.marked()[0].took, None);
    second.end().await;
}

#[tokio::test(start_paused = true)]
async fn tasks_that_are_rejected_hold_back_only_themselves() {
    let relay = Running::start();
    let settings = RelaySettings::default();
    // More than can be in flight at once: waiting must not occupy a slot.
    for number in 0..settings.in_flight_max * 2 {
        let stuck = relay.create(&format!("stuck {number}")).await;
        relay
            .bus
            .answer(stuck.id, std::iter::repeat_n(rejected(), 1_000));
    }
    relay.wake.notify_one();
    relay.bus.attempted(settings.in_flight_max * 2).await;
    let healthy = relay.create("healthy").await;
    relay.wake.notify_one();
    let published = relay.outbox.marked_at_least(1);
    tokio::time::timeout(WITHIN, published).await.unwrap();
    assert_eq!(relay.bus.versions_of(healthy.id), [1]);
    assert_eq!(relay.outbox.marked().len(), 1);
    relay.end().await;
}

#[tokio::test(start_paused = true)]
async fn an_event_committed_while_its_task_is_busy_follows_without_a_poll() {
    let relay = Running::start();
    let first = relay.create("first").await;
    relay.wake.notify_one();
    relay.bus.attempted(1).await;
    let before = tokio::time::Instant::now();
    relay.rename(&first, "second").await;
    relay.wake.notify_one();
    relay.bus.attempted(2).await;
    assert!(before.elapsed() < RelaySettings::default().poll_every);
    assert_eq!(relay.bus.versions_of(first.id), [1, 2]);
    relay.end().await;
}

#[tokio::test(start_paused = true)]
async fn an_event_that_nobody_woke_the_relay_for_is_found() {
    let relay = Running::start();
    relay.create("from another replica").await;
    relay.bus.attempted(1).await;
    relay.drained().await;
    relay.end().await;
}

#[tokio::test(start_paused = true)]
async fn an_outage_of_the_outbox_loses_and_repeats_nothing() {
    let relay = Running::start();
    let task = relay.create("patient").await;
    relay.wake.notify_one();
    relay.bus.attempted(1).await;
    relay.outbox.take_down();
    let second = relay.rename(&task, "second").await;
    relay.rename(&second, "third").await;
    let felt = relay.outbox.refused_at_least(5);
    tokio::time::timeout(WITHIN, felt).await.unwrap();
    relay.outbox.bring_up();
    relay.drained().await;
    assert_eq!(relay.bus.versions_of(task.id), [1, 2, 3]);
    relay.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_second_relay_waits_until_the_first_has_given_its_leases_back() {
    let first = Running::start();
    first.create("first").await;
    first.drained().await;
    let outbox = first.outbox.for_another_relay();
    let second = Running::over(first.store.clone(), outbox, Bus::new());
    first.create("second").await;
    first.drained().await;
    assert_eq!(second.bus.attempts.borrow().len(), 0);
    let store = first.store.clone();
    first.end().await;
    let task = sample::task(UserId::generate(), "third");
    store.commit(&sample::creation(&task)).await.unwrap();
    second.drained().await;
    assert_eq!(second.bus.versions_of(task.id), [1]);
    second.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_publisher_that_never_answers_counts_as_unknown() {
    let relay = Running::start();
    *relay.bus.is_silent.lock().unwrap() = true;
    let task = relay.create("unheard").await;
    relay.wake.notify_one();
    relay.bus.attempted(1).await;
    *relay.bus.is_silent.lock().unwrap() = false;
    relay.drained().await;
    assert_eq!(relay.bus.versions_of(task.id), [1, 1]);
    relay.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_drain_ends_the_waits_and_leaves_the_rest_for_the_next_relay() {
    let relay = Running::start();
    let stuck = sample::task(UserId::generate(), "stuck");
    relay
        .bus
        .answer(stuck.id, std::iter::repeat_n(rejected(), 1_000));
    relay.store.commit(&sample::creation(&stuck)).await.unwrap();
    relay.wake.notify_one();
    relay.bus.attempted(3).await;
    let outbox = relay.outbox.clone();
    relay.end().await;
    assert_eq!(outbox.depth().await.unwrap(), 1);
    assert!(outbox.for_another_relay().renew(WITHIN).await.unwrap() > 0);
}

#[tokio::test(start_paused = true)]
async fn published_events_are_purged_after_their_retention_and_unpublished_ones_never() {
    let kept = Duration::from_mins(10);
    let relay = Running::keeping(Retention::For(kept));
    let stuck = sample::task(UserId::generate(), "stuck");
    let never = std::iter::repeat_n(rejected(), 100_000);
    relay.bus.answer(stuck.id, never);
    relay.store.commit(&sample::creation(&stuck)).await.unwrap();
    // More than one statement deletes.
    for number in 0..5 {
        relay.create(&format!("task {number}")).await;
    }
    relay.wake.notify_one();
    relay.outbox.marked_at_least(5).await;
    let published = tokio::time::Instant::now();
    let early = tokio::time::timeout(kept, relay.outbox.purged_at_least(1)).await;
    assert!(early.is_err(), "purged before its time");
    let purged = relay.outbox.purged_at_least(5);
    tokio::time::timeout(RelaySettings::default().purge_every * 2, purged)
        .await
        .unwrap();
    assert!(published.elapsed() >= kept);
    assert_eq!(relay.outbox.purged(), 5);
    assert_eq!(relay.outbox.depth().await.unwrap(), 1);
    relay.end().await;
}

#[tokio::test(start_paused = true)]
async fn without_a_retention_nothing_is_purged() {
    let relay = Running::keeping(Retention::Unlimited);
    relay.create("kept").await;
    relay.drained().await;
    let hours = tokio::time::timeout(Duration::from_hours(2), relay.outbox.purged_at_least(1));
    assert!(hours.await.is_err(), "purged");
    relay.end().await;
}
