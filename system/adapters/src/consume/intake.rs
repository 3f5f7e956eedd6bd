use std::time::{Duration, Instant};

use async_trait::async_trait;
use gauntlet_contract::{Envelope, TopicName};
use gauntlet_ports::messaging::Reason;
use gauntlet_ports::{PortError, Subscription};

use super::backlog::Backlog;
use super::dispatch::{BATCH_MAX, dispatch};
use crate::telemetry;

/// One message as a broker handed it out.
#[derive(Clone, Debug)]
pub(crate) struct Message<P> {
    /// The broker's order within the subscription; also the message's identity.
    pub(crate) order: (u64, u64),
    /// Messages with one key are handled one after the other; without a key there is no order.
    pub(crate) key: Option<String>,
    pub(crate) envelope: Result<Envelope, Reason>,
    /// What the backend needs to acknowledge the message, or to dead-letter it byte by byte.
    pub(crate) position: P,
}

/// Where messages go that shall never be delivered again.
#[async_trait]
pub(crate) trait DeadLetters<P>: Send + Sync {
    /// Parks a message durably, its bytes unchanged.
    async fn park(&self, topic: &TopicName, position: &P, reason: &str) -> Result<(), PortError>;
}

/// One subscription at work: messages go in, settled positions come out.
#[derive(Debug)]
pub(crate) struct Intake<P> {
    subscription: Subscription,
    backlog: Backlog<P>,
}

impl<P: Send + Sync> Intake<P> {
    pub(crate) fn new(subscription: Subscription) -> Self {
        Self {
            subscription,
            backlog: Backlog::new(),
        }
    }

    pub(crate) fn push(&mut self, message: Message<P>) {
        self.backlog.push(message, Instant::now());
    }

    /// How many messages are not settled.
    #[cfg(feature = "redis")]
    pub(crate) fn unsettled(&self) -> usize {
        self.backlog.len()
    }

    #[cfg(feature = "redis")]
    pub(crate) fn positions(&self) -> impl Iterator<Item = &P> {
        self.backlog.positions()
    }

    /// Forgets messages without settling them, because another replica has taken them over.
    pub(crate) fn retain(&mut self, keep: impl FnMut(&P) -> bool) {
        self.backlog.retain(keep);
    }

    /// How long until [`Intake::attempt`] has something to do; none when nothing is unsettled.
    pub(crate) fn next_due_in(&self) -> Option<Duration> {
        self.backlog.next_due_in(Instant::now())
    }

    /// One attempt at whatever is due. Answers the positions that may be acknowledged now:
    /// their effect is committed, or they are parked as dead letters.
    pub(crate) async fn attempt(&mut self, dead_letters: &impl DeadLetters<P>) -> Vec<P> {
        let batch = self.backlog.take(BATCH_MAX, Instant::now());
        if batch.is_empty() {
            return Vec::new();
        }
        let Subscription { topic, handler, .. } = &self.subscription;
        let settles = dispatch(handler.as_ref(), topic, &batch.deliveries).await;
        telemetry::undecodable(topic, batch.poison.len());
        let settled = self.backlog.settle(batch, settles, Instant::now());

        let mut acknowledged: Vec<P> = settled
            .done
            .into_iter()
            .map(|message| message.position)
            .collect();
        for (message, reason) in settled.dead {
            match dead_letters.park(topic, &message.position, &reason).await {
                Ok(()) => {
                    tracing::warn!(%topic, order = ?message.order, reason, "dead-lettered");
                    acknowledged.push(message.position);
                }
                // Acknowledging now would lose it; the handler, or the decoder, will say the
                // same again.
                Err(error) => {
                    tracing::error!(%topic, order = ?message.order, reason,
                        error = &error as &dyn std::error::Error, "dead letter not parked");
                    self.backlog.delay(message, 1, Instant::now());
                }
            }
        }
        acknowledged
    }
}
