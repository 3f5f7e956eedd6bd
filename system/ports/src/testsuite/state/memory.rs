use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use axum::body::Bytes;
use tokio::time::Instant;

use crate::error::{PortError, PortErrorKind};
use crate::state::{Etag, Expect, Key, StateOp, StateStore, Versioned, check_ops};

const PORT: &str = "state store";

/// A defect to show at the next calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlantedInState {
    /// Nothing is read or written, and the caller is told so.
    Unavailable,
    /// Everything is written, and the caller hears nothing.
    AnswerLost,
}

/// Entries in memory. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct MemoryStateStore(Arc<Mutex<Table>>);

#[derive(Debug, Default)]
struct Table {
    rows: BTreeMap<Key, Row>,
    /// The last etag that was given; none is given twice.
    written: u64,
    planted: Option<PlantedInState>,
}

#[derive(Debug)]
struct Row {
    value: Bytes,
    etag: Etag,
    expires_at: Option<Instant>,
}

impl MemoryStateStore {
    /// From now on every call shows this defect; none heals.
    pub fn plant(&self, planted: Option<PlantedInState>) {
        self.table().planted = planted;
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    /// What there is; an expired row is not there.
    fn live(&self, key: &Key) -> Option<&Row> {
        let row = self.rows.get(key)?;
        let is_live = row.expires_at.is_none_or(|at| at > Instant::now());
        is_live.then_some(row)
    }

    fn meets(&self, op: &StateOp) -> bool {
        match op.expect() {
            Expect::Any => true,
            Expect::Absent => self.live(op.key()).is_none(),
            Expect::Match(etag) => self.live(op.key()).is_some_and(|row| row.etag == *etag),
        }
    }

    fn change(&mut self, op: &StateOp) {
        match op {
            StateOp::Put {
                key, value, ttl, ..
            } => {
                self.written += 1;
                let row = Row {
                    value: value.clone(),
                    etag: Etag::new(self.written.to_string()),
                    expires_at: ttl.map(|ttl| Instant::now() + ttl),
                };
                self.rows.insert(key.clone(), row);
            }
            StateOp::Delete { key, .. } => {
                self.rows.remove(key);
            }
        }
    }
}

#[async_trait]
impl StateStore for MemoryStateStore {
    async fn get_many(&self, keys: &[Key]) -> Result<Vec<Option<Versioned>>, PortError> {
        let table = self.table();
        if table.planted == Some(PlantedInState::Unavailable) {
            return Err(error(PortErrorKind::Unavailable, "read entries", "planted"));
        }
        let versioned = |row: &Row| Versioned {
            value: row.value.clone(),
            etag: row.etag.clone(),
        };
        Ok(keys
            .iter()
            .map(|key| table.live(key).map(versioned))
            .collect())
    }

    async fn apply(&self, ops: &[StateOp]) -> Result<(), PortError> {
        let op = "change entries";
        check_ops(ops)
            .map_err(|malformed| PortError::new(PortErrorKind::Invalid, PORT, op, malformed))?;
        let mut table = self.table();
        if table.planted == Some(PlantedInState::Unavailable) {
            return Err(error(PortErrorKind::Unavailable, op, "planted"));
        }
        if !ops.iter().all(|op| table.meets(op)) {
            return Err(error(PortErrorKind::Conflict, op, "not as expected"));
        }
        for op in ops {
            table.change(op);
        }
        match table.planted {
            Some(PlantedInState::AnswerLost) => Err(error(PortErrorKind::Timeout, op, "planted")),
            _ => Ok(()),
        }
    }
}

fn error(kind: PortErrorKind, op: &'static str, detail: &'static str) -> PortError {
    PortError::new(kind, PORT, op, detail)
}
