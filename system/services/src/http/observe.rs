//! What happens around every API request: a bound in time, a span for its logs, a measurement.

use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderMap, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tracing::Instrument as _;

use super::problem::ApiError;
use crate::telemetry::HTTP_SECONDS;
use crate::trace_context::{begin_trace, span_id, trace_id, valid_traceparent};
use crate::traces::TraceSpan;

const TRACEPARENT: &str = "traceparent";
/// From here on it is us whom a span of ours finds at fault, and not the client.
const FAULT_FROM: u16 = 500;
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
    let asked_by = traceparent(request.headers());
    let served = TraceSpan::served(known(&method), &route, asked_by.as_deref());
    let own = served.traceparent();
    let traceparent = traced(request.headers_mut(), asked_by, own);
    let span = tracing::info_span!(
        "request",
        %method,
        route,
        trace_id = trace_id(&traceparent),
        // The span of somebody else says nothing about our lines.
        span_id = own.map(span_id),
    );
    let answer = tokio::time::timeout(REQUEST_TIMEOUT, next.run(request));
    let response = answer
        .instrument(span)
        .await
        .unwrap_or_else(|_| ApiError::OutcomeUnknown.into_response());
    served.answered(response.status().as_u16(), FAULT_FROM);
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

/// The trace that a request belongs to: our `own` span of it, or where nobody records that, what it was
/// `asked_by`. One that names no trace, or none that is well-formed, begins a trace here, so that whatever it
/// changes can be followed.
fn traced(headers: &mut HeaderMap, asked_by: Option<String>, own: Option<&str>) -> String {
    let traceparent = match (own, asked_by) {
        (None, Some(asked_by)) => return asked_by,
        (Some(own), _) => own.to_owned(),
        (None, None) => begin_trace(),
    };
    if let Ok(value) = HeaderValue::from_str(&traceparent) {
        headers.insert(TRACEPARENT, value);
    }
    traceparent
}

/// The trace that a request belongs to; what is [observed](observe) has one.
pub(super) fn traceparent(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(TRACEPARENT)?.to_str().ok()?;
    valid_traceparent(value).map(str::to_owned)
}
