//! Reads the spans out of a request of OTLP over HTTP, from protobuf.
//! <https://opentelemetry.io/docs/specs/otlp/#otlphttp>

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind as WireKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use prost::{DecodeError, Message};
use uuid::Uuid;

use crate::ledger::{Micros, SpanId, SpanKind, TraceId, TraceSpan};

/// What a request had in it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct TraceRequest {
    pub(super) spans: Vec<TraceSpan>,
    /// Spans without ids that could be read.
    pub(super) unreadable: u64,
}

impl TraceRequest {
    pub(super) fn read(body: &[u8]) -> Result<Self, DecodeError> {
        let request = ExportTraceServiceRequest::decode(body)?;
        let mut read = Self::default();
        for of_resource in request.resource_spans {
            let resource = of_resource.resource.unwrap_or_default();
            let service = text(&resource.attributes, "service.name").unwrap_or_default();
            let scopes = of_resource.scope_spans.into_iter();
            for span in scopes.flat_map(|of_scope| of_scope.spans) {
                match span_of(service, span) {
                    Some(span) => read.spans.push(span),
                    None => read.unreadable += 1,
                }
            }
        }
        Ok(read)
    }
}

fn span_of(service: &str, span: Span) -> Option<TraceSpan> {
    // Whoever begins a trace leaves the parent empty, or, as some do, all zero.
    let parent = match span.parent_span_id.as_slice() {
        [] => None,
        bytes => SpanId::new(u64::from_be_bytes(bytes.try_into().ok()?)),
    };
    let event_id = text(&span.attributes, "messaging.message.id");
    Some(TraceSpan {
        trace_id: TraceId::new(u128::from_be_bytes(span.trace_id.try_into().ok()?))?,
        span_id: SpanId::new(u64::from_be_bytes(span.span_id.try_into().ok()?))?,
        parent,
        service: service.to_owned(),
        kind: match WireKind::try_from(span.kind) {
            Ok(WireKind::Server) => SpanKind::Server,
            Ok(WireKind::Client) => SpanKind::Client,
            Ok(WireKind::Producer) => SpanKind::Producer,
            Ok(WireKind::Consumer) => SpanKind::Consumer,
            Ok(WireKind::Internal | WireKind::Unspecified) | Err(_) => SpanKind::Internal,
        },
        event_id: event_id.and_then(|id| Uuid::try_parse(id).ok()),
        name: span.name,
        began_at: micros(span.start_time_unix_nano),
        ended_at: micros(span.end_time_unix_nano),
        failed: span
            .status
            .is_some_and(|status| status.code() == StatusCode::Error),
    })
}

fn text<'a>(attributes: &'a [KeyValue], key: &str) -> Option<&'a str> {
    let attribute = attributes.iter().find(|attribute| attribute.key == key)?;
    match attribute.value.as_ref()?.value.as_ref()? {
        Value::StringValue(text) => Some(text),
        _ => None,
    }
}

fn micros(nanos: u64) -> Micros {
    Micros(i64::try_from(nanos / 1_000).unwrap_or(i64::MAX))
}
