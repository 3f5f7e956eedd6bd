use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

/// What others may know of the passes over due series. Clones share it.
#[derive(Clone, Debug)]
pub struct ScheduleStatus {
    shared: Arc<Mutex<Shared>>,
    late_after: Duration,
}

#[derive(Debug)]
struct Shared {
    /// When this process finished a pass, or came to be.
    since: Instant,
    last_pass: Option<Timestamp>,
    /// Of the last pass, unless it finished.
    trouble: Option<String>,
}

impl ScheduleStatus {
    pub(super) fn new(late_after: Duration) -> Self {
        Self {
            shared: Arc::new(Mutex::new(Shared {
                since: Instant::now(),
                last_pass: None,
                trouble: None,
            })),
            late_after,
        }
    }

    /// How long ago this process finished a pass; how old it is, before its first.
    pub fn age(&self) -> Duration {
        self.shared().since.elapsed()
    }

    /// When a pass finished last. Before this process's first one, what the state store remembers of any
    /// replica; none when it remembers nothing.
    pub fn last_pass(&self) -> Option<Timestamp> {
        self.shared().last_pass
    }

    /// For a health probe: nothing, or for how long and why due series have been left alone.
    pub fn check(&self) -> Result<(), String> {
        let age = self.age();
        if age <= self.late_after {
            return Ok(());
        }
        let secs = age.as_secs();
        let shared = self.shared();
        let trouble = shared.trouble.as_deref().unwrap_or("it is still under way");
        Err(format!(
            "no pass over due series has finished for {secs} s: {trouble}"
        ))
    }

    pub(super) fn remembered(&self, last_pass: Timestamp) {
        self.shared().last_pass = Some(last_pass);
    }

    pub(super) fn finished(&self, at: Timestamp) {
        *self.shared() = Shared {
            since: Instant::now(),
            last_pass: Some(at),
            trouble: None,
        };
    }

    /// Answers whether the pass before had finished.
    pub(super) fn failed(&self, trouble: String) -> bool {
        self.shared().trouble.replace(trouble).is_none()
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
