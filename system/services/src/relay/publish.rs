use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::future::join_all;
use gauntlet_contract::{EntityId, Envelope, TopicName};
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
use crate::traces::{self, TraceSpan};

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

/// How a publication ended.
#[derive(Default)]
pub(super) struct Ended {
    /// Subjects that are free for their next event.
    pub(super) free: Vec<EntityId>,
    /// Events that are not known to be published, each to be gone on with by [`Publication::retry`].
    pub(super) failed: Vec<Failed>,
}

/// An event after an attempt.
pub(super) struct Failed {
    entry: OutboxEntry,
    began: Began,
}

impl Publication {
    /// Publishes events of one topic, each of another subject, in one call, and marks those that are known
    /// to be published. Does nothing when the relay stops or loses its lease before its turn comes.
    pub(super) async fn carry_out(self, entries: Vec<OutboxEntry>) -> Ended {
        let Some(topic) = entries.first().map(|entry| entry.topic.clone()) else {
            return Ended::default();
        };
        let (rows, events): (Vec<_>, Vec<_>) = entries
            .into_iter()
            .map(|entry| ((entry.seq, entry.attempts), entry.envelope))
            .unzip();
        let Some(answer) = self.attempt(&topic, &events, None).await else {
            let free = events.iter().map(|event| event.subject).collect();
            let failed = Vec::new();
            return Ended { free, failed };
        };
        let mut ended = Ended::default();
        let mut published = Vec::new();
        for ((seq, attempts), (envelope, is_published)) in rows
            .into_iter()
            .zip(events.into_iter().zip(answer.published))
        {
            let (began, took) = (answer.began, answer.took);
            if is_published {
                ended.free.push(envelope.subject);
                published.push(self.marker.sent(began.proof(seq, attempts, took)));
            } else {
                self.marker.attempted(seq).await;
                let entry = OutboxEntry {
                    seq,
                    topic: topic.clone(),
                    envelope,
                    attempts,
                };
                ended.failed.push(Failed { entry, began });
            }
        }
        join_all(published).await;
        ended
    }

    /// Publishes an event, after a wait and by itself, until it is known to be published and marked as
    /// such, or the relay stops or loses its lease.
    pub(super) async fn retry(self, failed: Failed) -> Ended {
        let Failed { entry, began } = failed;
        let mut backoff = Backoff::new(self.settings.backoff_first, self.settings.backoff_max);
        let ended = Ended {
            free: vec![entry.envelope.subject],
            failed: Vec::new(),
        };
        loop {
            // A waiting event occupies no slot: it must not hold back healthy ones.
            tokio::select! {
                () = self.stop.cancelled() => return ended,
                () = tokio::time::sleep(backoff.next_wait()) => {}
            }
            let events = std::slice::from_ref(&entry.envelope);
            let Some(answer) = self.attempt(&entry.topic, events, Some(began)).await else {
                return ended;
            };
            if answer.published.iter().all(|is_published| *is_published) {
                let proof = began.proof(entry.seq, entry.attempts, answer.took);
                self.marker.sent(proof).await;
                return ended;
            }
            self.marker.attempted(entry.seq).await;
        }
    }

    /// One call; none when the relay may not publish any more. Once begun it is not cut short: the answer
    /// is worth waiting for even while draining. The first attempt at an event, which has not `began` yet,
    /// sets when its publication did.
    async fn attempt(
        &self,
        topic: &TopicName,
        events: &[Envelope],
        began: Option<Began>,
    ) -> Option<Answer> {
        let _slot = tokio::select! {
            () = self.stop.cancelled() => return None,
            slot = self.slots.acquire() => slot.ok()?,
        };
        // Waiting for the slot may have outlasted the lease.
        if !self.lease.is_held() {
            return None;
        }
        let began = began.unwrap_or_else(Began::now);
        let spans = spans(topic, events);
        let publishing = self.publisher.publish(topic, events);
        let acks = tokio::time::timeout(self.settings.publish_timeout, publishing).await;
        let took = began.clock.elapsed();
        // What a publisher owes an answer for may or may not have arrived.
        let owed = || Ack::Unknown("the publisher did not answer".to_owned());
        let mut acks = acks.unwrap_or_default();
        acks.resize_with(events.len(), owed);
        let mut spans = spans.into_iter();
        let published = events.iter().zip(acks).map(|(event, ack)| {
            let Some(span) = spans.next() else {
                return self.is_published(event, ack);
            };
            span.acknowledged(&ack);
            span.logs().in_scope(|| self.is_published(event, ack))
        });
        Some(Answer {
            began,
            took,
            published: published.collect(),
        })
    }

    /// Rejected and unknown are alike from here on: the event is repeated until it is known. A
    /// rejection may heal, and skipping it would break the order that consumers are promised.
    fn is_published(&self, event: &Envelope, ack: Ack) -> bool {
        let (outcome, reason) = match ack {
            Ack::Ok => {
                self.succeeded(event);
                return true;
            }
            Ack::Rejected(reason) => ("rejected", reason),
            Ack::Unknown(reason) => ("unknown", reason),
        };
        self.failed(event, outcome, &reason);
        false
    }

    /// Told once per recovery, as the failure was.
    fn succeeded(&self, event: &Envelope) {
        // From the decision, on the wall clock: the commit itself has no time stamp to read here.
        let lag = Timestamp::now().duration_since(event.time);
        let outbox = self.settings.outbox;
        metrics::histogram!(RELAY_LAG_SECONDS, "outbox" => outbox)
            .record(lag.as_secs_f64().max(0.0));
        if self.is_failing.swap(false, Ordering::AcqRel) {
            tracing::info!("publishing works again");
        }
    }

    fn failed(&self, event: &Envelope, outcome: &'static str, reason: &str) {
        let labels = [("outbox", self.settings.outbox), ("outcome", outcome)];
        metrics::counter!(RELAY_FAILURES_TOTAL, &labels).increment(1);
        let id = event.id;
        // Aloud once; an outage would otherwise write a line for each event and attempt.
        if self.is_failing.swap(true, Ordering::AcqRel) {
            tracing::debug!(event_id = %id, outcome, reason, "not published yet");
        } else {
            tracing::warn!(event_id = %id, outcome, reason, "publishing fails; retrying");
        }
    }
}

/// A span for each event; none at all where spans go nowhere.
fn spans(topic: &TopicName, events: &[Envelope]) -> Vec<TraceSpan> {
    if !traces::is_on() {
        return Vec::new();
    }
    let spans = events.iter();
    spans
        .map(|event| TraceSpan::published(topic, event))
        .collect()
}

/// What came of a call: whether each of its events is known to be published.
struct Answer {
    began: Began,
    took: Duration,
    published: Vec<bool>,
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

    /// `attempts` are those that the outbox knew of when it handed the event out.
    fn proof(self, seq: i64, attempts: u32, took: Duration) -> Sent {
        Sent {
            seq,
            started_at: self.at,
            took: (attempts == 0).then_some(took),
        }
    }
}
