//! What can go wrong between a report and the files that hold it.

use std::error::Error;
use std::fmt;
use std::path::PathBuf;

type Source = Box<dyn Error + Send + Sync>;

/// Failed to render a report or to write what was rendered.
#[derive(Debug, thiserror::Error)]
#[error("{kind}")]
pub struct RenderError {
    pub kind: RenderErrorKind,
    #[source]
    source: Source,
}

/// What was being done; reads after "failed to".
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RenderErrorKind {
    Json,
    Junit,
    Html,
    Plot { title: String },
    Write { path: PathBuf },
}

/// Failed to read a report.
#[derive(Debug, thiserror::Error)]
#[error("read report {}: {kind}", path.display())]
pub struct ReadError {
    pub path: PathBuf,
    pub kind: ReadErrorKind,
    #[source]
    source: Option<Source>,
}

/// Why a report could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReadErrorKind {
    Io,
    /// Not JSON, or not a report of the schema that it names.
    Malformed,
    /// A report of another version, or no report at all.
    UnknownSchema {
        found: Option<String>,
    },
}

impl RenderError {
    /// Every failure to render has a cause from below; none begins here.
    pub(super) fn new(kind: RenderErrorKind, source: impl Into<Source>) -> RenderError {
        RenderError {
            kind,
            source: source.into(),
        }
    }
}

impl ReadError {
    pub(super) fn new(
        path: impl Into<PathBuf>,
        kind: ReadErrorKind,
        source: Option<Source>,
    ) -> Self {
        ReadError {
            path: path.into(),
            kind,
            source,
        }
    }
}

/// Phrases that complete "failed to".
impl fmt::Display for RenderErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RenderErrorKind::Json => f.write_str("render the report as JSON"),
            RenderErrorKind::Junit => f.write_str("render the report as JUnit XML"),
            RenderErrorKind::Html => f.write_str("render the report as HTML"),
            RenderErrorKind::Plot { title } => write!(f, "draw the plot {title:?}"),
            RenderErrorKind::Write { path } => write!(f, "write {}", path.display()),
        }
    }
}

/// What is wrong, and for a report of another version what to do about it.
impl fmt::Display for ReadErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = crate::evidence::SCHEMA;
        match self {
            ReadErrorKind::Io => f.write_str("the file cannot be read"),
            ReadErrorKind::Malformed => write!(f, "the file is not a {known} report"),
            ReadErrorKind::UnknownSchema { found: Some(found) } => write!(
                f,
                "its schema is {found:?}, this program reads {known:?}; use the version of \
                 gauntlet that wrote it"
            ),
            ReadErrorKind::UnknownSchema { found: None } => {
                write!(
                    f,
                    "it names no schema; a report begins with \"schema\": {known:?}"
                )
            }
        }
    }
}
