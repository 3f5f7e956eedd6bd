//! What the roles and their sidecars told the collector of traces.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Micros, SpanId, TraceContext, TraceId};

/// A span, as it was received.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TraceSpan {
    pub trace_id: TraceId,
    pub span_id: SpanId,
    /// None where the trace begins with it.
    pub parent: Option<SpanId>,
    /// By the resource's `service.name`: a role, or `daprd-` and a role.
    pub service: String,
    pub name: String,
    pub kind: SpanKind,
    /// By `messaging.message.id`; none where there is none, or it is no event's.
    pub event_id: Option<Uuid>,
    pub began_at: Micros,
    pub ended_at: Micros,
    /// Whether the span says of itself that it failed.
    pub failed: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SpanKind {
    Server,
    Client,
    Producer,
    Consumer,
    Internal,
}

impl SpanKind {
    pub fn as_str(self) -> &'static str {
        match self {
            SpanKind::Server => "server",
            SpanKind::Client => "client",
            SpanKind::Producer => "producer",
            SpanKind::Consumer => "consumer",
            SpanKind::Internal => "internal",
        }
    }
}

/// A trace that a client began, by the version that its request was acknowledged with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientTrace {
    pub context: TraceContext,
    pub task_id: Uuid,
    pub version: u64,
}

/// What came to the collector of a lane.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TraceIntake {
    /// Requests that could be read.
    pub requests: u64,
    /// Spans in them.
    pub spans: u64,
    /// Of these, what found no room and is not in the ledger.
    pub dropped: u64,
    /// Requests, and spans within others, that could not be read.
    pub unreadable: u64,
}
