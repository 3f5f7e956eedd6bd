use std::fmt;

use serde::{Deserialize, Serialize};

/// One question to a building block, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProbeRecord {
    pub block: Block,
    pub kind: ProbeKind,
    /// Unique in its block.
    pub case: String,
    /// What has to come of it, in words.
    pub expected: String,
    /// What came of it, in the same words where it is that.
    pub got: String,
    /// What was seen of it: statuses, bodies, last lines. Shows no secret.
    pub felt: String,
}

/// A building block of the sidecar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Block {
    State,
    Secrets,
    Invocation,
    Resiliency,
    AccessControl,
}

/// Whether the block is to serve, or to fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProbeKind {
    Conformance,
    /// Something is wrong on purpose: where the block does not fail as is said, its conformance says nothing.
    FailingTwin,
}

impl Block {
    pub const ALL: [Block; 5] = [
        Block::State,
        Block::Secrets,
        Block::Invocation,
        Block::Resiliency,
        Block::AccessControl,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Block::State => "state",
            Block::Secrets => "secrets",
            Block::Invocation => "invocation",
            Block::Resiliency => "resiliency",
            Block::AccessControl => "access control",
        }
    }
}

impl fmt::Display for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
