use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use gauntlet_contract::TaskId;
use gauntlet_ports::{Ack, OutboxEntry, Publisher, Sent};
use jiff::Timestamp;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::backoff::Backoff;
use super::lease::Lease;
use super::marker::Marker;
use super::settings::RelaySettings;
use crate::telemetry::{RELAY_FAILURES_TOTAL, RELAY_LAG_SECONDS};

/// What every publication of a relay shares.
#[derive(Clone)]
pub(super) struct Publication {
    pub(super) publisher: Arc<dyn Publisher>,
    pub(super) marker: Marker,
    pub(super) slots: Arc<Semaphore>,
    pub(super) lease: Arc<Lease>,
    pub(super) is_failing: Arc<AtomicBool>,
    pub(super) stop: CancellationToken,
    pub(super) settings: RelaySettings,
}

impl Publication {
    /// Publishes one event until it is known to be published and marked as such, or the relay
    /// stops or loses its lease. Answers the task, which is free for its next event then.
    pub(super) async fn carry_out(self, entry: OutboxEntry) -> TaskId {
        let task_id = entry.envelope.subject;
        let mut backoff = Backoff::new(self.settings.backoff_first, self.settings.backoff_max);
        let mut began = None;
        while let Some(attempt) = self.attempt(&entry, &mut began).await {
            match attempt {
                Attempt::Published(sent) => {
                    self.marker.sent(sent).await;
                    return task_id;
                }
                Attempt::Failed => self.marker.attempted(entry.seq).await,
            }
            // A waiting event occupies no slot: it must not hold back healthy ones.
            tokio::select! {
                () = self.stop.cancelled() => return task_id,
                () = tokio::time::sleep(backoff.next_wait()) => {}
            }
        }
        task_id
    }

    /// One attempt; none when the relay may not publish any more. Once begun it is not cut short:
    /// the answer is worth waiting for even while draining. The first one sets when the event's
    /// publication `began`.
    async fn attempt(&self, entry: &OutboxEntry, began: &mut Option<Began>) -> Option<Attempt> {
        let _slot = tokio::select! {
            () = self.stop.cancelled() => return None,
            slot = self.slots.acquire() => slot.ok()?,
        };
        // Waiting for the slot may have outlasted the lease.
        if !self.lease.is_held() {
            return None;
        }
        let began = *began.get_or_insert_with(Began::now);
        let events = std::slice::from_ref(&entry.envelope);
        let publishing = self.publisher.publish(&entry.topic, events);
        let acks = tokio::time::timeout(self.settings.publish_timeout, publishing).await;
        let took = began.clock.elapsed();
        let (outcome, reason) = match acks.ok().and_then(|mut acks| acks.pop()) {
            Some(Ack::Ok) => {
                self.succeeded(entry);
                return Some(Attempt::Published(Sent {
                    seq: entry.seq,
                    started_at: began.at,
                    took: (entry.attempts == 0).then_some(took),
                }));
            }
            Some(Ack::Rejected(reason)) => ("rejected", reason),
            Some(Ack::Unknown(reason)) => ("unknown", reason),
            None => ("unknown", "the publisher did not answer".to_owned()),
        };
        self.failed(entry, outcome, &reason);
        Some(Attempt::Failed)
    }

    /// Told once per recovery, as the failure was.
    fn succeeded(&self, entry: &OutboxEntry) {
        // From the decision, on the wall clock: the commit itself has no time stamp to read here.
        let lag = Timestamp::now().duration_since(entry.envelope.time);
        metrics::histogram!(RELAY_LAG_SECONDS).record(lag.as_secs_f64().max(0.0));
        if self.is_failing.swap(false, Ordering::AcqRel) {
            tracing::info!("publishing works again");
        }
    }

    fn failed(&self, entry: &OutboxEntry, outcome: &'static str, reason: &str) {
        metrics::counter!(RELAY_FAILURES_TOTAL, "outcome" => outcome).increment(1);
        let id = entry.envelope.id;
        // Aloud once; an outage would otherwise write a line for each event and attempt.
        if self.is_failing.swap(true, Ordering::AcqRel) {
            tracing::debug!(event_id = %id, outcome, reason, "not published yet");
        } else {
            tracing::warn!(event_id = %id, outcome, reason, "publishing fails; retrying");
        }
    }
}

/// When the first attempt at an event began, on both clocks. Not before it had its slot: waiting for
/// one is the queue of our own bound, and not the publishing.
#[derive(Clone, Copy)]
struct Began {
    at: Timestamp,
    clock: Instant,
}

impl Began {
    fn now() -> Self {
        Self {
            at: Timestamp::now(),
            clock: Instant::now(),
        }
    }
}

/// Rejected and unknown are alike from here on: the event is repeated until it is known. A
/// rejection may heal, and skipping it would break the order that consumers are promised.
enum Attempt {
    Published(Sent),
    Failed,
}
