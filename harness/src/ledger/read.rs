use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Micros, Phase};

/// One request that asked and changed nothing. It leaves no trace in the stores: what is known of it is what
/// its client saw.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Read {
    pub kind: ReadKind,
    pub user_id: Uuid,
    pub phase: Phase,
    /// When the open-loop schedule wanted it sent. Latency counts from here.
    pub intended_at: Micros,
    /// When the answer was complete, or when waiting for it was given up.
    pub done_at: Micros,
    /// How many items the answer had; none for a get, and where there was no page.
    #[serde(default)]
    pub items: Option<u64>,
    /// Why there was no answer that says what was asked for; none where there was one.
    pub fault: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReadKind {
    Get,
    /// The first page of a list.
    List,
    /// The first page of what a search found.
    Search,
    /// A page behind the cursor of an earlier one.
    NextPage,
}

impl ReadKind {
    pub fn as_str(self) -> &'static str {
        match self {
            ReadKind::Get => "get",
            ReadKind::List => "list",
            ReadKind::Search => "search",
            ReadKind::NextPage => "next page",
        }
    }
}
