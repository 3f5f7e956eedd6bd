use std::error::Error as StdError;

use thiserror::Error;

/// Cause of an error, of any type.
pub type BoxError = Box<dyn StdError + Send + Sync>;

/// Why load could not be prepared, offered or accounted for.
///
/// An operation that fails is no such error: it is an [`Outcome`](crate::client::Outcome) in the
/// record.
#[derive(Debug, Error)]
#[error("failed to {kind}")]
pub struct LoadError {
    pub kind: LoadErrorKind,
    #[source]
    pub source: Option<BoxError>,
}

#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum LoadErrorKind {
    #[error("use {url} as a target: {why}")]
    Target { url: String, why: String },
    #[error("use the bearer token: {why}")]
    Token { why: String },
    #[error("prepare an operation for the todo API")]
    Prepare,
    #[error("have an answer to {url}")]
    Ask { url: String },
    #[error("set up the HTTP client")]
    Client,
    #[error("hold {needed} files open, the limit of this process is {allowed} (see `ulimit -Hn`)")]
    OpenFiles { needed: u64, allowed: u64 },
    #[error("open {wanted} connections to {url} before the load")]
    WarmUp { wanted: usize, url: String },
    #[error("run the load's thread and its timer")]
    Start,
    #[error("see {wanted} operations {what}: the load ended at {reached}")]
    EndedEarly {
        what: &'static str,
        wanted: u64,
        reached: u64,
    },
    #[error("run the load to its end: its thread died")]
    Died,
    #[error("keep the latency histogram")]
    Histogram,
}

impl LoadError {
    pub(crate) fn new(kind: LoadErrorKind) -> LoadError {
        LoadError { kind, source: None }
    }

    pub(crate) fn caused(kind: LoadErrorKind, source: impl Into<BoxError>) -> LoadError {
        LoadError {
            kind,
            source: Some(source.into()),
        }
    }
}
