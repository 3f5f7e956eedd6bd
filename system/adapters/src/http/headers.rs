//! What a call and its answer look like in HTTP, with a sidecar in between or without.

use std::time::Duration;

use axum::body::Bytes;
use gauntlet_ports::invocation::{Answer, CallContext};
use gauntlet_ports::{PortError, PortErrorKind};
use jiff::Timestamp;
use jiff::fmt::rfc2822;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use reqwest::{RequestBuilder, Response};

const PORT: &str = "invoker";
const OP: &str = "invoke";
const IDEMPOTENCY_KEY: &str = "idempotency-key";
const TRACEPARENT: &str = "traceparent";
const JSON: &str = "application/json";

/// The request with the context's headers, its deadline and the body.
pub(crate) fn with_context(
    mut request: RequestBuilder,
    body: Bytes,
    context: &CallContext,
) -> Result<RequestBuilder, PortError> {
    request = request.timeout(context.deadline);
    if let Some(key) = &context.idempotency_key {
        request = request.header(IDEMPOTENCY_KEY, key);
    }
    if let Some(traceparent) = &context.traceparent {
        request = request.header(TRACEPARENT, traceparent);
    }
    if let Some(bearer) = &context.bearer {
        let mut value = HeaderValue::try_from(format!("Bearer {}", bearer.reveal()))
            .map_err(|error| PortError::new(PortErrorKind::Invalid, PORT, OP, error))?;
        // Else it would be in the client's debug output.
        value.set_sensitive(true);
        request = request.header(AUTHORIZATION, value);
    }
    if !body.is_empty() {
        request = request.header(CONTENT_TYPE, JSON).body(body);
    }
    Ok(request)
}

/// The answer, once its body is read.
pub(crate) async fn answer(response: Response) -> Result<Answer, PortError> {
    let status = response.status();
    let retry_after = response
        .headers()
        .get(RETRY_AFTER)
        .and_then(|value| wait(value.to_str().ok()?, Timestamp::now()));
    let body = response
        .bytes()
        .await
        // It was delivered, and what it came to is lost.
        .map_err(|error| PortError::new(PortErrorKind::Timeout, PORT, OP, error))?;
    Ok(Answer {
        status,
        retry_after,
        body,
    })
}

/// A request without a response. Only a connection that was never made, or a request that could not
/// be one, proves that nothing was sent.
pub(crate) fn without_answer(error: reqwest::Error) -> PortError {
    let kind = if error.is_builder() {
        PortErrorKind::Invalid
    } else if error.is_connect() {
        PortErrorKind::Unavailable
    } else {
        PortErrorKind::Timeout
    };
    PortError::new(kind, PORT, OP, error)
}

/// Seconds, or a date.
fn wait(retry_after: &str, now: Timestamp) -> Option<Duration> {
    let text = retry_after.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let at = rfc2822::parse(text).ok()?.timestamp();
    Some(Duration::try_from(at.duration_since(now)).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use gauntlet_ports::Secret;

    use super::*;

    #[test]
    fn a_wait_is_in_seconds_or_until_a_date() {
        let now: Timestamp = "2030-01-01T00:00:00Z".parse().unwrap();
        let cases = [
            ("120", Some(120)),
            (" 0 ", Some(0)),
            ("Tue, 01 Jan 2030 00:02:00 GMT", Some(120)),
            ("Mon, 31 Dec 2029 00:00:00 GMT", Some(0)),
            ("soon", None),
            ("-5", None),
        ];
        for (text, seconds) in cases {
            let expected = seconds.map(Duration::from_secs);
            assert_eq!(wait(text, now), expected, "{text}");
        }
    }

    #[test]
    fn a_request_does_not_show_its_token() {
        let request = reqwest::Client::new().post("http://h:1/x");
        let context = CallContext {
            bearer: Secret::new("hunter2"),
            ..CallContext::within(Duration::from_secs(1))
        };
        let request = with_context(request, Bytes::new(), &context).unwrap();
        assert!(!format!("{request:?}").contains("hunter2"));
    }

    #[test]
    fn a_token_that_cannot_be_sent_is_invalid() {
        let request = reqwest::Client::new().post("http://h:1/x");
        let context = CallContext {
            bearer: Secret::new("a\nb"),
            ..CallContext::within(Duration::from_secs(1))
        };
        let refused = with_context(request, Bytes::new(), &context).unwrap_err();
        assert_eq!(refused.kind, PortErrorKind::Invalid);
    }
}
