use std::fmt;
use std::sync::Arc;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{Digest, SHA256, digest};
use axum::Json;
use axum::extract::{Request, State};
use axum::http::header::{CONTENT_TYPE, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use gauntlet_contract::problem::CONTENT_TYPE as PROBLEM_JSON;
use gauntlet_contract::{Problem, TopicName};
use gauntlet_ports::Secret;

use super::refusals::Refusals;
use crate::telemetry;

/// The header in which a sidecar shows its app the value of its variable `APP_API_TOKEN`.
const TOKEN_HEADER: &str = "dapr-api-token";
/// A sidecar shows its token with every call that it makes to its app, and names the caller where it passes
/// on what another app invokes. A delivery has no caller.
const CALLER_HEADER: &str = "dapr-caller-app-id";
/// A 401 names what would be accepted.
const CHALLENGE: &str = r#"dapr-api-token realm="todo""#;

/// Lets the app's own sidecar deliver events of one topic. Another app that invokes this path through its
/// sidecar is refused; whoever reaches this app's own sidecar can still have it called, as it can publish.
#[derive(Clone)]
pub(super) struct Gate {
    token: Arc<Digest>,
    topic: TopicName,
    refusals: Refusals,
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate")
            .field("topic", &self.topic)
            .finish_non_exhaustive()
    }
}

impl Gate {
    pub(super) fn new(token: &Secret, topic: TopicName, refusals: Refusals) -> Self {
        Self {
            token: Arc::new(digest(&SHA256, token.reveal().as_bytes())),
            topic,
            refusals,
        }
    }

    /// Digests are compared, which are of one length, and in constant time: how long it takes tells
    /// nothing of the token.
    fn opens(&self, headers: &HeaderMap) -> bool {
        if headers.contains_key(CALLER_HEADER) {
            return false;
        }
        let shown = headers
            .get(TOKEN_HEADER)
            .map_or(&b""[..], |it| it.as_bytes());
        let shown = digest(&SHA256, shown);
        verify_slices_are_equal(self.token.as_ref().as_ref(), shown.as_ref()).is_ok()
    }
}

/// Before the body is read: who shows no token cannot have it kept in memory either. A sidecar takes a 401
/// for a reason to deliver again, so that one whose token was mistaken loses nothing.
pub(super) async fn admit(State(gate): State<Gate>, request: Request, next: Next) -> Response {
    if gate.opens(request.headers()) {
        gate.refusals.admitted();
        return next.run(request).await;
    }
    gate.refusals.refused(&gate.topic);
    telemetry::refused(&gate.topic);
    refusal()
}

fn refusal() -> Response {
    let status = StatusCode::UNAUTHORIZED;
    let problem = Problem {
        kind: "/problems/unauthorized".to_owned(),
        title: "Unauthorized".to_owned(),
        status: status.as_u16(),
        detail: "only the sidecar of this process delivers here".to_owned(),
        errors: Vec::new(),
    };
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON)),
        (WWW_AUTHENTICATE, HeaderValue::from_static(CHALLENGE)),
    ];
    (status, headers, Json(problem)).into_response()
}
