//! A collector that is away, refuses or stalls, and events that fail.

use std::io::{self, Write};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use axum::http::StatusCode;
use gauntlet_contract::{Topic, UserId};
use gauntlet_ports::testsuite::storage::{MemoryAuditLog, sample};
use gauntlet_ports::{Delivery, Handler, Settle};
use gauntlet_services::consumers::{AuditHandler, traced};
use gauntlet_services::traces::TARGET;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle, PrometheusRecorder};
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use serde_json::Value;
use tokio::net::TcpListener;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::{EnvFilter, Layer as _, fmt, registry};

use super::collector::{Answering, Collector, Tracing, WITHIN, settings};
use super::{delivery, topic};
use crate::recurring_support::cut_short;
use crate::support::Api;

/// So many spans are posted together, and without a wait.
const BATCH: usize = 512;
/// More than an idle process takes for what it does not wait for.
const AT_ONCE: Duration = Duration::from_secs(5);

fn recorder() -> (PrometheusRecorder, PrometheusHandle) {
    let recorder = PrometheusBuilder::new().build_recorder();
    let handle = recorder.handle();
    (recorder, handle)
}

/// How many spans had this outcome.
fn counted(metrics: &PrometheusHandle, outcome: &str) -> u64 {
    let line = format!("todo_trace_spans_total{{outcome=\"{outcome}\"}} ");
    let text = metrics.render();
    let found = text.lines().find_map(|text| text.strip_prefix(&line));
    found.map_or(0, |count| count.parse().unwrap())
}

fn end_spans(count: usize) {
    for _ in 0..count {
        drop(tracing::info_span!(target: TARGET, parent: None, "planted"));
    }
}

#[tokio::test]
async fn a_collector_that_stalls_delays_neither_requests_nor_the_end() {
    let (recorder, metrics) = recorder();
    let _local = metrics::set_default_local_recorder(&recorder);
    let collector = Collector::start(Answering::Stalling).await;
    let tracing = Tracing::to(&collector);
    let api = Api::new();
    api.created("posted").await;
    collector.batches(1).await;
    // The batch is out, and nothing else will be posted before its answer comes.
    end_spans(5_000);
    assert_eq!(counted(&metrics, "overflow"), 5_000 - 4_096);
    let began = Instant::now();
    for _ in 0..20 {
        api.created("while it stalls").await;
    }
    tracing.finish_within(Duration::from_millis(100)).await;
    assert!(began.elapsed() < AT_ONCE, "{:?}", began.elapsed());
    assert_eq!(counted(&metrics, "overflow"), 5_000 - 4_096 + 20);
    assert_eq!(counted(&metrics, "posted"), 0);
}

#[tokio::test]
async fn a_collector_that_is_away_costs_spans_and_nothing_else() {
    let (recorder, metrics) = recorder();
    let _local = metrics::set_default_local_recorder(&recorder);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let tracing = Tracing::start(&settings(&endpoint));
    let began = Instant::now();
    Api::new().created("posted").await;
    tracing.finish_within(WITHIN).await;
    assert!(began.elapsed() < AT_ONCE, "{:?}", began.elapsed());
    assert_eq!(counted(&metrics, "undelivered"), 1);
}

#[tokio::test]
async fn a_collector_that_comes_back_is_told_of_what_ends_from_then_on() {
    let (recorder, metrics) = recorder();
    let _local = metrics::set_default_local_recorder(&recorder);
    let collector = Collector::start(Answering::Failing).await;
    let (lines, seen) = lines();
    let tracing = Tracing::to(&collector);
    let logged = tracing::subscriber::set_default(
        registry()
            .with(lines.with_filter(EnvFilter::new("info,otel=off")))
            .with(tracing.traces().layer()),
    );
    for batch in 1..=2 {
        end_spans(BATCH);
        collector.batches(batch).await;
    }
    collector.answer(Answering::Refusing(1));
    end_spans(BATCH);
    collector.batches(3).await;
    drop(logged);
    tracing.finish().await;
    assert_eq!(counted(&metrics, "undelivered"), 2 * BATCH as u64);
    assert_eq!(counted(&metrics, "refused"), 1);
    assert_eq!(counted(&metrics, "posted"), BATCH as u64 - 1);
    assert_eq!(collector.spans().len(), BATCH);
    let told = seen.messages();
    let count = |text: &str| told.iter().filter(|told| told.contains(text)).count();
    assert_eq!(count("spans cannot be posted"), 1, "{told:?}");
}

#[tokio::test]
async fn a_delivery_that_fails_is_an_error_and_its_log_line_names_its_span() {
    let collector = Collector::start(Answering::Taking).await;
    let (lines, seen) = lines();
    let tracing = Tracing::to(&collector);
    let logged = tracing::subscriber::set_default(
        registry()
            .with(lines.with_filter(EnvFilter::new("info,otel=off")))
            .with(tracing.traces().layer()),
    );
    let log = MemoryAuditLog::default();
    let handler = Arc::new(AuditHandler::new(Arc::new(log.clone())));
    let handler = traced(handler, &topic(Topic::TaskEvents), "audit");
    log.take_down();
    let event = sample::event(None, Some(&sample::task(UserId::generate(), "any")));
    let settled = handler.handle(&[delivery(event)]).await;
    assert_eq!(settled, [Settle::Retry]);
    drop(logged);
    tracing.finish().await;

    let consumed = collector.one(SpanKind::Consumer, "process task-events");
    let committed = collector.one(SpanKind::Internal, "commit audit");
    assert!(consumed.is_error && committed.is_error);
    let told = seen.values();
    let line = told.iter().find(|line| line["message"] == "to be retried");
    let span = &line.unwrap()["span"];
    assert_eq!(span["trace_id"], consumed.trace_id);
    assert_eq!(span["span_id"], consumed.id);
}

struct Stuck;

#[async_trait]
impl Handler for Stuck {
    async fn handle(&self, _batch: &[Delivery]) -> Vec<Settle> {
        std::future::pending().await
    }
}

#[tokio::test]
async fn a_delivery_whose_handler_is_cut_off_is_an_error() {
    let collector = Collector::start(Answering::Taking).await;
    let tracing = Tracing::to(&collector);
    let handler = traced(Arc::new(Stuck), &topic(Topic::TaskEvents), "audit");
    let event = sample::event(None, Some(&sample::task(UserId::generate(), "any")));
    let batch = [delivery(event)];
    assert_eq!(cut_short(handler.handle(&batch), 1).await, None);
    tracing.finish().await;
    let consumed = collector.one(SpanKind::Consumer, "process task-events");
    assert!(consumed.is_error);
}

#[tokio::test]
async fn a_log_line_of_a_request_names_its_span() {
    let collector = Collector::start(Answering::Taking).await;
    let (lines, seen) = lines();
    let tracing = Tracing::to(&collector);
    let filter = EnvFilter::new("gauntlet_services=debug,otel=off");
    let logged = tracing::subscriber::set_default(
        registry()
            .with(lines.with_filter(filter))
            .with(tracing.traces().layer()),
    );
    let api = Api::new();
    let call = api.get("/api/tasks").with_token("forged");
    call.send("").await.refused(StatusCode::UNAUTHORIZED);
    drop(logged);
    tracing.finish().await;

    let request = collector.one(SpanKind::Server, "GET /api/tasks");
    let told = seen.values();
    let line = told.iter().find(|line| line["message"] == "token refused");
    let span = &line.unwrap()["span"];
    assert_eq!(span["trace_id"], request.trace_id);
    assert_eq!(span["span_id"], request.id);
}

#[test]
fn an_endpoint_that_is_none_is_named_and_an_empty_one_is_not_set() {
    let complaint = |name: &str, endpoint: &str| {
        let output = Command::new(env!("CARGO_BIN_EXE_todo"))
            .env_clear()
            .envs([("ROLE", "api"), ("USE_DAPR", "true"), (name, endpoint)])
            .output()
            .unwrap();
        assert!(!output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };
    for name in [
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    ] {
        let told = complaint(name, "https://127.0.0.1:4318");
        assert!(told.contains(name) && told.contains("https"), "{told}");
        let told = complaint(name, "");
        assert!(told.contains("JWT_JWKS_FILE"), "{told}");
    }
}

/// Log lines as JSON, and what has been written of them.
fn lines<S>() -> (impl tracing_subscriber::Layer<S>, Seen)
where
    S: tracing::Subscriber + for<'span> tracing_subscriber::registry::LookupSpan<'span>,
{
    let seen = Seen::default();
    let writer = seen.clone();
    let lines = fmt::layer().json().flatten_event(true);
    (lines.with_writer(move || writer.clone()), seen)
}

#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Vec<u8>>>);

impl Seen {
    fn values(&self) -> Vec<Value> {
        let bytes = self.0.lock().unwrap();
        let lines = bytes.split(|byte| *byte == b'\n');
        let lines = lines.filter(|line| !line.is_empty());
        lines
            .map(|line| serde_json::from_slice(line).unwrap())
            .collect()
    }

    fn messages(&self) -> Vec<String> {
        let told = self.values();
        told.iter()
            .map(|line| line["message"].to_string())
            .collect()
    }
}

impl Write for Seen {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
