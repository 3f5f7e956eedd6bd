//! What the stores held at the end of a run, a type for each kind of row.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{EntityKind, EventKind, Micros, RawJson};

/// A task's final row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskRow {
    pub task_id: Uuid,
    pub user_id: Uuid,
    pub title: String,
    pub status: String,
    pub version: u64,
    /// True commit time, only where the row is still at version 1: a later change replaces the
    /// row, and with it the transaction whose commit time Postgres remembers.
    pub committed_at: Option<Micros>,
}

/// An event in the outbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutboxRow {
    pub event_id: Uuid,
    /// What the event is about, under the name of the column: a task, or else what `kind` changes.
    pub task_id: Uuid,
    /// Of what the event changes; means nothing where it changes nothing.
    pub version: u64,
    /// By the envelope's `type`; none for a type that the judge does not know.
    pub kind: Option<EventKind>,
    /// The new title or name by the envelope; none where the event has no new state with one.
    pub title: Option<String>,
    /// Wall clock at the insert, inside the transaction: at or before its commit.
    pub inserted_at: Micros,
    pub publish_started_at: Option<Micros>,
    /// Monotonic time from the first attempt's first byte to the answer that it is published, in
    /// microseconds; none where the attempts were made by several relays.
    pub publish_micros: Option<u64>,
    pub sent_at: Option<Micros>,
    pub attempts: u32,
}

/// A consumer's note about an event: the inbox row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InboxRow {
    pub consumer: String,
    pub event_id: Uuid,
    pub handled_failures: u32,
    pub done_at: Option<Micros>,
}

/// What a consumer wrote because of an event, e.g. a line of the audit trail.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Effect {
    /// Position in the consumer's own append-only table.
    pub seq: i64,
    pub event_id: Uuid,
    pub consumer: String,
    /// What the event is about, under the name of the column.
    pub task_id: Uuid,
    pub version: u64,
    pub action: String,
    /// The new title or name by the envelope; none where the event has no new state with one.
    pub title: Option<String>,
    /// Wall clock at the insert, inside the transaction.
    pub recorded_at: Micros,
    /// True commit time; none where the store does not keep it.
    pub committed_at: Option<Micros>,
    pub envelope: RawJson,
}

/// A message in a dead-letter topic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetter {
    pub topic: String,
    /// None where the message cannot be read as an event.
    pub event_id: Option<Uuid>,
    /// The message; bytes that are not UTF-8 are replaced.
    pub raw: String,
}

/// How far a dead-letter topic was read. Without one, "no dead letters" would mean "did not look".
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetterTopic {
    pub topic: String,
    pub held: u64,
    pub read: u64,
}

/// An event that the system drops on purpose, declared by the scenario before the run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dropped {
    pub event_id: Uuid,
    pub reason: String,
}

/// Where a consumer group stood at the end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Offset {
    /// A Kafka partition. `committed` is none where the group never committed there.
    Partition {
        group: String,
        topic: String,
        partition: i32,
        committed: Option<i64>,
        /// First offset still held; what is below was removed by retention.
        start: i64,
        end: i64,
    },
    /// A Redis stream. `undelivered` is none where the server cannot tell.
    Stream {
        group: String,
        stream: String,
        length: u64,
        pending: u64,
        undelivered: Option<u64>,
    },
}

impl OutboxRow {
    /// True where each consumer of the lane owes an effect. What only tells that an instance was settled
    /// is for another one, whose effect is the next instance.
    pub fn owes_effects(&self) -> bool {
        self.kind != Some(EventKind::Settled)
    }

    /// In words, e.g. `version 2 of task …`.
    pub fn names(&self) -> String {
        let id = self.task_id;
        match self.kind {
            Some(EventKind::Settled) => format!("the settlement of task {id}"),
            kind => {
                let entity = kind.and_then(EventKind::changes);
                let entity = entity.map_or("task", EntityKind::as_str);
                format!("version {} of {entity} {id}", self.version)
            }
        }
    }
}

impl Effect {
    /// When the effect became visible: its commit, or its insert where the commit is not known.
    pub fn at(&self) -> Micros {
        self.committed_at.unwrap_or(self.recorded_at)
    }
}

impl Offset {
    /// How many messages the group has yet to finish; none where that is not known.
    pub fn lag(&self) -> Option<u64> {
        match self {
            // A group that never committed still owes everything that is held.
            Offset::Partition {
                committed,
                start,
                end,
                ..
            } => {
                let reached = committed.unwrap_or(*start).max(*start);
                u64::try_from(end - reached).ok()
            }
            Offset::Stream {
                pending,
                undelivered,
                ..
            } => undelivered.map(|rest| pending + rest),
        }
    }

    /// Names the position, e.g. `audit on task-events/3`.
    pub fn name(&self) -> String {
        match self {
            Offset::Partition {
                group,
                topic,
                partition,
                ..
            } => {
                format!("{group} on {topic}/{partition}")
            }
            Offset::Stream { group, stream, .. } => format!("{group} on {stream}"),
        }
    }
}
