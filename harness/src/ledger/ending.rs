use serde::{Deserialize, Serialize};

/// How a service of the system ended when it was asked to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndingRecord {
    pub service: String,
    pub ended: Ended,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// By itself, with this exit code.
    Code(i32),
    /// By a signal that was not ours.
    Signal(i32),
    /// It was killed when its time was over.
    ByForce,
    /// It was gone before it was asked, or nobody knows: that shows nothing of a drain.
    NotSeen,
}
