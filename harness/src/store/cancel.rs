use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Tells what a store is doing to end soon: running tools are ended and their scratch space is removed.
/// Clones share one state, which is never taken back.
#[derive(Debug, Clone, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
