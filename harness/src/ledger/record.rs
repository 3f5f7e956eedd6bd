use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    DeadLetter, DeadLetterTopic, Dropped, Effect, FaultRecord, GeneratorRecord, InboxRow, Lane,
    MemorySample, Micros, Offset, Operation, OutboxRow, RestartRecord, TaskRow,
};

/// Everything recorded about one lane of a run. Rows stand in the order in which their source
/// gives them; effects ascend by `seq`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LaneRecord {
    pub lane: Lane,
    /// Consumers that owe an effect for each event, e.g. `audit`.
    pub consumers: Vec<String>,
    pub operations: Vec<Operation>,
    pub tasks: Vec<TaskRow>,
    pub events: Vec<OutboxRow>,
    pub inbox: Vec<InboxRow>,
    pub effects: Vec<Effect>,
    pub dead_letters: Vec<DeadLetter>,
    pub dead_letter_topics: Vec<DeadLetterTopic>,
    pub dropped: Vec<Dropped>,
    /// Ids of the poison events that the scenario planted.
    pub poison: Vec<Uuid>,
    pub offsets: Vec<Offset>,
    pub faults: Vec<FaultRecord>,
    pub restarts: Vec<RestartRecord>,
    pub memory: Vec<MemorySample>,
    /// None where nothing was offered on a schedule.
    pub generator: Option<GeneratorRecord>,
}

impl LaneRecord {
    /// An empty record whose events each owe an effect to each of `consumers`.
    pub fn new(lane: Lane, consumers: &[&str]) -> Self {
        Self {
            lane,
            consumers: consumers.iter().map(ToString::to_string).collect(),
            operations: Vec::new(),
            tasks: Vec::new(),
            events: Vec::new(),
            inbox: Vec::new(),
            effects: Vec::new(),
            dead_letters: Vec::new(),
            dead_letter_topics: Vec::new(),
            dropped: Vec::new(),
            poison: Vec::new(),
            offsets: Vec::new(),
            faults: Vec::new(),
            restarts: Vec::new(),
            memory: Vec::new(),
            generator: None,
        }
    }

    /// When the first operation was due; zero for a lane without operations.
    pub fn began_at(&self) -> Micros {
        self.operations
            .iter()
            .map(|operation| operation.intended_at)
            .min()
            .unwrap_or_default()
    }

    /// The last moment that any row speaks of.
    pub fn ended_at(&self) -> Micros {
        let operations = self.operations.iter().map(|operation| operation.done_at);
        let effects = self.effects.iter().map(Effect::at);
        operations.chain(effects).max().unwrap_or_default()
    }
}
