//! The one error of everything that stands components up: a kind, what was being done, how to mend
//! it, and the component's own last words where it had any.

use std::fmt;
use std::io;
use std::path::Path;

use crate::provider::Exit;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// What went wrong, for callers that decide by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StackErrorKind {
    /// What was asked for makes no sense, or the machine is set up in a way that prevents it.
    Config,
    /// No component file could be had from any source.
    Obtain,
    /// The system's binary is missing or did not build.
    Build,
    /// No block of ports is free.
    NoPort,
    /// A program could not be executed at all.
    Spawn,
    /// A component ended while it was needed.
    Died,
    /// A component did not answer in time.
    NotReady,
    /// A component answered, with a refusal.
    Refused,
    /// No container engine answers, or it refused.
    Engine,
    /// The instance was stopped for good and takes no more orders.
    Stopped,
    Io,
}

/// Reads as `failed to {self}`.
///
/// The first line names the deed, the cause and the mend; the component's last lines of output follow,
/// each on a line of its own.
#[derive(Debug, thiserror::Error)]
#[error("{what}{}; to mend: {mend}{}", Cause(.source.as_deref()), LastOutput(.last_output))]
pub struct StackError {
    kind: StackErrorKind,
    what: String,
    mend: String,
    exit: Option<Exit>,
    last_output: Vec<String>,
    #[source]
    source: Option<BoxError>,
}

/// The cause inside the message itself, because many callers print `Display` only.
struct Cause<'a>(Option<&'a (dyn std::error::Error + Send + Sync + 'static)>);

impl fmt::Display for Cause<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(error) = self.0 else { return Ok(()) };
        let mut text = error.to_string();
        write!(f, ": {text}")?;
        let mut below = error.source();
        while let Some(error) = below {
            let deeper = error.to_string();
            // Several libraries repeat their source in their own message.
            if !text.contains(&deeper) {
                write!(f, ": {deeper}")?;
                text = deeper;
            }
            below = error.source();
        }
        Ok(())
    }
}

struct LastOutput<'a>(&'a [String]);

impl fmt::Display for LastOutput<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return Ok(());
        }
        write!(f, "\n  its last output:")?;
        self.0.iter().try_for_each(|line| write!(f, "\n  | {line}"))
    }
}

impl StackError {
    pub fn new(kind: StackErrorKind, what: impl Into<String>, mend: impl Into<String>) -> Self {
        Self {
            kind,
            what: what.into(),
            mend: mend.into(),
            exit: None,
            last_output: Vec::new(),
            source: None,
        }
    }

    pub fn kind(&self) -> StackErrorKind {
        self.kind
    }

    /// The deed and its cause alone, for a text that has a mend of its own.
    pub fn without_mend(&self) -> String {
        format!("{}{}", self.what, Cause(self.source.as_deref()))
    }

    /// What a person can do about it.
    pub fn mend(&self) -> &str {
        &self.mend
    }

    /// How the component ended, where it did.
    pub fn exit(&self) -> Option<Exit> {
        self.exit
    }

    /// The component's last lines of output, oldest first.
    pub fn last_output(&self) -> &[String] {
        &self.last_output
    }

    #[must_use]
    pub(crate) fn because(mut self, cause: impl Into<BoxError>) -> Self {
        self.source = Some(cause.into());
        self
    }

    #[must_use]
    pub(crate) fn with_exit(mut self, exit: Exit) -> Self {
        self.exit = Some(exit);
        self
    }

    #[must_use]
    pub(crate) fn with_output(mut self, lines: Vec<String>) -> Self {
        self.last_output = lines;
        self
    }

    pub(crate) fn io(doing: &str, path: &Path, cause: io::Error) -> Self {
        let mend = match cause.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                "free space on that disk, or set TMPDIR and GAUNTLET_HOME to another one"
            }
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                "set TMPDIR and GAUNTLET_HOME to directories that you may write"
            }
            _ => "see the cause",
        };
        let what = format!("{doing} {}", path.display());
        Self::new(StackErrorKind::Io, what, mend).because(cause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_message_holds_deed_cause_mend_and_last_output() {
        let error = StackError::new(StackErrorKind::Died, "start kafka", "read the log")
            .because(io::Error::other("no such broker"))
            .with_output(vec!["first".to_owned(), "second".to_owned()]);
        assert_eq!(
            error.to_string(),
            "start kafka: no such broker; to mend: read the log\n  \
             its last output:\n  | first\n  | second"
        );
    }
}
