//! A collector in this process, which answers as a test chooses.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use gauntlet_services::traces::{SamplerKind, TraceSettings, Traces, parse_endpoint, traces_below};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::Status;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode as SpanStatus;
use prost::Message as _;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry;

/// An end to a hang, and no wait.
pub(crate) const WITHIN: Duration = Duration::from_secs(20);
/// How long a flush may take in a test that expects it to succeed.
const FLUSH_WITHIN: Duration = Duration::from_secs(10);

/// A span as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Span {
    pub(crate) service: String,
    pub(crate) name: String,
    pub(crate) kind: SpanKind,
    pub(crate) trace_id: String,
    pub(crate) id: String,
    /// Empty for the first of a trace.
    pub(crate) parent: String,
    pub(crate) is_error: bool,
    attributes: Vec<KeyValue>,
}

impl Span {
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        match value(&self.attributes, name)? {
            Value::StringValue(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn number(&self, name: &str) -> Option<i64> {
        match value(&self.attributes, name)? {
            Value::IntValue(number) => Some(*number),
            _ => None,
        }
    }

    /// As the header has it that names the span as a parent.
    pub(crate) fn traceparent(&self) -> String {
        format!("00-{}-{}-01", self.trace_id, self.id)
    }
}

fn value<'a>(attributes: &'a [KeyValue], name: &str) -> Option<&'a Value> {
    let found = attributes.iter().find(|attribute| attribute.key == name)?;
    let AnyValue { value } = found.value.as_ref()?;
    value.as_ref()
}

/// What the collector does with a batch.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Answering {
    Taking,
    /// Takes all but so many.
    Refusing(i64),
    Failing,
    /// Has the batch, and never answers.
    Stalling,
}

#[derive(Clone)]
pub(crate) struct Collector {
    endpoint: String,
    answering: Arc<watch::Sender<Answering>>,
    spans: Arc<watch::Sender<Vec<Span>>>,
    batches: Arc<watch::Sender<usize>>,
}

impl Collector {
    pub(crate) async fn start(answering: Answering) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let collector = Self {
            endpoint: format!("http://{}", listener.local_addr().unwrap()),
            answering: Arc::new(watch::Sender::new(answering)),
            spans: Arc::default(),
            batches: Arc::default(),
        };
        let routes = Router::new().route("/v1/traces", post(take).with_state(collector.clone()));
        tokio::spawn(axum::serve(listener, routes).into_future());
        collector
    }

    pub(crate) fn answer(&self, answering: Answering) {
        self.answering.send_replace(answering);
    }

    /// Waits until so many batches have arrived.
    pub(crate) async fn batches(&self, count: usize) {
        let mut batches = self.batches.subscribe();
        let enough = batches.wait_for(|batches| *batches >= count);
        tokio::time::timeout(WITHIN, enough).await.unwrap().unwrap();
    }

    pub(crate) fn spans(&self) -> Vec<Span> {
        self.spans.borrow().clone()
    }

    /// The one span of this kind and name.
    pub(crate) fn one(&self, kind: SpanKind, name: &str) -> Span {
        let spans = self.spans();
        let mut found = spans.iter().filter(|s| s.kind == kind && s.name == name);
        let one = found.next().unwrap_or_else(|| panic!("{name}: {spans:#?}"));
        assert!(found.next().is_none(), "{name} twice: {spans:#?}");
        one.clone()
    }
}

async fn take(
    State(collector): State<Collector>,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, Vec<u8>) {
    assert_eq!(headers["content-type"], "application/x-protobuf");
    let request = ExportTraceServiceRequest::decode(body).unwrap();
    collector.batches.send_modify(|batches| *batches += 1);
    let answering = *collector.answering.borrow();
    let refused = match answering {
        Answering::Taking => 0,
        Answering::Refusing(spans) => spans,
        Answering::Failing => return (StatusCode::SERVICE_UNAVAILABLE, Vec::new()),
        Answering::Stalling => std::future::pending().await,
    };
    collector
        .spans
        .send_modify(|spans| spans.extend(read(request)));
    let answer = ExportTraceServiceResponse {
        partial_success: (refused > 0).then(|| ExportTracePartialSuccess {
            rejected_spans: refused,
            error_message: "planted".to_owned(),
        }),
    };
    (StatusCode::OK, answer.encode_to_vec())
}

fn read(request: ExportTraceServiceRequest) -> Vec<Span> {
    let mut read = Vec::new();
    for of_resource in request.resource_spans {
        let resource = of_resource.resource.unwrap();
        let Some(Value::StringValue(service)) = value(&resource.attributes, "service.name") else {
            panic!("spans of nobody: {resource:?}");
        };
        for span in of_resource
            .scope_spans
            .into_iter()
            .flat_map(|scope| scope.spans)
        {
            let status = span.status.as_ref().map(Status::code);
            read.push(Span {
                service: service.clone(),
                kind: span.kind(),
                trace_id: hex(&span.trace_id),
                id: hex(&span.span_id),
                parent: hex(&span.parent_span_id),
                is_error: status == Some(SpanStatus::Error),
                name: span.name,
                attributes: span.attributes,
            });
        }
    }
    read
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Tracing of the test's thread, to a collector.
pub(crate) struct Tracing {
    traces: Traces,
    is_set: DefaultGuard,
}

impl Tracing {
    pub(crate) fn to(collector: &Collector) -> Self {
        Self::with(collector, |_| {})
    }

    pub(crate) fn with(collector: &Collector, change: impl FnOnce(&mut TraceSettings)) -> Self {
        let mut settings = settings(&collector.endpoint);
        change(&mut settings);
        Self::start(&settings)
    }

    pub(crate) fn start(settings: &TraceSettings) -> Self {
        let traces = Traces::start(settings).unwrap();
        let is_set = tracing::subscriber::set_default(registry().with(traces.layer()));
        Self { traces, is_set }
    }

    pub(crate) fn traces(&self) -> &Traces {
        &self.traces
    }

    /// Has everything posted that has ended.
    pub(crate) async fn finish(self) {
        self.finish_within(FLUSH_WITHIN).await;
    }

    pub(crate) async fn finish_within(self, within: Duration) {
        drop(self.is_set);
        self.traces.finish(within).await;
    }
}

pub(crate) fn settings(endpoint: &str) -> TraceSettings {
    TraceSettings {
        endpoint: traces_below(&parse_endpoint(endpoint).unwrap()),
        timeout: WITHIN,
        service_name: "api".to_owned(),
        sampler: SamplerKind::ParentOrOn,
        ratio: 1.0,
    }
}
