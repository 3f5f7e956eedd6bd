use async_trait::async_trait;
use gauntlet_contract::Envelope;

/// Why something was refused, for people and logs.
pub type Reason = String;

/// One delivery of an event. The same event may be delivered again at any time.
#[derive(Clone, Debug)]
pub struct Delivery {
    pub envelope: Envelope,
    /// From 1; what the transport knows, or 1 where it does not count.
    pub attempt: u32,
}

/// What becomes of a delivery. Dapr's SUCCESS, RETRY and DROP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settle {
    /// The effect is committed, or had been before.
    Done,
    /// Nothing is committed; deliver again.
    Retry,
    /// Never deliver again; park it in the dead-letter topic.
    DeadLetter(Reason),
}

/// Turns deliveries into effects.
#[async_trait]
pub trait Handler: Send + Sync {
    /// Handles a batch and settles each delivery, in the same order. A failure of one entry does
    /// not undo the others.
    async fn handle(&self, batch: &[Delivery]) -> Vec<Settle>;
}
