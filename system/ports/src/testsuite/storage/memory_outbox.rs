use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use gauntlet_contract::TaskId;
use tokio::time::Instant;

use super::memory::{MemoryStore, Rows};
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
    marked: Arc<Mutex<Vec<Sent>>>,
    is_down: Arc<Mutex<bool>>,
}

impl MemoryOutbox {
    pub fn new(store: MemoryStore) -> Self {
        Self {
            store,
            holder: 0,
            lease: Arc::default(),
            marked: Arc::default(),
            is_down: Arc::default(),
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
        lock(&self.marked).clone()
    }

    /// While down, every call fails as unavailable.
    pub fn take_down(&self) {
        *lock(&self.is_down) = true;
    }

    pub fn bring_up(&self) {
        *lock(&self.is_down) = false;
    }

    fn check(&self, op: &'static str) -> Result<(), PortError> {
        if *lock(&self.is_down) {
            let kind = PortErrorKind::Unavailable;
            return Err(PortError::new(kind, "outbox queue", op, "taken down"));
        }
        Ok(())
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

    async fn unsent(&self, limit: u32, busy: &[TaskId]) -> Result<Vec<OutboxEntry>, PortError> {
        self.check("select unsent events")?;
        if !self.holds_lease() {
            return Ok(Vec::new());
        }
        let rows = self.store.rows();
        let mut seen: HashSet<_> = busy.iter().copied().collect();
        let oldest = rows
            .outbox
            .iter()
            .filter(|row| !row.is_sent && seen.insert(row.entry.envelope.subject))
            .map(|row| row.entry.clone());
        Ok(oldest.take(limit as usize).collect())
    }

    async fn mark_sent(&self, sent: &[Sent]) -> Result<u64, PortError> {
        self.check("mark events as sent")?;
        if !self.holds_lease() {
            return Ok(0);
        }
        let mut rows = self.store.rows();
        let mut count = 0;
        for proof in sent {
            if let Some(row) = find(&mut rows, proof.seq).filter(|row| !row.is_sent) {
                row.is_sent = true;
                row.entry.attempts += 1;
                lock(&self.marked).push(*proof);
                count += 1;
            }
        }
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

    async fn depth(&self) -> Result<u64, PortError> {
        self.check("count unsent events")?;
        let rows = self.store.rows();
        Ok(rows.outbox.iter().filter(|row| !row.is_sent).count() as u64)
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

fn find(rows: &mut Rows, seq: i64) -> Option<&mut super::memory::OutboxRow> {
    rows.outbox.iter_mut().find(|row| row.entry.seq == seq)
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
