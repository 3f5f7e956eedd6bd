//! The store's one error: a kind, what was being done, the cause, and how to mend it.

use std::fmt::{self, Write};
use std::io;
use std::path::Path;

use super::id::ComponentId;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// What went wrong, for callers that decide by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreErrorKind {
    /// A configured path, a component name or the manifest is not usable.
    Config,
    /// Every source was asked and none answered.
    NoSource,
    /// A source has nothing for this machine.
    Unsupported,
    /// A file arrived whole but is not the one that is pinned or published.
    WrongChecksum,
    /// A download ended early or was not what it should be.
    BrokenDownload,
    /// The other side could not be reached.
    NoNetwork,
    DiskFull,
    /// A tool that a source or a component needs is not installed, or too old.
    MissingTool,
    /// A tool ran and failed, or took longer than it may.
    ToolFailed,
    /// The store was told to stop.
    Cancelled,
    /// A cached file is not what was stored.
    Corrupt,
    /// The user that shall run the component cannot reach its files.
    NotReachable,
    Io,
}

/// Reads as `failed to {self}`. One line carries the cause and the mend, because that is what a person
/// is shown; the cause is therefore not offered a second time through `source()`.
#[derive(Debug, thiserror::Error)]
#[error("{what}{}; to mend: {mend}", Cause(.cause.as_deref()))]
pub struct StoreError {
    kind: StoreErrorKind,
    what: String,
    mend: String,
    cause: Option<BoxError>,
}

struct Cause<'a>(Option<&'a (dyn std::error::Error + Send + Sync + 'static)>);

impl fmt::Display for Cause<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(error) = self.0 else { return Ok(()) };
        write!(f, ": {error}")?;
        let mut below = error.source();
        while let Some(error) = below {
            write!(f, ": {error}")?;
            below = error.source();
        }
        Ok(())
    }
}

impl StoreError {
    pub fn kind(&self) -> StoreErrorKind {
        self.kind
    }

    /// The error below this one, if another layer reported it.
    pub fn cause(&self) -> Option<&(dyn std::error::Error + Send + Sync + 'static)> {
        self.cause.as_deref()
    }

    /// What was being done and why it failed, for a message that gives the mend elsewhere.
    pub(crate) fn without_mend(&self) -> String {
        format!("{}{}", self.what, Cause(self.cause.as_deref()))
    }

    /// What a person can do about it, without the cause.
    pub fn mend(&self) -> &str {
        &self.mend
    }

    pub(super) fn new(
        kind: StoreErrorKind,
        what: impl Into<String>,
        mend: impl Into<String>,
    ) -> Self {
        Self {
            kind,
            what: what.into(),
            mend: mend.into(),
            cause: None,
        }
    }

    pub(super) fn because(mut self, cause: impl Into<BoxError>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// Classifies an IO error: a full disk is worth its own words wherever it shows.
    pub(super) fn io(doing: impl Into<String>, path: &Path, cause: io::Error) -> Self {
        let what = format!("{} {}", doing.into(), path.display());
        match cause.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                Self::new(StoreErrorKind::DiskFull, what, free_space_mend(path))
            }
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                let mend = "set GAUNTLET_HOME to a directory that you may write";
                Self::new(StoreErrorKind::Io, what, mend)
            }
            _ => Self::new(
                StoreErrorKind::Io,
                what,
                "see the cause, or set GAUNTLET_HOME to another directory",
            ),
        }
        .because(cause)
    }

    pub(super) fn disk_full(what: impl Into<String>, path: &Path) -> Self {
        Self::new(StoreErrorKind::DiskFull, what, free_space_mend(path))
    }

    pub(super) fn cancelled(tool: &str) -> Self {
        Self::new(
            StoreErrorKind::Cancelled,
            format!("run {tool} to its end: told to stop"),
            "run the command again; what is complete is kept",
        )
    }

    pub(super) fn unknown_component(name: &str) -> Self {
        let known: Vec<_> = ComponentId::ALL.iter().map(|id| id.as_str()).collect();
        Self::new(
            StoreErrorKind::Config,
            format!("find a component called '{name}'"),
            format!("name one of {}", known.join(", ")),
        )
    }

    /// Every source was asked; each one's failure is kept, because any of them may be the one to mend.
    pub(super) fn no_source(id: ComponentId, version: &str, attempts: &[(String, Self)]) -> Self {
        let mut what = format!("obtain {id} {version}, no source answered");
        let mut mends: Vec<&str> = Vec::new();
        for (source, error) in attempts {
            let why = Cause(error.cause.as_deref());
            // Writing to a String cannot fail.
            let _ = write!(what, " [{source}: failed to {}{why}]", error.what);
        }
        // The last source is the one that works on most machines, so its mend comes first.
        for (_, error) in attempts.iter().rev() {
            if !mends.contains(&error.mend.as_str()) {
                mends.push(&error.mend);
            }
        }
        let own = format!("set {} to one that is installed", id.path_variable());
        mends.push(&own);
        Self::new(StoreErrorKind::NoSource, what, mends.join("; or "))
    }

    /// Whether asking the next source would hide a fault that the user has to know of.
    pub(super) fn is_final(&self) -> bool {
        matches!(
            self.kind,
            StoreErrorKind::WrongChecksum
                | StoreErrorKind::DiskFull
                | StoreErrorKind::Config
                | StoreErrorKind::Cancelled
        )
    }
}

fn free_space_mend(path: &Path) -> String {
    format!(
        "free space on the disk of {} or set GAUNTLET_HOME to another disk",
        path.display()
    )
}
