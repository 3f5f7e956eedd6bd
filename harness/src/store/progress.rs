//! How a fetch tells whoever waits for it what it is doing.

use std::time::Duration;

use super::id::ComponentId;

/// Receives what happens during a fetch. Called from several threads, often: keep it cheap.
pub trait Progress: Send + Sync {
    /// Work on `id` begins; `what` names it, such as `downloading daprd 1.16.5`.
    fn started(&self, id: ComponentId, what: &str);
    /// Bytes that have arrived so far, and the total where it is known.
    fn bytes(&self, id: ComponentId, done: u64, total: Option<u64>);
    /// A line worth showing: a source that did not answer, a cache entry that was replaced.
    fn note(&self, id: ComponentId, line: &str);
    /// `id` is in place; `size` is its size on disk in bytes.
    fn finished(&self, id: ComponentId, what: &str, size: u64, took: Duration);
}

/// Tells nobody.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {
    fn started(&self, _: ComponentId, _: &str) {}
    fn bytes(&self, _: ComponentId, _: u64, _: Option<u64>) {}
    fn note(&self, _: ComponentId, _: &str) {}
    fn finished(&self, _: ComponentId, _: &str, _: u64, _: Duration) {}
}

/// Progress that is bound to one component, so that the code below cannot name a wrong one.
#[derive(Clone, Copy)]
pub(super) struct Reporter<'a> {
    pub(super) id: ComponentId,
    pub(super) progress: &'a dyn Progress,
}

impl Reporter<'_> {
    pub(super) fn started(&self, what: &str) {
        self.progress.started(self.id, what);
    }

    pub(super) fn bytes(&self, done: u64, total: Option<u64>) {
        self.progress.bytes(self.id, done, total);
    }

    pub(super) fn note(&self, line: &str) {
        self.progress.note(self.id, line);
    }

    pub(super) fn finished(&self, what: &str, size: u64, took: Duration) {
        self.progress.finished(self.id, what, size, took);
    }
}
