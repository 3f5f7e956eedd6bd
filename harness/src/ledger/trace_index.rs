//! The spans of a lane, joined to their parents.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use super::{SpanId, SpanKind, TraceId, TraceSpan};

/// The role that requests come to, and the one that writes the audit trail.
const API: &str = "api";
const AUDIT: &str = "audit";
/// More than a request, a series that goes on with it and their sidecars have above one another. What goes
/// on for longer goes in a circle.
const GENERATIONS: usize = 64;

/// Spans by id, by event and by trace. Linear in the spans.
#[derive(Debug)]
pub struct SpanIndex<'a> {
    spans: HashMap<(TraceId, SpanId), &'a TraceSpan>,
    of_event: HashMap<Uuid, Vec<&'a TraceSpan>>,
    of_trace: HashMap<TraceId, Vec<&'a TraceSpan>>,
}

/// Where an event's trace is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sought {
    pub event_id: Uuid,
    /// By the line of the audit trail.
    pub trace_id: TraceId,
    /// The client's span, where the trace is a client's.
    pub above: Option<SpanId>,
    pub came: Came,
}

/// How an event came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Came {
    /// The request that began the trace wrote it.
    ByRequest,
    /// Something else that the request led to wrote it, such as the next instance of a series.
    InConsequence,
}

/// Why an event's trace is not whole.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TraceFault {
    #[error("has no {} span of {service}", kind.as_str())]
    Missing {
        kind: SpanKind,
        service: &'static str,
    },
    #[error("has a {} span in trace {found}, and stands in the trail with {stands}", kind.as_str())]
    OtherTrace {
        kind: SpanKind,
        found: TraceId,
        stands: TraceId,
    },
    #[error("leads from {name:?} of {service} to span {parent}, which never arrived")]
    Gap {
        service: String,
        name: String,
        parent: SpanId,
    },
    #[error("leads in a circle")]
    Circle,
    #[error("begins with {name:?} of {service}, which is no request to the api")]
    NoRequest { service: String, name: String },
    #[error("begins in the api and not with the client's span")]
    NotTheClients,
    #[error("comes from another request than the one that began the trace")]
    OtherRequest,
    #[error("leads to two requests: one published it and another was recorded")]
    TwoWays,
    #[error("shares its trace with a request that has nothing to do with it")]
    Shared,
}

/// What a span leads up to.
struct Climbed<'a> {
    /// The nearest request to the api, itself included.
    request: Option<&'a TraceSpan>,
    top: &'a TraceSpan,
}

impl<'a> SpanIndex<'a> {
    pub fn new(spans: &'a [TraceSpan]) -> Self {
        let mut index = Self {
            spans: HashMap::with_capacity(spans.len()),
            of_event: HashMap::new(),
            of_trace: HashMap::new(),
        };
        for span in spans {
            // A batch whose answer was lost is sent once more.
            if index
                .spans
                .insert((span.trace_id, span.span_id), span)
                .is_some()
            {
                continue;
            }
            index.of_trace.entry(span.trace_id).or_default().push(span);
            if let Some(event_id) = span.event_id {
                index.of_event.entry(event_id).or_default().push(span);
            }
        }
        index
    }

    /// Follows an event from the line of the trail to the request: what was published and what was
    /// recorded lead up to one request to the api without a gap, and the trace holds no other.
    pub fn follow(&self, sought: Sought) -> Result<(), TraceFault> {
        let published = self.find(sought, SpanKind::Producer, API)?;
        let recorded = self.find(sought, SpanKind::Consumer, AUDIT)?;
        let (published, recorded) = (
            self.climb(published, sought.above)?,
            self.climb(recorded, sought.above)?,
        );
        let top = published.top;
        if !is_request(top) {
            return Err(TraceFault::NoRequest {
                service: top.service.clone(),
                name: top.name.clone(),
            });
        }
        if top.parent != sought.above {
            return Err(TraceFault::NotTheClients);
        }
        if top.span_id != recorded.top.span_id {
            return Err(TraceFault::TwoWays);
        }
        for climbed in [&published, &recorded] {
            let nearest = climbed.request.map(|request| request.span_id);
            if sought.came == Came::ByRequest && nearest != Some(top.span_id) {
                return Err(TraceFault::OtherRequest);
            }
        }
        self.require_alone(top, sought.above)
    }

    /// The trace's spans as they came, a line each, the first begun first.
    pub fn tell(&self, sought: Sought) -> Vec<String> {
        let of_trace = self.of_trace.get(&sought.trace_id).into_iter().flatten();
        let of_event = self.of_event.get(&sought.event_id).into_iter().flatten();
        let of_event = of_event.filter(|span| span.trace_id != sought.trace_id);
        let mut spans: Vec<&TraceSpan> = of_trace.chain(of_event).copied().collect();
        spans.sort_by_key(|span| span.began_at);
        let first = spans
            .first()
            .map_or_else(Default::default, |it| it.began_at);
        let told = spans.into_iter().map(|span| {
            let after = span.began_at.since(first).as_secs_f64();
            let under = span.parent.map_or_else(
                || "which begins it".to_owned(),
                |parent| format!("under {parent}"),
            );
            let (trace, id) = (span.trace_id, span.span_id);
            let (service, name) = (&span.service, &span.name);
            let kind = span.kind.as_str();
            format!("+{after:.4} s {service}: {kind} {name:?}, span {id} of {trace}, {under}")
        });
        told.collect()
    }

    /// Deliveries and publications may repeat: one in the right trace will do.
    fn find(
        &self,
        sought: Sought,
        kind: SpanKind,
        service: &'static str,
    ) -> Result<&'a TraceSpan, TraceFault> {
        let spans = self.of_event.get(&sought.event_id).into_iter().flatten();
        let of_kind = spans.filter(|span| span.kind == kind && span.service == service);
        let mut elsewhere = None;
        for span in of_kind {
            if span.trace_id == sought.trace_id {
                return Ok(span);
            }
            elsewhere = Some(span.trace_id);
        }
        Err(match elsewhere {
            Some(found) => TraceFault::OtherTrace {
                kind,
                found,
                stands: sought.trace_id,
            },
            None => TraceFault::Missing { kind, service },
        })
    }

    /// Goes up until there is nothing above, or the client.
    fn climb(
        &self,
        from: &'a TraceSpan,
        client: Option<SpanId>,
    ) -> Result<Climbed<'a>, TraceFault> {
        let mut climbed = Climbed {
            request: None,
            top: from,
        };
        for _ in 0..GENERATIONS {
            let span = climbed.top;
            if climbed.request.is_none() && is_request(span) {
                climbed.request = Some(span);
            }
            let Some(parent) = span.parent.filter(|parent| Some(*parent) != client) else {
                return Ok(climbed);
            };
            let above = self.spans.get(&(span.trace_id, parent));
            climbed.top = above.ok_or_else(|| TraceFault::Gap {
                service: span.service.clone(),
                name: span.name.clone(),
                parent,
            })?;
        }
        Err(TraceFault::Circle)
    }

    fn require_alone(&self, top: &TraceSpan, client: Option<SpanId>) -> Result<(), TraceFault> {
        let of_trace = self.of_trace.get(&top.trace_id).into_iter().flatten();
        let mut tops = HashSet::from([top.span_id]);
        for request in of_trace.filter(|span| is_request(span)) {
            tops.insert(self.climb(request, client)?.top.span_id);
        }
        if tops.len() == 1 {
            Ok(())
        } else {
            Err(TraceFault::Shared)
        }
    }
}

fn is_request(span: &TraceSpan) -> bool {
    span.kind == SpanKind::Server && span.service == API
}
