use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Tells whether an ingress consumes: every one of its sources is joined and assigned.
///
/// It is false before the first assignment and while a source is cut off from its broker, so a
/// readiness probe may read it, but a liveness probe must not: a restart mends nothing then.
#[derive(Clone, Debug)]
pub struct ReadySignal {
    sources: Arc<[AtomicBool]>,
}

impl ReadySignal {
    /// A signal over `sources` sources, and the half that each source reports through. With no
    /// sources there is nothing to wait for, and the signal is ready at once.
    pub fn over(sources: usize) -> (Self, Vec<SourceState>) {
        let signal = Self {
            sources: (0..sources).map(|_| AtomicBool::new(false)).collect(),
        };
        let states = (0..sources)
            .map(|index| SourceState {
                sources: Arc::clone(&signal.sources),
                index,
            })
            .collect();
        (signal, states)
    }

    /// A signal over one source.
    pub fn single() -> (Self, SourceState) {
        let sources: Arc<[AtomicBool]> = Arc::new([AtomicBool::new(false)]);
        let state = SourceState {
            sources: Arc::clone(&sources),
            index: 0,
        };
        (Self { sources }, state)
    }

    pub fn is_ready(&self) -> bool {
        self.sources
            .iter()
            .all(|source| source.load(Ordering::Acquire))
    }
}

/// One source's half of a [`ReadySignal`].
#[derive(Clone, Debug)]
pub struct SourceState {
    sources: Arc<[AtomicBool]>,
    index: usize,
}

impl SourceState {
    /// The source is consuming.
    pub fn consuming(&self) {
        self.sources[self.index].store(true, Ordering::Release);
    }

    /// The source has lost its assignment or its broker.
    pub fn interrupted(&self) {
        self.sources[self.index].store(false, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_sources_must_consume() {
        let (signal, states) = ReadySignal::over(2);
        assert!(!signal.is_ready());
        states[0].consuming();
        assert!(!signal.is_ready(), "the second source is not there yet");
        states[1].consuming();
        assert!(signal.is_ready());
        states[0].interrupted();
        assert!(!signal.is_ready());
    }

    #[test]
    fn nothing_to_consume_is_ready() {
        assert!(ReadySignal::over(0).0.is_ready());
    }
}
