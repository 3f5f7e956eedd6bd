use axum::Json;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use gauntlet_contract::Problem;
use gauntlet_contract::problem::{CONTENT_TYPE as PROBLEM_JSON, FieldError};
use gauntlet_contract::task::BODY_MAX_BYTES;
use gauntlet_domain::Rejection;
use gauntlet_ports::{PortError, PortErrorKind};

use crate::tasks::TaskError;
use crate::telemetry::chain;

/// How long a client is asked to wait before it tries again, in seconds.
const RETRY_AFTER_SECS: &str = "1";

/// Every way in which the API refuses or fails, as RFC 9457 problems.
///
/// Only [`OutcomeUnknown`](ApiError::OutcomeUnknown), status 504, leaves open whether the request
/// has taken effect. After every other error, the other 5xx included, nothing was written.
#[derive(Debug)]
pub enum ApiError {
    /// 401. No token, or none that is valid; a client learns no more than that.
    Unauthorized { was_token_given: bool },
    /// 404. No such route, or no such thing of this user: the two look alike on purpose.
    NotFound,
    /// 405.
    MethodNotAllowed,
    /// 400. The body is not JSON.
    Malformed(String),
    /// 413.
    TooLarge,
    /// 415.
    UnsupportedMediaType,
    /// 422. JSON of the wrong shape, or values that are not allowed.
    Invalid(Vec<FieldError>),
    /// 412. The task has moved on from the version that the client has seen.
    PreconditionFailed { current: u64 },
    /// 409. Others change the same thing faster than this request can.
    Conflict,
    /// 503. A part that the request needs is away; nothing was written.
    Unavailable,
    /// 504. The answer to a write did not come: it may have been committed or not.
    OutcomeUnknown,
    /// 500. A defect; nothing was written.
    Internal,
}

impl ApiError {
    /// One field is at fault.
    pub fn field(field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::Invalid(vec![FieldError {
            field: field.into(),
            detail: detail.into(),
        }])
    }

    /// The status, the last part of the problem's `type`, and its title. Clients branch on the
    /// type: an entry here never changes its meaning.
    fn kind(&self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::Unauthorized { .. } => (StatusCode::UNAUTHORIZED, "unauthorized", "Unauthorized"),
            Self::NotFound => (StatusCode::NOT_FOUND, "not-found", "Not found"),
            Self::MethodNotAllowed => (
                StatusCode::METHOD_NOT_ALLOWED,
                "method-not-allowed",
                "Method not allowed",
            ),
            Self::Malformed(_) => (StatusCode::BAD_REQUEST, "malformed", "Malformed request"),
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "too-large", "Body too large"),
            Self::UnsupportedMediaType => (
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported-media-type",
                "Unsupported media type",
            ),
            Self::Invalid(_) => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "invalid",
                "Invalid request",
            ),
            Self::PreconditionFailed { .. } => (
                StatusCode::PRECONDITION_FAILED,
                "precondition-failed",
                "Precondition failed",
            ),
            Self::Conflict => (StatusCode::CONFLICT, "conflict", "Conflict"),
            Self::Unavailable => (
                StatusCode::SERVICE_UNAVAILABLE,
                "unavailable",
                "Temporarily unavailable",
            ),
            Self::OutcomeUnknown => (
                StatusCode::GATEWAY_TIMEOUT,
                "outcome-unknown",
                "Outcome unknown",
            ),
            Self::Internal => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "internal",
                "Internal error",
            ),
        }
    }

    /// For a person. Says what to do where that is not plain, and nothing about our insides.
    fn detail(&self) -> String {
        match self {
            Self::Unauthorized { .. } => "a valid bearer token is needed".to_owned(),
            Self::NotFound => "there is no such resource".to_owned(),
            Self::MethodNotAllowed => {
                "the resource does not know this method; see Allow".to_owned()
            }
            Self::Malformed(detail) => detail.clone(),
            Self::TooLarge => format!("at most {BODY_MAX_BYTES} bytes"),
            Self::UnsupportedMediaType => "send application/json".to_owned(),
            Self::Invalid(_) => "see errors".to_owned(),
            Self::PreconditionFailed { current } => format!("the task is at version {current}"),
            Self::OutcomeUnknown => {
                "no answer in time: the change may have been made or not; read before retrying"
                    .to_owned()
            }
            Self::Conflict | Self::Unavailable | Self::Internal => "nothing was written".to_owned(),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let (status, kind, title) = self.kind();
        let detail = self.detail();
        let problem = Problem {
            kind: format!("/problems/{kind}"),
            title: title.to_owned(),
            status: status.as_u16(),
            detail,
            errors: match &self {
                Self::Invalid(errors) => errors.clone(),
                _ => Vec::new(),
            },
        };
        let mut response = (status, Json(problem)).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        match self {
            Self::Unauthorized { was_token_given } => {
                let challenge = if was_token_given {
                    r#"Bearer realm="todo", error="invalid_token""#
                } else {
                    r#"Bearer realm="todo""#
                };
                headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
            }
            Self::Conflict | Self::Unavailable | Self::OutcomeUnknown => {
                headers.insert(RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER_SECS));
            }
            _ => {}
        }
        response
    }
}

impl From<PortError> for ApiError {
    fn from(error: PortError) -> Self {
        let api_error = match error.kind {
            PortErrorKind::Timeout => Self::OutcomeUnknown,
            PortErrorKind::Unavailable => Self::Unavailable,
            PortErrorKind::NotFound => Self::NotFound,
            PortErrorKind::Conflict => Self::Conflict,
            // What a client sends is checked before it gets to a store.
            PortErrorKind::Invalid | PortErrorKind::Internal => Self::Internal,
        };
        tracing::warn!(error = chain(&error), "request failed");
        api_error
    }
}

impl From<TaskError> for ApiError {
    fn from(error: TaskError) -> Self {
        match error {
            TaskError::Store(error) => error.into(),
            TaskError::Contended | TaskError::Rejected(Rejection::AlreadyExists) => Self::Conflict,
            TaskError::Rejected(Rejection::NotFound) => Self::NotFound,
            TaskError::PreconditionFailed { current } => Self::PreconditionFailed { current },
            TaskError::Rejected(Rejection::Invalid(violations)) => Self::Invalid(
                violations
                    .into_iter()
                    .map(|violation| FieldError {
                        field: violation.field.to_owned(),
                        detail: violation.detail,
                    })
                    .collect(),
            ),
        }
    }
}
