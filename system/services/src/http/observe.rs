//! What happens around every API request: a bound in time, a span for its logs, a measurement.

use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderMap, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tracing::Instrument as _;

use super::problem::ApiError;
use crate::telemetry::HTTP_SECONDS;
use crate::trace_context::{begin_trace, trace_id, valid_traceparent};

const TRACEPARENT: &str = "traceparent";
/// Longer than the database's own bounds together, which know better what has happened.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(12);

/// Wraps a request. A client that goes away ends it here and now; what was being committed is then
/// committed or not, as with any broken connection.
pub(super) async fn observe(mut request: Request, next: Next) -> Response {
    let started_at = Instant::now();
    let method = request.method().clone();
    // The pattern and not the path: a metric per task id would never end.
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or("unmatched".to_owned(), |path| path.as_str().to_owned());
    let traceparent = traced(request.headers_mut());
    let span = tracing::info_span!(
        "request",
        %method,
        route,
        trace_id = trace_id(&traceparent),
    );
    let answer = tokio::time::timeout(REQUEST_TIMEOUT, next.run(request));
    let response = answer
        .instrument(span)
        .await
        .unwrap_or_else(|_| ApiError::OutcomeUnknown.into_response());
    metrics::histogram!(
        HTTP_SECONDS,
        "method" => known(&method),
        "route" => route,
        "status" => response.status().as_str().to_owned(),
    )
    .record(started_at.elapsed().as_secs_f64());
    response
}

/// A label for each method would be one for each word that somebody thinks of.
fn known(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::PUT => "PUT",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

/// The trace that a request belongs to. One that names none, or none that is well-formed, begins a trace
/// here, so that whatever it changes can be followed.
fn traced(headers: &mut HeaderMap) -> String {
    traceparent(headers).unwrap_or_else(|| {
        let begun = begin_trace();
        if let Ok(value) = HeaderValue::from_str(&begun) {
            headers.insert(TRACEPARENT, value);
        }
        begun
    })
}

/// The trace that a request belongs to; what is [observed](observe) has one.
pub(super) fn traceparent(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(TRACEPARENT)?.to_str().ok()?;
    valid_traceparent(value).map(str::to_owned)
}
