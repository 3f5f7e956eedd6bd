use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use jiff::Timestamp;
use metrics_exporter_prometheus::PrometheusHandle;
use serde_json::json;

use crate::health::Health;

/// The text format of Prometheus.
const METRICS_CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Health and metrics, without a token: probes and scrapers have none.
/// - `/health/live`: 200 as long as the process answers at all;
/// - `/health/ready` and `/health`: 200 or 503, with every component;
/// - `/health/dapr`: 200 or 503 by the sidecar alone;
/// - `/health/services`: always 200, for a person;
/// - `/metrics`.
pub(super) fn routes(health: Health, metrics: PrometheusHandle) -> Router {
    Router::new()
        .route("/health/live", get(live))
        .route("/health", get(ready))
        .route("/health/ready", get(ready))
        .route("/health/dapr", get(dapr))
        .route("/health/services", get(services))
        .with_state(health)
        .route("/metrics", get(async move || scrape(&metrics)))
}

/// Asks nothing and nobody: a restart mends neither a database nor a broker that is away.
async fn live(State(health): State<Health>) -> Response {
    Json(json!({
        "status": "healthy",
        "timestamp": Timestamp::now(),
        "service": health.service(),
    }))
    .into_response()
}

async fn ready(State(health): State<Health>) -> Response {
    let report = health.report().await;
    (status(report.is_ready()), Json(report)).into_response()
}

async fn dapr(State(health): State<Health>) -> Response {
    let report = health.report().await;
    let dapr = report.components.dapr;
    let is_well = dapr.sidecar_reachable || dapr.status == crate::health::Status::Disabled;
    let body = json!({
        "status": dapr.status,
        "timestamp": report.timestamp,
        "service": report.service,
        "components": { "dapr": dapr },
    });
    (status(is_well), Json(body)).into_response()
}

async fn services(State(health): State<Health>) -> Response {
    Json(health.report().await).into_response()
}

fn scrape(metrics: &PrometheusHandle) -> Response {
    ([(CONTENT_TYPE, METRICS_CONTENT_TYPE)], metrics.render()).into_response()
}

fn status(is_well: bool) -> StatusCode {
    if is_well {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    }
}
