use std::fmt;

use serde::{Deserialize, Serialize};

/// Name of one way of running the system on the stack, e.g. `dapr-kafka`.
///
/// Lanes of one run share the stack and its clock and nothing else: each has a database, topics and
/// processes of its own, so that a row belongs to exactly one of them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Lane(String);

impl Lane {
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
