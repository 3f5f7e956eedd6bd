use std::time::Duration;

use async_trait::async_trait;
use gauntlet_contract::{Envelope, TopicName};
use jiff::Timestamp;

use crate::error::PortError;

/// An event that is committed and not known to be published.
#[derive(Clone, Debug, PartialEq)]
pub struct OutboxEntry {
    pub seq: i64,
    pub topic: TopicName,
    pub envelope: Envelope,
    pub attempts: u32,
}

/// Proof that an entry was published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sent {
    pub seq: i64,
    /// When the attempt that succeeded began.
    pub started_at: Timestamp,
    /// From then to the broker's (or sidecar's) answer, on the monotonic clock.
    pub took: Duration,
}

/// The relay's view of the outbox. Shards are leased, so that of several replicas only one relays
/// a given task, and each lease carries an epoch that fences off a holder who has lost it.
#[async_trait]
pub trait OutboxQueue: Send + Sync {
    /// Takes or renews leases on up to `shards` shards; answers how many are held now.
    async fn renew(&self, ttl: Duration) -> Result<u32, PortError>;

    /// The oldest unsent entries of held shards: at most `limit`, at most one per task (the oldest),
    /// without the tasks in `busy`.
    async fn unsent(
        &self,
        limit: u32,
        busy: &[gauntlet_contract::TaskId],
    ) -> Result<Vec<OutboxEntry>, PortError>;

    /// Marks entries as published, if their shard's lease is still ours; answers how many were.
    async fn mark_sent(&self, sent: &[Sent]) -> Result<u64, PortError>;

    /// Counts an attempt that was rejected or ended unknown.
    async fn mark_attempted(&self, seqs: &[i64]) -> Result<(), PortError>;

    /// How many entries are unsent, all shards.
    async fn depth(&self) -> Result<u64, PortError>;

    /// Gives all leases back, so that another replica need not wait for them to run out.
    async fn release(&self) -> Result<(), PortError>;
}
