use gauntlet_contract::{Envelope, TopicName};
use gauntlet_ports::{Ack, Settle};
use opentelemetry::Context;
use opentelemetry::trace::{
    SpanContext, SpanId, Status, TraceContextExt as _, TraceFlags, TraceId, TraceState,
};
use tracing::field::Empty;
use tracing::{Level, Span, info_span};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use crate::trace_context::{span_id, trace_id, valid_traceparent};

/// The target of spans for a collector.
pub const TARGET: &str = "otel";

/// Whether spans go anywhere.
pub fn is_on() -> bool {
    tracing::span_enabled!(target: TARGET, Level::INFO)
}

/// A span for a collector; it ends when it is dropped. Where there is no collector it is empty.
#[derive(Debug)]
pub(crate) struct TraceSpan {
    span: Span,
    traceparent: Option<String>,
}

impl TraceSpan {
    /// A request that is being served.
    pub(crate) fn served(method: &'static str, route: &str, parent: Option<&str>) -> Self {
        let span = info_span!(
            target: TARGET, parent: None, "serve",
            otel.name = format_args!("{method} {route}"), otel.kind = "server",
            http.request.method = method, http.route = route,
            http.response.status_code = Empty,
        );
        Self::begin(span, parent)
    }

    /// A request to another role, to a route with its parameters left open.
    pub(crate) fn called(app: &str, method: &str, route: &str, parent: Option<&str>) -> Self {
        let span = info_span!(
            target: TARGET, parent: None, "call",
            otel.name = format_args!("{method} {route}"), otel.kind = "client",
            http.request.method = method, url.template = route, peer.service = app,
            http.response.status_code = Empty,
        );
        Self::begin(span, parent)
    }

    /// An attempt at publishing an event.
    pub(crate) fn published(topic: &TopicName, event: &Envelope) -> Self {
        let span = info_span!(
            target: TARGET, parent: None, "publish",
            otel.name = format_args!("publish {topic}"), otel.kind = "producer",
            messaging.operation.name = "publish", messaging.operation.type = "send",
            messaging.destination.name = topic.as_str(), messaging.message.id = %event.id,
        );
        Self::begin(span, event.traceparent.as_deref())
    }

    /// A delivery of an event.
    pub(crate) fn processed(topic: &TopicName, group: &str, event: &Envelope) -> Self {
        let span = info_span!(
            target: TARGET, parent: None, "process",
            otel.name = format_args!("process {topic}"), otel.kind = "consumer",
            messaging.operation.name = "process", messaging.operation.type = "process",
            messaging.destination.name = topic.as_str(), messaging.message.id = %event.id,
            messaging.consumer.group.name = group,
        );
        Self::begin(span, event.traceparent.as_deref())
    }

    /// The transaction of a consumer that an event takes part in, with so many others.
    pub(crate) fn committed(name: &'static str, event: &Envelope, batch: usize) -> Self {
        let span = info_span!(
            target: TARGET, parent: None, "commit",
            otel.name = name, otel.kind = "internal", messaging.message.id = %event.id,
            messaging.batch.message_count = i64::try_from(batch).unwrap_or(i64::MAX),
        );
        Self::begin(span, event.traceparent.as_deref())
    }

    fn begin(span: Span, parent: Option<&str>) -> Self {
        let mut traceparent = None;
        if !span.is_disabled() {
            if let Some(parent) = parent.and_then(valid_traceparent).and_then(remote)
                && let Err(error) = span.set_parent(parent)
            {
                tracing::debug!(%error, "a span has lost its parent");
            }
            let context = span.context();
            let own = context.span().span_context().clone();
            traceparent = own.is_sampled().then(|| header(&own));
        }
        Self { span, traceparent }
    }

    /// What names the span as a parent; none when it is not sampled.
    pub(crate) fn traceparent(&self) -> Option<&str> {
        self.traceparent.as_deref()
    }

    /// What lines logged within it need in order to name the span.
    pub(crate) fn logs(&self) -> Span {
        logs_of(self.traceparent())
    }

    /// The status of the response that ends the span, and from which status on it is an error.
    pub(crate) fn answered(&self, status: u16, error_from: u16) {
        self.span
            .record("http.response.status_code", i64::from(status));
        if status >= error_from {
            self.failed("");
        }
    }

    pub(crate) fn acknowledged(&self, ack: &Ack) {
        if let Ack::Rejected(reason) | Ack::Unknown(reason) = ack {
            self.failed(reason);
        }
    }

    pub(crate) fn settled(&self, settle: &Settle) {
        match settle {
            Settle::Done => {}
            Settle::Retry => self.failed("to be retried"),
            Settle::DeadLetter(reason) => self.failed(reason),
        }
    }

    /// Ends as an error, for this reason.
    pub(crate) fn failed(&self, reason: &str) {
        if self.traceparent.is_some() {
            self.span.set_status(Status::error(reason.to_owned()));
        }
    }
}

/// What lines logged about an event need in order to name the span of its delivery. Nothing where spans go
/// nowhere.
pub(crate) fn logs(event: &Envelope) -> Span {
    if is_on() {
        logs_of(event.traceparent.as_deref())
    } else {
        Span::none()
    }
}

fn logs_of(traceparent: Option<&str>) -> Span {
    traceparent.map_or_else(Span::none, |own| {
        info_span!("traced", trace_id = trace_id(own), span_id = span_id(own))
    })
}

fn remote(traceparent: &str) -> Option<Context> {
    let flags = traceparent.rsplit('-').next()?;
    let context = SpanContext::new(
        TraceId::from_hex(trace_id(traceparent)).ok()?,
        SpanId::from_hex(span_id(traceparent)).ok()?,
        TraceFlags::new(u8::from_str_radix(flags, 16).ok()?),
        true,
        TraceState::default(),
    );
    Some(Context::new().with_remote_span_context(context))
}

fn header(context: &SpanContext) -> String {
    let (trace, span) = (context.trace_id(), context.span_id());
    let flags = context.trace_flags().to_u8();
    format!("00-{trace}-{span}-{flags:02x}")
}
