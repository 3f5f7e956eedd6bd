use std::fmt::Display;

/// What of an answer was not as a case expects it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{call}: {what}")]
pub struct Surprise {
    /// The request, e.g. `POST /api/tasks`.
    pub call: String,
    pub what: String,
}

/// As expected, or not.
pub(super) type Checked<T> = Result<T, Surprise>;

impl Surprise {
    pub(super) fn new(call: impl Into<String>, what: impl Display) -> Self {
        Self {
            call: call.into(),
            what: what.to_string(),
        }
    }
}
