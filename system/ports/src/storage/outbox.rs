use std::time::Duration;

use async_trait::async_trait;
use gauntlet_contract::{EntityId, Envelope, TopicName};
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
    /// When the first attempt that the relay knows of began.
    pub started_at: Timestamp,
    /// From the first attempt's first byte to the broker's (or sidecar's) answer, on the monotonic
    /// clock, with every attempt and wait in between. None where an earlier attempt under
    /// another lease is known: no clock reaches back to it.
    pub took: Option<Duration>,
}

/// The relay's view of an outbox. Shards are leased, so that of several replicas only one relays
/// a given subject, and each lease carries an epoch that fences off a holder who has lost it.
#[async_trait]
pub trait OutboxQueue: Send + Sync {
    /// Takes or renews leases on up to `shards` shards; answers how many are held now.
    async fn renew(&self, ttl: Duration) -> Result<u32, PortError>;

    /// The oldest unsent entries of held shards: at most `limit`, at most one per subject (the oldest),
    /// without the subjects in `busy`.
    async fn unsent(&self, limit: u32, busy: &[EntityId]) -> Result<Vec<OutboxEntry>, PortError>;

    /// Marks entries as published, if their shard's lease is still ours; answers how many were.
    async fn mark_sent(&self, sent: &[Sent]) -> Result<u64, PortError>;

    /// Counts an attempt that was rejected or ended unknown.
    async fn mark_attempted(&self, seqs: &[i64]) -> Result<(), PortError>;

    /// Deletes entries of held shards that were marked as published at least `older_than` ago, at
    /// most `limit` of them; answers how many. What is not known to be published is never touched.
    async fn purge_sent(&self, older_than: Duration, limit: u32) -> Result<u64, PortError>;

    /// How many entries are unsent, all shards.
    async fn depth(&self) -> Result<u64, PortError>;

    /// Gives all leases back, so that another replica need not wait for them to run out.
    async fn release(&self) -> Result<(), PortError>;
}
