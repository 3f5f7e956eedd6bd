/// Which of a lane's topics are looked at, and how. On Redis they are streams.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LaneTopics {
    /// Whose positions are asked for.
    pub readings: Vec<Reading>,
    /// Read in full.
    pub dead_letters: Vec<String>,
    /// Where the lines of the audit trail go; read in full.
    pub audit_logs: String,
}

/// A consumer group, and a topic that it reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    pub group: String,
    pub topic: String,
}
