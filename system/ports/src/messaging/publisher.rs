use async_trait::async_trait;
use gauntlet_contract::{Envelope, TopicName};

use super::Reason;

/// The broker's answer to one event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ack {
    /// Durably accepted.
    Ok,
    /// Certainly not accepted; publishing again may help or not, but cannot duplicate.
    Rejected(Reason),
    /// No answer: the event may or may not be on the broker.
    Unknown(Reason),
}

/// Publishes events.
#[async_trait]
pub trait Publisher: Send + Sync {
    /// Publishes each event and answers for each, in the same order, after the broker's durable
    /// acknowledgement. Events with one partition key keep their order within a call only if the
    /// caller passes one of them at a time.
    async fn publish(&self, topic: &TopicName, events: &[Envelope]) -> Vec<Ack>;
}
