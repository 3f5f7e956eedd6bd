//! Events that are asked for and stand in the audit trail, each with the trace that it has to be in.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use super::{
    Came, ClientTrace, Effect, LaneView, OutboxRow, Sought, SpanId, SpanIndex, TraceContext,
    TraceFault, TraceId,
};

/// The events of a lane that acknowledged operations wrote, and what series did besides, with the lane's
/// spans.
#[derive(Debug)]
pub struct EventTraces<'a> {
    spans: SpanIndex<'a>,
    events: Vec<TracedEvent<'a>>,
    expected: u64,
}

/// One of these events that stands in the trail.
#[derive(Clone, Copy, Debug)]
pub struct TracedEvent<'a> {
    pub event: &'a OutboxRow,
    pub came: Came,
    /// The trace that the request brought; none where it brought none.
    pub client: Option<TraceContext>,
    /// By the line of the trail.
    stands: Option<TraceContext>,
    /// The client's span that the line's trace begins under, whoever wrote this event in it.
    above: Option<SpanId>,
}

/// Why an event is not in one trace with its request and its line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EventTraceFault {
    #[error("its line in the trail names no trace")]
    NoTrace,
    #[error("its line in the trail is in trace {stands}, and its client began {began}")]
    NotTheClients { stands: TraceId, began: TraceId },
    #[error("its trace {trace} {fault}")]
    InTrace { trace: TraceId, fault: TraceFault },
}

impl<'a> EventTraces<'a> {
    pub fn of(view: LaneView<'a>) -> Self {
        let (record, accounting) = (view.record(), view.accounting());
        let lines = first_lines(view);
        let clients = Clients::of(&record.client_traces);
        let besides: HashSet<usize> = accounting.besides.iter().copied().collect();
        let mut traces = Self {
            spans: SpanIndex::new(&record.spans),
            events: Vec::new(),
            expected: 0,
        };
        for (position, event) in record.events.iter().enumerate() {
            let operation = accounting.operation_of_event[position];
            let acknowledged = operation.and_then(|it| record.operations[it].acknowledged());
            let came = match (acknowledged, besides.contains(&position)) {
                (Some(_), _) => Came::ByRequest,
                (None, true) => Came::InConsequence,
                (None, false) => continue,
            };
            if !event.owes_effects() {
                continue;
            }
            traces.expected += 1;
            if let Some(line) = lines.get(&event.event_id) {
                let stands = context_of(line);
                traces.events.push(TracedEvent {
                    event,
                    came,
                    client: clients.of_event(event, came),
                    stands,
                    above: stands.and_then(|stands| clients.above(stands.trace_id)),
                });
            }
        }
        traces
    }

    /// How many events there are, in the trail or not.
    pub fn expected(&self) -> u64 {
        self.expected
    }

    /// Those in the trail.
    pub fn events(&self) -> &[TracedEvent<'a>] {
        &self.events
    }

    /// Whether the event's trace is whole.
    pub fn follow(&self, event: &TracedEvent<'_>) -> Result<(), EventTraceFault> {
        let sought = event.sought().ok_or(EventTraceFault::NoTrace)?;
        let stands = sought.trace_id;
        if let Some(client) = event.client.filter(|client| client.trace_id != stands) {
            return Err(EventTraceFault::NotTheClients {
                stands,
                began: client.trace_id,
            });
        }
        let in_trace = |fault| EventTraceFault::InTrace {
            trace: stands,
            fault,
        };
        self.spans.follow(sought).map_err(in_trace)
    }

    /// The spans that did arrive of the event and its trace, a line each.
    pub fn tell(&self, event: &TracedEvent<'_>) -> Vec<String> {
        let sought = event.sought();
        sought.map_or_else(Vec::new, |sought| self.spans.tell(sought))
    }
}

impl TracedEvent<'_> {
    fn sought(&self) -> Option<Sought> {
        let stands = self.stands?;
        Some(Sought {
            event_id: self.event.event_id,
            trace_id: stands.trace_id,
            above: self.above,
            came: self.came,
        })
    }
}

/// Repeats are another check's.
fn first_lines(view: LaneView<'_>) -> HashMap<Uuid, &Effect> {
    let lines = view.record().effects.iter();
    let lines = lines.zip(&view.accounting().is_repeat);
    let firsts = lines.filter(|(_, is_repeat)| !**is_repeat);
    firsts.map(|(line, _)| (line.event_id, line)).collect()
}

fn context_of(line: &Effect) -> Option<TraceContext> {
    let envelope = line.envelope.value().ok()?;
    TraceContext::read(envelope.get("traceparent")?.as_str()?)
}

/// The traces that clients began.
struct Clients {
    by_version: HashMap<(Uuid, u64), TraceContext>,
    by_trace: HashMap<TraceId, SpanId>,
}

impl Clients {
    fn of(traces: &[ClientTrace]) -> Self {
        let by_version = traces.iter();
        let by_version = by_version.map(|it| ((it.task_id, it.version), it.context));
        let by_trace = traces.iter().map(|it| it.context);
        let by_trace = by_trace.map(|context| (context.trace_id, context.span_id));
        Self {
            by_version: by_version.collect(),
            by_trace: by_trace.collect(),
        }
    }

    fn of_event(&self, event: &OutboxRow, came: Came) -> Option<TraceContext> {
        let acknowledged = (event.task_id, event.version);
        let client = self.by_version.get(&acknowledged).copied();
        client.filter(|_| came == Came::ByRequest)
    }

    fn above(&self, trace: TraceId) -> Option<SpanId> {
        self.by_trace.get(&trace).copied()
    }
}
