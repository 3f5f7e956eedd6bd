use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use metrics_exporter_prometheus::PrometheusHandle;
use serde_json::json;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::openapi::{HealthReport, Liveness};
use crate::health::Health;

/// The text format of Prometheus.
const METRICS_CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Health and metrics, without a token: probes and scrapers have none.
/// - `/health/live`: 200 as long as the process answers at all;
/// - `/health/ready` and `/health`: 200 or 503, with every component;
/// - `/health/dapr`: 200 or 503 by the sidecar alone;
/// - `/health/services`: always 200, for a person;
/// - `/metrics`.
pub(super) fn routes(health: Health, metrics: PrometheusHandle) -> OpenApiRouter {
    OpenApiRouter::default()
        .routes(routes!(live))
        .routes(routes!(whole))
        .routes(routes!(ready))
        .routes(routes!(dapr))
        .routes(routes!(services))
        .with_state(health)
        .merge(
            OpenApiRouter::default()
                .routes(routes!(scrape))
                .with_state(metrics),
        )
}

// A restart mends neither a database nor a broker that is away.
/// Whether the process answers at all
///
/// Asks nothing and nobody.
#[utoipa::path(
    get, path = "/health/live", operation_id = "health_live", tag = "service",
    responses((status = 200, description = "It does", body = Liveness)),
)]
async fn live(State(health): State<Health>) -> Response {
    Json(json!({
        "status": "healthy",
        "timestamp": Timestamp::now(),
        "service": health.service(),
    }))
    .into_response()
}

/// As `/health/ready`
#[utoipa::path(
    get, path = "/health", operation_id = "health", tag = "service",
    responses(
        (status = 200, description = "Ready", body = HealthReport),
        (status = 503, description = "Not ready", body = HealthReport),
    ),
)]
async fn whole(health: State<Health>) -> Response {
    ready(health).await
}

/// Whether new work may be sent here
#[utoipa::path(
    get, path = "/health/ready", operation_id = "health_ready", tag = "service",
    responses(
        (status = 200, description = "Ready", body = HealthReport),
        (status = 503, description = "Not ready", body = HealthReport),
    ),
)]
async fn ready(State(health): State<Health>) -> Response {
    let report = health.report().await;
    (status(report.is_ready()), Json(report)).into_response()
}

/// Whether the sidecar answers
#[utoipa::path(
    get, path = "/health/dapr", operation_id = "health_dapr", tag = "service",
    responses(
        (status = 200, description = "It does, or there is none", body = HealthReport),
        (status = 503, description = "It does not", body = HealthReport),
    ),
)]
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

/// How everything is, for a person
#[utoipa::path(
    get, path = "/health/services", operation_id = "health_services", tag = "service",
    responses((status = 200, description = "Whatever it is", body = HealthReport)),
)]
async fn services(State(health): State<Health>) -> Response {
    Json(health.report().await).into_response()
}

/// Measurements, in the text format of Prometheus
#[utoipa::path(
    get, path = "/metrics", operation_id = "metrics", tag = "service",
    responses((status = 200, description = "All of them", body = String, content_type = "text/plain")),
)]
async fn scrape(State(metrics): State<PrometheusHandle>) -> Response {
    ([(CONTENT_TYPE, METRICS_CONTENT_TYPE)], metrics.render()).into_response()
}

fn status(is_well: bool) -> StatusCode {
    if is_well {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    }
}
