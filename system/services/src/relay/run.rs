use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use gauntlet_contract::EntityId;
use gauntlet_ports::{OutboxEntry, OutboxQueue, PortError, Publisher};
use tokio::sync::{Notify, Semaphore};
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::marker::Marker;
use super::publish::{Ended, Publication};
use super::purge::purge;
use super::settings::RelaySettings;
use crate::telemetry::{OUTBOX_DEPTH, RELAY_SHARDS_HELD, chain};

/// Publishes an outbox through a publisher.
pub struct Relay {
    queue: Arc<dyn OutboxQueue>,
    publisher: Arc<dyn Publisher>,
    wake: Arc<Notify>,
    settings: RelaySettings,
    status: RelayStatus,
}

impl std::fmt::Debug for Relay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Relay")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

/// What others may know of a relay. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct RelayStatus {
    is_failing: Arc<AtomicBool>,
}

impl RelayStatus {
    /// Whether the last attempt to publish failed. False before the first.
    pub fn is_failing(&self) -> bool {
        self.is_failing.load(Ordering::Acquire)
    }
}

impl Relay {
    /// `wake` is notified by whoever commits events in this process.
    pub fn new(
        queue: Arc<dyn OutboxQueue>,
        publisher: Arc<dyn Publisher>,
        wake: Arc<Notify>,
        settings: RelaySettings,
    ) -> Self {
        Self {
            queue,
            publisher,
            wake,
            settings,
            status: RelayStatus::default(),
        }
    }

    pub fn status(&self) -> RelayStatus {
        self.status.clone()
    }

    /// Runs until `stop` is cancelled; then waits for what is in flight, and gives the leases back.
    /// Troubles of the outbox or the bus are waited out, so this does not fail.
    pub async fn run(self, stop: CancellationToken) {
        let (marker, marking) = Marker::start(Arc::clone(&self.queue));
        let mut running = Running {
            publication: Publication {
                publisher: self.publisher,
                marker,
                slots: Arc::new(Semaphore::new(self.settings.in_flight_max)),
                lease: Arc::default(),
                is_failing: self.status.is_failing,
                stop: stop.clone(),
                settings: self.settings,
            },
            queue: Arc::clone(&self.queue),
            taken: HashMap::new(),
            publications: JoinSet::new(),
            is_cut_off: false,
        };
        // Dropping a call to the outbox midway is safe at every point: an entry is taken only
        // once it is in `taken`.
        let purging = purge(self.queue.as_ref(), self.settings);
        let working = async { tokio::join!(running.relay(&self.wake), purging) };
        stop.run_until_cancelled(working).await;
        while running.publications.join_next().await.is_some() {}
        drop(running);
        if let Err(error) = marking.await {
            tracing::error!(%error, "the marking of published events broke off");
        }
        if let Err(error) = self.queue.release().await {
            tracing::warn!(
                error = chain(&error),
                "leases were not given back; they run out"
            );
        }
    }
}

/// The relay at work. All of this is lost in a crash and rebuilt from the outbox: it holds nothing
/// that the database does not know better.
struct Running {
    publication: Publication,
    queue: Arc<dyn OutboxQueue>,
    /// Subjects with an event in our hands, and whether somebody may have committed since: if so, the
    /// subject may have another event, which no selection could show while it was in our hands.
    taken: HashMap<EntityId, bool>,
    publications: JoinSet<Ended>,
    is_cut_off: bool,
}

impl Running {
    async fn relay(&mut self, wake: &Notify) {
        let settings = self.publication.settings;
        let mut renewals = interval(settings.renew_every);
        let mut polls = interval(settings.poll_every);
        for ticks in [&mut renewals, &mut polls] {
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        }
        loop {
            tokio::select! {
                // Leases first: without them nothing else may go on. Finished publications before
                // new ones, so that what is taken stays bounded.
                biased;
                _ = renewals.tick() => self.renew().await,
                Some(done) = self.publications.join_next() => {
                    if self.settle(done) {
                        self.take().await;
                    }
                }
                () = wake.notified() => {
                    self.taken.values_mut().for_each(|is_stale| *is_stale = true);
                    self.take().await;
                }
                _ = polls.tick() => self.take().await,
            }
        }
    }

    async fn renew(&mut self) {
        let RelaySettings {
            outbox,
            lease_ttl: ttl,
            ..
        } = self.publication.settings;
        // The lease runs from before the call: the answer may have taken its time.
        let asked_at = Instant::now();
        match self.queue.renew(ttl).await {
            Ok(shards) => {
                let until = (shards > 0).then(|| asked_at + ttl);
                self.publication.lease.set(until);
                metrics::gauge!(RELAY_SHARDS_HELD, "outbox" => outbox).set(f64::from(shards));
                self.connected();
            }
            // What was granted before still runs.
            Err(error) => self.cut_off(&error),
        }
        // In step with the lease: often enough for a gauge, and not once per event.
        if let Ok(depth) = self.queue.depth().await {
            let depth = u32::try_from(depth).unwrap_or(u32::MAX);
            metrics::gauge!(OUTBOX_DEPTH, "outbox" => outbox).set(f64::from(depth));
        }
    }

    /// Puts away a finished publication and all others that have finished by now. Answers whether
    /// it is worth asking the outbox for more.
    fn settle(&mut self, first: Result<Ended, JoinError>) -> bool {
        let was_full = self.free() == 0;
        let mut is_stale = self.give_back(first);
        while let Some(done) = self.publications.try_join_next() {
            is_stale |= self.give_back(done);
        }
        is_stale || was_full
    }

    fn give_back(&mut self, done: Result<Ended, JoinError>) -> bool {
        match done {
            Ok(ended) => {
                for failed in ended.failed {
                    let publication = self.publication.clone();
                    self.publications.spawn(publication.retry(failed));
                }
                let mut is_stale = false;
                for subject in ended.free {
                    is_stale |= self.taken.remove(&subject).unwrap_or(false);
                }
                is_stale
            }
            // Its subjects would stay taken, silently and for ever: better that the process ends.
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(_cancelled) => false,
            },
        }
    }

    /// How many more events may be taken.
    fn free(&self) -> usize {
        let max = self.publication.settings.taken_max;
        max.saturating_sub(self.taken.len())
    }

    /// Takes as many events as there is room for and starts publishing them.
    async fn take(&mut self) {
        let free = u32::try_from(self.free()).unwrap_or(u32::MAX);
        if free == 0 || !self.publication.lease.is_held() {
            return;
        }
        let busy: Vec<_> = self.taken.keys().copied().collect();
        match self.queue.unsent(free, &busy).await {
            Ok(entries) => {
                self.connected();
                let batch_max = self.publication.settings.batch_max;
                for batch in batches(entries, batch_max) {
                    // In bulk, what was committed while a batch was under way makes the next one, whether
                    // or not anybody woke the relay for it.
                    let is_stale = batch_max > 1;
                    let subjects = batch.iter().map(|entry| (entry.envelope.subject, is_stale));
                    self.taken.extend(subjects);
                    let publication = self.publication.clone();
                    self.publications.spawn(publication.carry_out(batch));
                }
            }
            Err(error) => self.cut_off(&error),
        }
    }

    /// Says once that the outbox cannot be reached.
    fn cut_off(&mut self, error: &PortError) {
        if !self.is_cut_off {
            tracing::warn!(error = chain(error), "the outbox does not answer; retrying");
        }
        self.is_cut_off = true;
    }

    fn connected(&mut self) {
        if self.is_cut_off {
            tracing::info!("the outbox answers again");
        }
        self.is_cut_off = false;
    }
}

/// Puts events of one topic together, at most `max` of them.
fn batches(entries: Vec<OutboxEntry>, max: usize) -> Vec<Vec<OutboxEntry>> {
    let mut batches = Vec::new();
    let mut open: BTreeMap<_, Vec<OutboxEntry>> = BTreeMap::new();
    for entry in entries {
        let batch = open.entry(entry.topic.clone()).or_default();
        batch.push(entry);
        if batch.len() >= max {
            batches.push(std::mem::take(batch));
        }
    }
    batches.extend(open.into_values().filter(|batch| !batch.is_empty()));
    batches
}
