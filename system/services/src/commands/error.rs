use gauntlet_domain::Rejection;
use gauntlet_ports::{PortError, PortErrorKind};

/// Why a command has no result.
///
/// After `Commit` with `Timeout` it may or may not have taken effect, after `Interrupted` a part of it
/// has; after every other error nothing has.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    #[error("failed to accept the command")]
    Rejected(#[from] Rejection),
    #[error("failed to meet the precondition: it is at version {current}")]
    PreconditionFailed { current: u64 },
    #[error("failed to take the name: another label has it")]
    NameTaken,
    #[error("failed to accept the idempotency key: another request had it")]
    KeyReused,
    #[error("failed to accept the idempotency key: a request with it is under way")]
    KeyInFlight,
    #[error("failed to win against other changes of the same thing")]
    Contended,
    /// What was done is consistent, and the command given again goes on from there.
    #[error("failed to do all of it")]
    Interrupted(#[source] Box<CommandError>),
    #[error("failed to write the answer")]
    Render(#[from] serde_json::Error),
    #[error(transparent)]
    Read(PortError),
    #[error(transparent)]
    Commit(PortError),
}

impl CommandError {
    /// What the error means when a part of the command had been done before it. A refusal stays one:
    /// the client has to know its reason.
    pub(super) fn after_a_part(self) -> Self {
        match self {
            Self::Contended | Self::Read(_) => Self::Interrupted(Box::new(self)),
            Self::Commit(ref error) if error.kind != PortErrorKind::Timeout => {
                Self::Interrupted(Box::new(self))
            }
            other => other,
        }
    }
}
