//! A crash at every await point.
//!
//! Every call of a port has an await point before its effect and one after. A life of the system (both
//! relays and the audit handler) ends at the first of them, in another world at the second, and so on
//! until a life ends by itself; its tasks are dropped where they stand. Then a fresh one finishes the
//! work on what the ports hold. Points inside the relay and the handler need no cases of their own: what
//! happens between two calls of ports is seen by nobody.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};

use gauntlet_contract::AuditEntry;
use gauntlet_contract::{EventData, LabelKind, Topic};
use gauntlet_ports::testsuite::messaging::MemoryBroker;
use gauntlet_ports::testsuite::storage::MemoryAuditLog;
use gauntlet_ports::{
    AuditLog, AuditQuery, Gap, OutboxEntry, OutboxQueue, PortError, Recorded, Sent, Subscription,
    SubscriptionSet,
};
use gauntlet_services::consumers::AuditHandler;
use tokio::task::yield_now;

use super::*;

/// A life that ends by itself passes more points than this; fewer would not be the system.
const POINTS_MIN: usize = 60;
/// More than any life passes: one that went round in circles would have no end.
const POINTS_MAX: usize = 10_000;
/// How long a buffer keeps what it has acknowledged: longer than it takes to mark it.
const BUFFERED_POINTS: usize = 10;

/// Counts await points, and is where a life ends.
#[derive(Debug)]
struct Crash {
    at: usize,
    passed: AtomicUsize,
    came: Notify,
}

impl Crash {
    fn at(point: usize) -> Arc<Self> {
        Arc::new(Self {
            at: point,
            passed: AtomicUsize::new(0),
            came: Notify::new(),
        })
    }

    fn never() -> Arc<Self> {
        Self::at(usize::MAX)
    }

    async fn point(&self) {
        if self.passed.fetch_add(1, Ordering::AcqRel) >= self.at {
            self.came.notify_one();
            std::future::pending::<()>().await;
        }
        yield_now().await;
    }

    async fn around<T>(&self, effect: impl Future<Output = T>) -> T {
        self.point().await;
        let answer = effect.await;
        self.point().await;
        answer
    }
}

/// A defect in a port that the crash must bring to light.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Defect {
    None,
    /// The inbox is written first, in a transaction of its own.
    InboxBeforeEffect,
    /// An event is acknowledged when it is in a buffer, and not yet on the bus.
    AckBeforePublish,
}

/// A port whose calls have await points.
#[derive(Clone)]
struct Fragile<T> {
    port: T,
    crash: Arc<Crash>,
    defect: Defect,
    /// The inbox of the defect.
    seen: Arc<Mutex<HashSet<EventId>>>,
}

#[async_trait]
impl OutboxQueue for Fragile<MemoryOutbox> {
    async fn renew(&self, ttl: Duration) -> Result<u32, PortError> {
        self.crash.around(self.port.renew(ttl)).await
    }

    async fn unsent(&self, limit: u32, busy: &[EntityId]) -> Result<Vec<OutboxEntry>, PortError> {
        self.crash.around(self.port.unsent(limit, busy)).await
    }

    async fn mark_sent(&self, sent: &[Sent]) -> Result<u64, PortError> {
        self.crash.around(self.port.mark_sent(sent)).await
    }

    async fn mark_attempted(&self, seqs: &[i64]) -> Result<(), PortError> {
        self.crash.around(self.port.mark_attempted(seqs)).await
    }

    async fn purge_sent(&self, older_than: Duration, limit: u32) -> Result<u64, PortError> {
        self.crash
            .around(self.port.purge_sent(older_than, limit))
            .await
    }

    async fn depth(&self) -> Result<u64, PortError> {
        self.crash.around(self.port.depth()).await
    }

    async fn release(&self) -> Result<(), PortError> {
        self.crash.around(self.port.release()).await
    }
}

#[async_trait]
impl Publisher for Fragile<MemoryBroker> {
    async fn publish(&self, topic: &TopicName, events: &[Envelope]) -> Vec<Ack> {
        if self.defect != Defect::AckBeforePublish {
            return self.crash.around(self.port.publish(topic, events)).await;
        }
        let (this, topic, events) = (self.clone(), topic.clone(), events.to_vec());
        let acks = vec![Ack::Ok; events.len()];
        tokio::spawn(async move {
            for _ in 0..BUFFERED_POINTS {
                this.crash.point().await;
            }
            this.port.publish(&topic, &events).await
        });
        self.crash.point().await;
        acks
    }
}

#[async_trait]
impl AuditLog for Fragile<MemoryAuditLog> {
    async fn record(&self, events: &[Envelope]) -> Vec<Result<Recorded, PortError>> {
        if self.defect != Defect::InboxBeforeEffect {
            return self.crash.around(self.port.record(events)).await;
        }
        let mut answers = Vec::new();
        for event in events {
            let is_fresh = self.seen.lock().unwrap().insert(event.id);
            self.crash.point().await;
            answers.push(if is_fresh {
                self.port
                    .record(std::slice::from_ref(event))
                    .await
                    .remove(0)
            } else {
                Ok(Recorded::Duplicate)
            });
        }
        answers
    }

    async fn release(&self, patience: Duration) -> Result<Vec<Gap>, PortError> {
        self.crash.around(self.port.release(patience)).await
    }

    async fn count_failure(&self, event: &Envelope) -> Result<u32, PortError> {
        self.crash.around(self.port.count_failure(event)).await
    }

    async fn query(&self, query: &AuditQuery) -> Result<Vec<AuditEntry>, PortError> {
        self.crash.around(self.port.query(query)).await
    }
}

/// What outlives a crash.
struct World {
    store: MemoryStore,
    outbox: MemoryOutbox,
    log: MemoryAuditLog,
    told: MemoryOutbox,
    broker: MemoryBroker,
    defect: Defect,
    seen: Arc<Mutex<HashSet<EventId>>>,
}

impl World {
    /// With events of four subjects, all of them committed.
    async fn new(defect: Defect) -> Self {
        let store = MemoryStore::new("");
        let log = MemoryAuditLog::default();
        let user_id = UserId::generate();
        for number in 0..3 {
            let task = sample::task(user_id, &format!("task {number}"));
            let renamed = sample::renamed(&task, "renamed");
            for commit in [
                sample::creation(&task),
                sample::update(&task, &renamed),
                sample::deletion(&renamed),
            ] {
                store.commit(&commit).await.unwrap();
            }
        }
        let label = sample::label(user_id, LabelKind::Tag, "tag");
        store.commit(&sample::label_creation(&label)).await.unwrap();
        Self {
            outbox: MemoryOutbox::new(store.clone()),
            told: log.outbox(),
            store,
            log,
            broker: MemoryBroker::default(),
            defect,
            seen: Arc::default(),
        }
    }

    fn fragile<T>(&self, port: T, crash: &Arc<Crash>) -> Fragile<T> {
        Fragile {
            port,
            crash: Arc::clone(crash),
            defect: self.defect,
            seen: Arc::clone(&self.seen),
        }
    }

    /// One life: ends with the crash, or when there is nothing left to do. Whether it did the latter. Everything
    /// that it started is dropped with its runtime.
    fn live(&self, crash: &Arc<Crash>) -> bool {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        let runtime = builder.enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let in_bulk = RelaySettings {
                batch_max: 100,
                in_flight_max: 2,
                ..RelaySettings::default()
            };
            self.relay(&self.outbox, RelaySettings::default(), crash);
            self.relay(&self.told, in_bulk, crash);
            let handler = AuditHandler::new(Arc::new(self.fragile(self.log.clone(), crash)));
            let set = SubscriptionSet::default().with(Subscription {
                topic: topic(Topic::TaskEvents),
                group: "audit".to_owned(),
                handler: Arc::new(handler),
            });
            let never = CancellationToken::new();
            tokio::spawn(self.broker.ingress(&set, &never).run);
            tokio::select! {
                () = crash.came.notified() => false,
                // On the paused clock this is no wait: a life that can do no more gets there at once.
                done = tokio::time::timeout(WITHIN, self.all_done()) => done.is_ok(),
            }
        })
    }

    /// Each life's relays are holders of their own, as processes are; what the former ones held runs out.
    fn relay(&self, outbox: &MemoryOutbox, settings: RelaySettings, crash: &Arc<Crash>) {
        let relay = Relay::new(
            Arc::new(self.fragile(outbox.clone(), crash)),
            Arc::new(self.fragile(self.broker.clone(), crash)),
            Arc::new(Notify::new()),
            settings,
        );
        tokio::spawn(relay.run(CancellationToken::new()));
    }

    /// Every event leaves a line, and every line is marked as published once.
    async fn all_done(&self) {
        self.outbox.drained().await;
        self.told.marked_at_least(self.store.events().len()).await;
    }

    /// The same world to another life's relays.
    fn reborn(self) -> Self {
        Self {
            outbox: self.outbox.for_another_relay(),
            told: self.told.for_another_relay(),
            ..self
        }
    }

    /// What the crash must not have broken.
    fn check(&self) -> Result<(), String> {
        let committed = self.store.events();
        let published = self.first_published(Topic::TaskEvents);
        same_by_subject("events", &committed, &published)?;

        let trail = self.log.trail();
        let mut lines: HashMap<EventId, usize> = HashMap::new();
        for line in &trail {
            *lines.entry(line.event_id).or_default() += 1;
        }
        for event in &committed {
            match lines.get(&event.id) {
                Some(1) => {}
                count => return Err(format!("{count:?} lines of {}", event.id)),
            }
        }
        let told = self.first_published(Topic::AuditLogs);
        let told_lines: Vec<_> = told.iter().map(|event| &event.data).cloned().collect();
        for line in &trail {
            let copies = told_lines
                .iter()
                .filter(|data| **data == EventData::Audit(line.clone()))
                .count();
            if copies != 1 {
                return Err(format!("{copies} ids tell of line {}", line.seq));
            }
        }
        let mut by_line = told.clone();
        by_line.sort_by_key(seq);
        same_by_subject("lines", &by_line, &told)
    }

    /// The events on a topic, each where it stood first.
    fn first_published(&self, kind: Topic) -> Vec<Envelope> {
        let mut seen = HashSet::new();
        let messages = self.broker.contents(&topic(kind));
        let events = messages
            .iter()
            .map(|bytes| serde_json::from_slice::<Envelope>(bytes).unwrap());
        events.filter(|event| seen.insert(event.id)).collect()
    }
}

/// Whether both hold the same events, and those of each subject in the same order.
fn same_by_subject(what: &str, expected: &[Envelope], found: &[Envelope]) -> Result<(), String> {
    let by_subject = |events: &[Envelope]| {
        let mut ids: HashMap<EntityId, Vec<EventId>> = HashMap::new();
        for event in events {
            ids.entry(event.subject).or_default().push(event.id);
        }
        ids
    };
    if by_subject(expected) == by_subject(found) {
        Ok(())
    } else {
        Err(format!("{what}: {expected:?} became {found:?}"))
    }
}

fn seq(event: &Envelope) -> i64 {
    match &event.data {
        EventData::Audit(entry) => entry.seq,
        data => panic!("no line of the trail: {data:?}"),
    }
}

fn topic(topic: Topic) -> TopicName {
    TopicName::new("", topic)
}

/// A world after a crash at this point and a life to the end; and whether the first life got there by itself.
fn crashed_at(point: usize, defect: Defect) -> (World, bool) {
    let setting_up = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let world = setting_up.block_on(World::new(defect));
    let crash = Crash::at(point);
    let is_whole = world.live(&crash);
    let world = world.reborn();
    world.live(&Crash::never());
    (world, is_whole)
}

#[test]
fn a_crash_at_any_point_loses_nothing_and_leaves_every_effect_once() {
    let whole = (0..POINTS_MAX).find(|point| {
        let (world, is_whole) = crashed_at(*point, Defect::None);
        assert_eq!(world.check(), Ok(()), "after a crash at point {point}");
        is_whole
    });
    let points = whole.expect("a life that ends by itself");
    assert!(points >= POINTS_MIN, "only {points} points");
}

/// What the check above is worth: a port that does not keep its promise is found out by some crash.
#[test]
fn a_port_that_promises_too_early_is_found_out_by_a_crash() {
    for defect in [Defect::InboxBeforeEffect, Defect::AckBeforePublish] {
        let is_found = (0..POINTS_MAX)
            .map(|point| crashed_at(point, defect))
            .take_while(|(_, is_whole)| !is_whole)
            .any(|(world, _)| world.check().is_err());
        assert!(is_found, "{defect:?}");
    }
}
