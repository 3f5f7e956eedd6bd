use async_trait::async_trait;
use axum::body::Bytes;

use super::{Key, StateOp};
use crate::error::PortError;

/// A version of an entry, opaque to all but the store that gave it. Every write gives the entry a new
/// one, also a write of the same value, and also one after a deletion.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Etag(String);

impl Etag {
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// An entry as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Versioned {
    pub value: Bytes,
    pub etag: Etag,
}

/// Values by key. Every call is bounded in time.
///
/// Of `apply`, an error of kind `Timeout` means that the operations may have been applied, all of
/// them or none; every other kind, that none was. How durable an entry is, an adapter says.
#[async_trait]
pub trait StateStore: Send + Sync {
    /// The entry; none when it is absent or has expired.
    async fn get(&self, key: &Key) -> Result<Option<Versioned>, PortError> {
        let entries = self.get_many(std::slice::from_ref(key)).await?;
        Ok(entries.into_iter().next().flatten())
    }

    /// An answer for each key, in the same order. Entries of different keys need not be of one moment.
    async fn get_many(&self, keys: &[Key]) -> Result<Vec<Option<Versioned>>, PortError>;

    /// Applies all operations or none, at one moment. `Conflict` when an expectation is not met,
    /// `Invalid` when the operations are malformed (see [`check_ops`](super::check_ops)).
    async fn apply(&self, ops: &[StateOp]) -> Result<(), PortError>;
}
