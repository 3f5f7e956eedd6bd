use std::error::Error;

/// Any cause.
pub type BoxError = Box<dyn Error + Send + Sync + 'static>;

/// A port's failure: what kind, where, and the backend's own error as the source.
#[derive(Debug, thiserror::Error)]
#[error("failed to {op} ({port}): {kind}")]
pub struct PortError {
    pub kind: PortErrorKind,
    /// The port, e.g. `task store`.
    pub port: &'static str,
    /// What was tried, as a verb phrase that completes "failed to".
    pub op: &'static str,
    #[source]
    pub source: BoxError,
}

/// What a caller can do about a failure depends on this alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum PortErrorKind {
    #[error("not found")]
    NotFound,
    #[error("conflict")]
    Conflict,
    #[error("invalid")]
    Invalid,
    /// No answer in time: the effect is unknown.
    #[error("timeout")]
    Timeout,
    #[error("unavailable")]
    Unavailable,
    #[error("internal")]
    Internal,
}

impl PortError {
    pub fn new(
        kind: PortErrorKind,
        port: &'static str,
        op: &'static str,
        source: impl Into<BoxError>,
    ) -> Self {
        Self {
            kind,
            port,
            op,
            source: source.into(),
        }
    }
}
