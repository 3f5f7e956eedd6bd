use std::sync::Mutex;
use std::sync::PoisonError;

use tokio::time::Instant;

/// Until when this process may publish. The database fences off marks of a relay that has lost its
/// lease; this keeps such a relay from publishing in the first place.
#[derive(Debug, Default)]
pub(super) struct Lease(Mutex<Option<Instant>>);

impl Lease {
    pub(super) fn set(&self, until: Option<Instant>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = until;
    }

    pub(super) fn is_held(&self) -> bool {
        let until = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        until.is_some_and(|until| Instant::now() < until)
    }
}
