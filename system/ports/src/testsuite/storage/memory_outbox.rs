use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use gauntlet_contract::EntityId;
use tokio::sync::watch;
use tokio::time::Instant;

use super::memory::{MemoryStore, OutboxRow, RowState, Rows};
use crate::error::{PortError, PortErrorKind};
use crate::storage::{OutboxEntry, OutboxQueue, Sent};

/// The memory store has one shard, which one relay can hold.
type Lease = Arc<Mutex<Option<(u64, Instant)>>>;

/// The outbox of a [`MemoryStore`] as one relay sees it.
#[derive(Clone, Debug)]
pub struct MemoryOutbox {
    store: MemoryStore,
    holder: u64,
    lease: Lease,
    marked: Arc<watch::Sender<Vec<Sent>>>,
    purged: Arc<watch::Sender<u64>>,
    /// Calls that were made while down; none while up.
    refused: Arc<watch::Sender<Option<usize>>>,
}

impl MemoryOutbox {
    pub fn new(store: MemoryStore) -> Self {
        Self {
            store,
            holder: 0,
            lease: Arc::default(),
            marked: Arc::new(watch::Sender::new(Vec::new())),
            purged: Arc::new(watch::Sender::new(0)),
            refused: Arc::new(watch::Sender::new(None)),
        }
    }

    /// The same outbox as another relay sees it.
    #[must_use]
    pub fn for_another_relay(&self) -> Self {
        Self {
            holder: self.holder + 1,
            ..self.clone()
        }
    }

    /// Every proof of publication that was accepted, in the order of arrival.
    pub fn marked(&self) -> Vec<Sent> {
        self.marked.borrow().clone()
    }

    /// Waits until so many proofs have been accepted since the beginning.
    pub async fn marked_at_least(&self, count: usize) {
        let mut marked = self.marked.subscribe();
        // The sender lives in `self`, so this cannot end early.
        drop(marked.wait_for(|marked| marked.len() >= count).await);
    }

    /// How many entries were purged since the beginning.
    pub fn purged(&self) -> u64 {
        *self.purged.borrow()
    }

    /// Waits until so many entries have been purged since the beginning.
    pub async fn purged_at_least(&self, count: u64) {
        let mut purged = self.purged.subscribe();
        drop(purged.wait_for(|purged| *purged >= count).await);
    }

    /// Waits until nothing is unsent.
    pub async fn drained(&self) {
        let mut marked = self.marked.subscribe();
        drop(marked.wait_for(|_| self.unsent_count() == 0).await);
    }

    /// While down, every call fails as unavailable.
    pub fn take_down(&self) {
        self.refused.send_replace(Some(0));
    }

    pub fn bring_up(&self) {
        self.refused.send_replace(None);
    }

    /// Waits until so many calls have failed since it was taken down.
    pub async fn refused_at_least(&self, count: usize) {
        let mut refused = self.refused.subscribe();
        let enough = |refused: &Option<usize>| refused.is_some_and(|refused| refused >= count);
        drop(refused.wait_for(enough).await);
    }

    fn check(&self, op: &'static str) -> Result<(), PortError> {
        let is_down = self.refused.send_if_modified(|refused| {
            if let Some(count) = refused {
                *count += 1;
            }
            refused.is_some()
        });
        if is_down {
            let kind = PortErrorKind::Unavailable;
            return Err(PortError::new(kind, "outbox queue", op, "taken down"));
        }
        Ok(())
    }

    fn unsent_count(&self) -> usize {
        let rows = self.store.rows();
        rows.outbox.iter().filter(|row| row.is_unsent()).count()
    }

    fn holds_lease(&self) -> bool {
        lock(&self.lease)
            .is_some_and(|(holder, until)| holder == self.holder && until > Instant::now())
    }
}

#[async_trait]
impl OutboxQueue for MemoryOutbox {
    async fn renew(&self, ttl: Duration) -> Result<u32, PortError> {
        self.check("renew leases")?;
        let now = Instant::now();
        let mut lease = lock(&self.lease);
        if lease.is_some_and(|(holder, until)| holder != self.holder && until > now) {
            return Ok(0);
        }
        *lease = Some((self.holder, now + ttl));
        Ok(1)
    }

    async fn unsent(&self, limit: u32, busy: &[EntityId]) -> Result<Vec<OutboxEntry>, PortError> {
        self.check("select unsent events")?;
        if !self.holds_lease() {
            return Ok(Vec::new());
        }
        let rows = self.store.rows();
        let mut seen: HashSet<_> = busy.iter().copied().collect();
        let oldest = rows
            .outbox
            .iter()
            .filter(|row| row.is_unsent() && seen.insert(row.entry.envelope.subject))
            .map(|row| row.entry.clone());
        Ok(oldest.take(limit as usize).collect())
    }

    async fn mark_sent(&self, sent: &[Sent]) -> Result<u64, PortError> {
        self.check("mark events as sent")?;
        if !self.holds_lease() {
            return Ok(0);
        }
        let mut accepted = Vec::new();
        {
            let mut rows = self.store.rows();
            for proof in sent {
                if let Some(row) = find(&mut rows, proof.seq).filter(|row| row.is_unsent()) {
                    row.state = RowState::Sent(Instant::now());
                    row.entry.attempts += 1;
                    accepted.push(*proof);
                }
            }
        }
        let count = accepted.len() as u64;
        // After the rows are free again: whoever waits for this looks at them.
        self.marked
            .send_modify(|marked| marked.append(&mut accepted));
        Ok(count)
    }

    async fn mark_attempted(&self, seqs: &[i64]) -> Result<(), PortError> {
        self.check("count attempts")?;
        let mut rows = self.store.rows();
        for seq in seqs {
            if let Some(row) = find(&mut rows, *seq) {
                row.entry.attempts += 1;
            }
        }
        Ok(())
    }

    async fn purge_sent(&self, older_than: Duration, limit: u32) -> Result<u64, PortError> {
        self.check("purge sent events")?;
        if !self.holds_lease() {
            return Ok(0);
        }
        let mut count = 0;
        {
            let mut rows = self.store.rows();
            let old = rows.outbox.iter_mut().filter(
                |row| matches!(row.state, RowState::Sent(at) if at.elapsed() >= older_than),
            );
            for row in old.take(limit as usize) {
                row.state = RowState::Purged;
                count += 1;
            }
        }
        self.purged.send_modify(|purged| *purged += count);
        Ok(count)
    }

    async fn depth(&self) -> Result<u64, PortError> {
        self.check("count unsent events")?;
        Ok(self.unsent_count() as u64)
    }

    async fn release(&self) -> Result<(), PortError> {
        self.check("release leases")?;
        let mut lease = lock(&self.lease);
        if lease.is_some_and(|(holder, _)| holder == self.holder) {
            *lease = None;
        }
        Ok(())
    }
}

impl OutboxRow {
    fn is_unsent(&self) -> bool {
        self.state == RowState::Unsent
    }
}

fn find(rows: &mut Rows, seq: i64) -> Option<&mut OutboxRow> {
    rows.outbox.iter_mut().find(|row| row.entry.seq == seq)
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
