use std::fmt;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use nix::sys::signal::Signal as Posix;
use serde::{Deserialize, Serialize};

/// What can be sent to a running service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Signal {
    /// SIGTERM: asks for an orderly end.
    Term,
    /// SIGINT, which Postgres takes as "end without waiting for clients".
    Interrupt,
    /// SIGKILL.
    Kill,
    /// SIGSTOP: the service keeps its sockets and answers nothing.
    Pause,
    /// SIGCONT.
    Resume,
}

impl Signal {
    pub(crate) fn posix(self) -> Posix {
        match self {
            Self::Term => Posix::SIGTERM,
            Self::Interrupt => Posix::SIGINT,
            Self::Kill => Posix::SIGKILL,
            Self::Pause => Posix::SIGSTOP,
            Self::Resume => Posix::SIGCONT,
        }
    }

    /// Whether the service is meant to be gone afterwards, so that its exit surprises nobody.
    pub(crate) fn ends(self) -> bool {
        matches!(self, Self::Term | Self::Interrupt | Self::Kill)
    }
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Exit {
    Code(i32),
    Signal(i32),
}

impl From<ExitStatus> for Exit {
    fn from(status: ExitStatus) -> Self {
        match (status.code(), status.signal()) {
            (Some(code), _) => Self::Code(code),
            (None, Some(signal)) => Self::Signal(signal),
            // A waited child has one or the other; -1 keeps the impossible case visible.
            (None, None) => Self::Code(-1),
        }
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Code(code) => write!(f, "exit code {code}"),
            Self::Signal(number) => match Posix::try_from(number) {
                Ok(signal) => write!(f, "killed by {signal}"),
                Err(_) => write!(f, "killed by signal {number}"),
            },
        }
    }
}
