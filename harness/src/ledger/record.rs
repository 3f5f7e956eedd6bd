use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    AuditMessage, AuditOutboxRow, AuditTopic, CaseRecord, ClientTrace, DeadLetter, DeadLetterTopic,
    Dropped, Effect, EndingRecord, FaultRecord, GeneratorRecord, InboxRow, Lane, MemorySample,
    Micros, Offset, Operation, OutboxRow, ProbeRecord, Read, ReplayedGroup, RestartRecord, Seeded,
    SeededAnswer, StoredRow, TaskDetails, TaskRow, TraceIntake, TraceSpan,
};

/// Everything recorded about one lane of a run. Rows stand in the order in which their source
/// gives them; effects ascend by `seq`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LaneRecord {
    pub lane: Lane,
    /// Consumers that owe an effect for each event, e.g. `audit`.
    pub consumers: Vec<String>,
    pub operations: Vec<Operation>,
    /// Of loads that ask; others have none.
    #[serde(default)]
    pub reads: Vec<Read>,
    /// Tasks that were there before the first operation and of which there is something to judge.
    #[serde(default)]
    pub seeded: Vec<Seeded>,
    /// How many tasks of each user there were, by the database before the first operation.
    #[serde(default)]
    pub seeded_each: Vec<(Uuid, u64)>,
    /// How many more there were, which stood at the end as they were put there.
    #[serde(default)]
    pub untouched: u64,
    #[serde(default)]
    pub seeded_answers: Vec<SeededAnswer>,
    pub tasks: Vec<TaskRow>,
    /// What the same rows hold besides.
    #[serde(default)]
    pub details: Vec<TaskDetails>,
    pub events: Vec<OutboxRow>,
    pub inbox: Vec<InboxRow>,
    pub effects: Vec<Effect>,
    #[serde(default)]
    pub audit_outbox: Vec<AuditOutboxRow>,
    #[serde(default)]
    pub audit_messages: Vec<AuditMessage>,
    #[serde(default)]
    pub audit_topics: Vec<AuditTopic>,
    pub dead_letters: Vec<DeadLetter>,
    pub dead_letter_topics: Vec<DeadLetterTopic>,
    pub dropped: Vec<Dropped>,
    /// Ids of the poison events that the scenario planted.
    pub poison: Vec<Uuid>,
    /// Tasks, tags, categories and series that the scenario changed by itself, outside of any load: their
    /// events are asked for.
    #[serde(default)]
    pub besides: Vec<Uuid>,
    /// The highest version of some of these that was asked for. The others go on by themselves, as a series
    /// does, or whoever changed them cannot say how far.
    #[serde(default)]
    pub besides_up_to: Vec<(Uuid, u64)>,
    /// Those of these whose deletion was asked for, which shows no version.
    #[serde(default)]
    pub besides_deleted: Vec<Uuid>,
    pub offsets: Vec<Offset>,
    pub faults: Vec<FaultRecord>,
    pub restarts: Vec<RestartRecord>,
    pub memory: Vec<MemorySample>,
    /// What the cases of the black-box suite did.
    #[serde(default)]
    pub cases: Vec<CaseRecord>,
    /// What building blocks were asked.
    #[serde(default)]
    pub probes: Vec<ProbeRecord>,
    /// Consumer groups that were set back to the beginning.
    #[serde(default)]
    pub replayed: Vec<ReplayedGroup>,
    /// What the stores held before that and after it.
    #[serde(default)]
    pub stored: Vec<StoredRow>,
    /// What roles and sidecars told of what they did, where that was collected.
    #[serde(default)]
    pub spans: Vec<TraceSpan>,
    /// Traces that clients began.
    #[serde(default)]
    pub client_traces: Vec<ClientTrace>,
    /// None where no traces were collected.
    #[serde(default)]
    pub trace_intake: Option<TraceIntake>,
    /// How the system's services of the lane ended, when the stack was stopped.
    #[serde(default)]
    pub endings: Vec<EndingRecord>,
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
            reads: Vec::new(),
            seeded: Vec::new(),
            seeded_each: Vec::new(),
            untouched: 0,
            seeded_answers: Vec::new(),
            tasks: Vec::new(),
            details: Vec::new(),
            events: Vec::new(),
            inbox: Vec::new(),
            effects: Vec::new(),
            audit_outbox: Vec::new(),
            audit_messages: Vec::new(),
            audit_topics: Vec::new(),
            dead_letters: Vec::new(),
            dead_letter_topics: Vec::new(),
            dropped: Vec::new(),
            poison: Vec::new(),
            besides: Vec::new(),
            besides_up_to: Vec::new(),
            besides_deleted: Vec::new(),
            offsets: Vec::new(),
            faults: Vec::new(),
            restarts: Vec::new(),
            memory: Vec::new(),
            cases: Vec::new(),
            probes: Vec::new(),
            replayed: Vec::new(),
            stored: Vec::new(),
            spans: Vec::new(),
            client_traces: Vec::new(),
            trace_intake: None,
            endings: Vec::new(),
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
