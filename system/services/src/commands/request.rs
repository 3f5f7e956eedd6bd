use gauntlet_contract::UserId;
use gauntlet_ports::StoredAnswer;

use super::error::CommandError;

/// What every command has, whatever it is about.
#[derive(Clone, Debug)]
pub struct Request {
    pub user_id: UserId,
    pub precondition: Precondition,
    pub key: Option<Keyed>,
    /// The trace that the command belongs to; its events carry it on.
    pub traceparent: Option<String>,
}

/// A condition on the version that the client has seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Precondition {
    None,
    /// One of these versions, by `If-Match`.
    AnyOf(Vec<u64>),
}

/// The key under which a repetition of the request gets the first one's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keyed {
    pub key: String,
    /// Tells the request from another under the same key.
    pub fingerprint: String,
}

/// Makes the answer to a command from what it was about, as it is then; none when it was deleted. The
/// answer is committed with the change, so it has to be known before.
pub type Render<T> = fn(Option<&T>) -> Result<StoredAnswer, serde_json::Error>;

/// The answer to a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    pub answer: StoredAnswer,
    pub origin: Origin,
}

/// Where an answer comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// This very request.
    Now,
    /// An earlier request with the same key.
    Earlier,
}

impl Precondition {
    /// Refuses a state that the client has not seen. Of what does not exist nothing is asked here: that
    /// it does not is the better answer.
    pub(super) fn check(&self, current: u64) -> Result<(), CommandError> {
        match self {
            Precondition::AnyOf(versions) if !versions.contains(&current) => {
                Err(CommandError::PreconditionFailed { current })
            }
            _ => Ok(()),
        }
    }
}
