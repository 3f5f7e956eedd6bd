//! Made-up traces for a made-up lane, for tests: they take them and spoil them.

use std::collections::HashMap;
use std::time::Duration;

use super::{
    ClientTrace, LaneRecord, Micros, RawJson, SpanId, SpanKind, TraceContext, TraceId, TraceIntake,
    TraceSpan,
};

/// Spans that [`trace`] makes of an event, in this order: its request, its publication, its delivery, and
/// what the delivery did.
pub(crate) const SPANS_OF_EVENT: usize = 4;

/// The trace of the event at a position.
pub(crate) fn trace_id(position: usize) -> TraceId {
    TraceId::new((0x7ace << 96) | (position as u128 + 1)).unwrap()
}

/// The first of its spans is that of the request.
pub(crate) fn span_id(position: usize, number: usize) -> SpanId {
    SpanId::new((position * SPANS_OF_EVENT + number + 1) as u64).unwrap()
}

/// Gives each event that owes an effect a trace of its own, as a request without one begins it.
pub(crate) fn trace(record: &mut LaneRecord) {
    let mut positions = HashMap::new();
    for position in 0..record.events.len() {
        let event = &record.events[position];
        if !event.owes_effects() {
            continue;
        }
        positions.insert(event.event_id, position);
        let (event_id, at) = (Some(event.event_id), event.inserted_at);
        let spans = [
            (None, "api", "POST /api/tasks", SpanKind::Server, None),
            (
                Some(0),
                "api",
                "publish task-events",
                SpanKind::Producer,
                event_id,
            ),
            (
                Some(0),
                "audit",
                "process task-events",
                SpanKind::Consumer,
                event_id,
            ),
            (Some(2), "audit", "commit audit", SpanKind::Internal, None),
        ];
        for (number, (parent, service, name, kind, event_id)) in spans.into_iter().enumerate() {
            let began_at = at.after(Duration::from_millis(number as u64));
            record.spans.push(TraceSpan {
                trace_id: trace_id(position),
                span_id: span_id(position, number),
                parent: parent.map(|parent| span_id(position, parent)),
                service: service.to_owned(),
                name: name.to_owned(),
                kind,
                event_id,
                began_at,
                ended_at: Micros(began_at.0 + 500),
                failed: false,
            });
        }
    }
    for effect in &mut record.effects {
        let Some(&position) = positions.get(&effect.event_id) else {
            continue;
        };
        let context = TraceContext {
            trace_id: trace_id(position),
            span_id: span_id(position, 0),
        };
        let mut envelope = effect.envelope.value().unwrap();
        envelope["traceparent"] = context.header().into();
        effect.envelope = RawJson::of(&envelope);
    }
    record.trace_intake = Some(TraceIntake {
        requests: 3,
        spans: record.spans.len() as u64,
        ..TraceIntake::default()
    });
}

/// Has a client begin the trace of the event at a position.
pub(crate) fn begin_by_client(record: &mut LaneRecord, position: usize) {
    let span_id = SpanId::new(0xc11e).unwrap();
    let trace_id = trace_id(position);
    let event = &record.events[position];
    record.client_traces.push(ClientTrace {
        context: TraceContext { trace_id, span_id },
        task_id: event.task_id,
        version: event.version,
    });
    request(record, position).parent = Some(span_id);
}

/// The request of the event at a position of a lane in which all events owe effects.
pub(crate) fn request(record: &mut LaneRecord, position: usize) -> &mut TraceSpan {
    &mut record.spans[position * SPANS_OF_EVENT]
}
