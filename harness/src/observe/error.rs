type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A store or a process could not be read. Reads as `failed to {self}`.
#[derive(Debug, thiserror::Error)]
#[error("{kind} {what}")]
pub struct ObserveError {
    kind: ObserveErrorKind,
    what: String,
    #[source]
    source: BoxError,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ObserveErrorKind {
    #[error("connect to")]
    Connect,
    #[error("read")]
    Read,
    /// What was read is not of the documented shape.
    #[error("understand")]
    Decode,
    /// The store went on answering, and the end was not reached in time.
    #[error("finish reading")]
    TimedOut,
}

impl ObserveError {
    pub(super) fn new(
        kind: ObserveErrorKind,
        what: impl Into<String>,
        source: impl Into<BoxError>,
    ) -> Self {
        Self {
            kind,
            what: what.into(),
            source: source.into(),
        }
    }

    pub fn kind(&self) -> ObserveErrorKind {
        self.kind
    }
}
