use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderName, Method, Response, StatusCode, Uri};
use serde_json::{Value, json};

/// What reached the app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    pub method: Method,
    /// Without a slash in front, with its query.
    pub path: String,
    pub idempotency_key: Option<String>,
    pub traceparent: Option<String>,
    pub authorization: Option<String>,
    pub content_type: Option<String>,
    pub body: Bytes,
}

/// What the app says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    Answer {
        status: StatusCode,
        retry_after: Option<Duration>,
        body: Bytes,
    },
    /// Nothing, ever.
    Silence,
}

/// An app that tells what it was sent. `status/<code>` is answered with that status, and with a
/// `Retry-After` of 7 s where it is 503; `silence` is never answered.
pub fn echo(heard: &Heard) -> Reply {
    if heard.path == "silence" {
        return Reply::Silence;
    }
    let asked_for = heard.path.strip_prefix("status/");
    let status = asked_for
        .and_then(|code| code.parse::<StatusCode>().ok())
        .unwrap_or(StatusCode::OK);
    let is_away = status == StatusCode::SERVICE_UNAVAILABLE;
    let can_have_body = status != StatusCode::NO_CONTENT && status != StatusCode::NOT_MODIFIED;
    let body = if can_have_body {
        told(heard).to_string().into()
    } else {
        Bytes::new()
    };
    Reply::Answer {
        status,
        retry_after: is_away.then_some(Duration::from_secs(7)),
        body,
    }
}

fn told(heard: &Heard) -> Value {
    json!({
        "method": heard.method.as_str(),
        "path": heard.path,
        "idempotencyKey": heard.idempotency_key,
        "traceparent": heard.traceparent,
        "authorization": heard.authorization,
        "contentType": heard.content_type,
        "body": heard.body.to_vec(),
    })
}

/// The same app, to be served.
pub fn echo_router() -> Router {
    Router::new().fallback(serve)
}

async fn serve(method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> Response<Body> {
    let header = |name: HeaderName| Some(headers.get(name)?.to_str().ok()?.to_owned());
    let path = uri.path_and_query().map_or("", |path| path.as_str());
    let heard = Heard {
        method,
        path: path.strip_prefix('/').unwrap_or(path).to_owned(),
        idempotency_key: header(HeaderName::from_static("idempotency-key")),
        traceparent: header(HeaderName::from_static("traceparent")),
        authorization: header(AUTHORIZATION),
        content_type: header(CONTENT_TYPE),
        body,
    };
    match echo(&heard) {
        Reply::Silence => std::future::pending().await,
        Reply::Answer {
            status,
            retry_after,
            body,
        } => {
            let mut response = Response::new(Body::from(body));
            *response.status_mut() = status;
            if let Some(wait) = retry_after {
                response
                    .headers_mut()
                    .insert(RETRY_AFTER, wait.as_secs().into());
            }
            response
        }
    }
}
