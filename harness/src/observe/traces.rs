use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceResponse,
};
use prost::Message;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::trace_request::TraceRequest;
use super::{ObserveError, ObserveErrorKind};
use crate::ledger::{TraceIntake, TraceSpan};

/// Some ten times what the longest scenario that collects has, at 0.3 kB each.
const SPANS_AT_MOST: usize = 200_000;
/// A batch of 512 spans, which is what exporters send at most, is a tenth of it.
const BODY_MAX_BYTES: usize = 4 * 1024 * 1024;
const PROTOBUF: &str = "application/x-protobuf";

/// Takes in the traces of one lane: `POST /v1/traces` on 127.0.0.1, protobuf and not compressed.
///
/// It keeps a bounded number of spans in memory, tells the sender of those that it has no room for, and
/// counts them. It listens until it is dropped.
#[derive(Debug)]
pub struct TraceCollector {
    address: SocketAddr,
    intake: Arc<Mutex<Intake>>,
    serving: JoinHandle<()>,
}

#[derive(Debug)]
struct Intake {
    spans: Vec<TraceSpan>,
    room: usize,
    counted: TraceIntake,
}

impl TraceCollector {
    /// Listens on a port of its own.
    pub async fn listen() -> Result<Self, ObserveError> {
        Self::with_room_for(SPANS_AT_MOST).await
    }

    async fn with_room_for(room: usize) -> Result<Self, ObserveError> {
        let failed =
            |error| ObserveError::new(ObserveErrorKind::Connect, "a port to collect traces", error);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let listener = listener.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let intake = Arc::new(Mutex::new(Intake {
            spans: Vec::new(),
            room,
            counted: TraceIntake::default(),
        }));
        let router = Router::new()
            .route("/v1/traces", post(take_in))
            .layer(DefaultBodyLimit::max(BODY_MAX_BYTES))
            .with_state(Arc::clone(&intake));
        let serving = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                tracing::error!(%error, "failed to go on collecting traces");
            }
        });
        Ok(Self {
            address,
            intake,
            serving,
        })
    }

    /// `http://127.0.0.1:PORT`, as `OTEL_EXPORTER_OTLP_ENDPOINT` has it.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What came so far, in the order of its coming.
    pub fn collected(&self) -> (Vec<TraceSpan>, TraceIntake) {
        let intake = lock(&self.intake);
        (intake.spans.clone(), intake.counted)
    }
}

impl Drop for TraceCollector {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

fn lock(intake: &Mutex<Intake>) -> MutexGuard<'_, Intake> {
    intake.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn take_in(
    State(intake): State<Arc<Mutex<Intake>>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let media_type = headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes);
    let read = match TraceRequest::read(&body) {
        Ok(read) if media_type == Some(PROTOBUF.as_bytes()) => read,
        _ => {
            lock(&intake).counted.unreadable += 1;
            return StatusCode::BAD_REQUEST.into_response();
        }
    };
    let dropped = lock(&intake).take(read);
    let partial_success = (dropped > 0).then(|| ExportTracePartialSuccess {
        rejected_spans: i64::try_from(dropped).unwrap_or(i64::MAX),
        error_message: "the collector has no room".to_owned(),
    });
    let answer = ExportTraceServiceResponse { partial_success };
    ([(CONTENT_TYPE, PROTOBUF)], answer.encode_to_vec()).into_response()
}

impl Intake {
    /// Answers how many spans found no room.
    fn take(&mut self, read: TraceRequest) -> u64 {
        let came = read.spans.len() as u64;
        let before = self.spans.len();
        let room = self.room.saturating_sub(before);
        self.spans.extend(read.spans.into_iter().take(room));
        let dropped = came - (self.spans.len() - before) as u64;
        self.counted.requests += 1;
        self.counted.spans += came;
        self.counted.dropped += dropped;
        self.counted.unreadable += read.unreadable;
        dropped
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
    use opentelemetry_proto::tonic::common::v1::any_value::Value;
    use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
    use opentelemetry_proto::tonic::resource::v1::Resource;
    use opentelemetry_proto::tonic::trace::v1::span::SpanKind as WireKind;
    use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
    use uuid::Uuid;

    use super::*;
    use crate::ledger::{Micros, SpanId, SpanKind, TraceId};

    const EVENT: Uuid = Uuid::from_u128(0xe7);

    fn attribute(key: &str, value: &str) -> KeyValue {
        KeyValue {
            key: key.to_owned(),
            value: Some(AnyValue {
                value: Some(Value::StringValue(value.to_owned())),
            }),
            ..KeyValue::default()
        }
    }

    fn span(id: u64, parent: &[u8]) -> Span {
        Span {
            trace_id: 0xabc_u128.to_be_bytes().to_vec(),
            span_id: id.to_be_bytes().to_vec(),
            parent_span_id: parent.to_vec(),
            name: "process task-events".to_owned(),
            kind: WireKind::Consumer.into(),
            start_time_unix_nano: 5_000_999,
            end_time_unix_nano: 7_000_000,
            attributes: vec![attribute("messaging.message.id", &EVENT.to_string())],
            status: Some(Status {
                code: 2,
                ..Status::default()
            }),
            ..Span::default()
        }
    }

    fn request(spans: Vec<Span>) -> Vec<u8> {
        let of_resource = ResourceSpans {
            resource: Some(Resource {
                attributes: vec![attribute("service.name", "audit")],
                ..Resource::default()
            }),
            scope_spans: vec![ScopeSpans {
                spans,
                ..ScopeSpans::default()
            }],
            ..ResourceSpans::default()
        };
        let request = ExportTraceServiceRequest {
            resource_spans: vec![of_resource],
        };
        request.encode_to_vec()
    }

    async fn send(
        collector: &TraceCollector,
        media_type: &str,
        body: Vec<u8>,
    ) -> reqwest::Response {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let url = format!("{}/v1/traces", collector.endpoint());
        let request = http.post(url).header("content-type", media_type);
        request.body(body).send().await.unwrap()
    }

    #[tokio::test]
    async fn a_span_is_read_as_it_was_sent() {
        let collector = TraceCollector::listen().await.unwrap();
        let body = request(vec![span(2, &1_u64.to_be_bytes()), span(3, &[])]);
        let answer = send(&collector, PROTOBUF, body).await;
        assert_eq!(answer.status(), 200);
        let answer = ExportTraceServiceResponse::decode(answer.bytes().await.unwrap()).unwrap();
        assert_eq!(answer.partial_success, None);
        let (spans, intake) = collector.collected();
        assert_eq!((intake.requests, intake.spans, intake.dropped), (1, 2, 0));
        assert_eq!(
            spans[0],
            TraceSpan {
                trace_id: TraceId::new(0xabc).unwrap(),
                span_id: SpanId::new(2).unwrap(),
                parent: SpanId::new(1),
                service: "audit".to_owned(),
                name: "process task-events".to_owned(),
                kind: SpanKind::Consumer,
                event_id: Some(EVENT),
                began_at: Micros(5_000),
                ended_at: Micros(7_000),
                failed: true,
            }
        );
        assert_eq!(spans[1].parent, None);
    }

    #[tokio::test]
    async fn planted_bytes_and_ids_that_cannot_be_read_are_counted() {
        let collector = TraceCollector::listen().await.unwrap();
        let json = send(&collector, "application/json", request(Vec::new())).await;
        let garbage = send(&collector, PROTOBUF, b"garbage".to_vec()).await;
        assert_eq!(
            (json.status(), garbage.status()),
            (400.try_into().unwrap(), 400.try_into().unwrap())
        );
        let mut short = span(2, &[]);
        short.trace_id.pop();
        let body = request(vec![short, span(0, &[]), span(4, &[1])]);
        assert_eq!(send(&collector, PROTOBUF, body).await.status(), 200);
        let (spans, intake) = collector.collected();
        assert_eq!((spans, intake.unreadable, intake.spans), (Vec::new(), 5, 0));
    }

    #[tokio::test]
    async fn planted_flood_finds_no_more_room_than_there_is_and_its_sender_is_told() {
        let collector = TraceCollector::with_room_for(3).await.unwrap();
        for (first, expected) in [(1, 0), (3, 1)] {
            let body = request(vec![span(first, &[]), span(first + 1, &[])]);
            let answer = send(&collector, PROTOBUF, body)
                .await
                .bytes()
                .await
                .unwrap();
            let answer = ExportTraceServiceResponse::decode(answer).unwrap();
            let rejected = answer.partial_success.map_or(0, |it| it.rejected_spans);
            assert_eq!(rejected, expected);
        }
        let (spans, intake) = collector.collected();
        assert_eq!((spans.len(), intake.spans, intake.dropped), (3, 4, 1));
    }
}
