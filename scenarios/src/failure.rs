use std::fmt::Display;

/// Makes an error of one of the harness's own, whose messages complete "failed to" and carry their
/// cause and mend.
pub(crate) fn failed(error: impl Display) -> anyhow::Error {
    anyhow::anyhow!("failed to {error}")
}
