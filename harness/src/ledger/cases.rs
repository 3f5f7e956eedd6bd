//! What the cases of the black-box suite did on a lane: questions, answers, and the rows they left.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::Lane;

/// One case as it went on one lane.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CaseRecord {
    /// Unique among the cases of a lane, and the same on each lane.
    pub name: String,
    /// Ids of the requirements that it hits, e.g. `T4`.
    pub features: Vec<String>,
    /// Types of the events that it is to bring about: these and no others, `todo.audit.recorded` apart,
    /// of which each event on `task-events` has one.
    pub events: Vec<String>,
    pub role: CaseRole,
    /// Nobody but this case is any of these users. The first is the one that it is about.
    pub users: Vec<Uuid>,
    /// What was not as the case expects it; none when everything was.
    pub surprise: Option<String>,
    /// In the order in which they were made.
    pub exchanges: Vec<Exchange>,
    /// What the stores held of its users afterwards; none where that was not read.
    pub rows: Option<Vec<EffectRow>>,
}

/// What a case is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CaseRole {
    /// It has to go as expected, and alike on each lane.
    Judged,
    /// One lane was asked something else on purpose: a comparison that does not see it is worth nothing.
    Control { planted_on: Lane },
}

/// A request and its answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Exchange {
    /// Method and path with its query, e.g. `GET /api/tasks?limit=2`.
    pub call: String,
    pub status: u16,
    /// Those that mean something to a client, names in lower case.
    pub headers: BTreeMap<String, String>,
    /// Null for an empty body, a string for one that is not JSON.
    pub body: Value,
}

/// A row of a table, every column of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EffectRow {
    pub table: String,
    pub row: Value,
}

impl CaseRecord {
    /// The lane that was asked something else; none for a case that is judged.
    pub fn planted_on(&self) -> Option<&Lane> {
        match &self.role {
            CaseRole::Judged => None,
            CaseRole::Control { planted_on } => Some(planted_on),
        }
    }
}
