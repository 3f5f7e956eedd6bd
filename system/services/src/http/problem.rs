use axum::Json;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use gauntlet_contract::Problem;
use gauntlet_contract::problem::{CONTENT_TYPE as PROBLEM_JSON, FieldError};
use gauntlet_contract::task::BODY_MAX_BYTES;
use gauntlet_domain::Rejection;
use gauntlet_ports::{PortError, PortErrorKind};

use crate::commands::CommandError;
use crate::telemetry::chain;

/// How long a client is asked to wait before it tries again, in seconds.
const RETRY_AFTER_SECS: &str = "1";

/// Every way in which the API refuses or fails, as RFC 9457 problems.
///
/// Only [`OutcomeUnknown`](ApiError::OutcomeUnknown), status 504, leaves open whether the request
/// has taken effect, and after [`Interrupted`](ApiError::Interrupted) a part of it has. After every
/// other error, the other 5xx included, nothing was written.
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
    /// 412. It has moved on from the version that the client has seen.
    PreconditionFailed { current: u64 },
    /// 409. Others change the same thing faster than this request can.
    Conflict,
    /// 409. Another tag or category has this name; case makes no difference.
    NameTaken,
    /// 422. Another request was answered under this idempotency key.
    KeyReused,
    /// 409. A request with this idempotency key is under way.
    KeyInFlight,
    /// 503. A part that the request needs is away; nothing was written.
    Unavailable,
    /// 503. Something got in the way of a change of many steps; asked for again, it goes on there.
    Interrupted,
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
            Self::NameTaken => (StatusCode::CONFLICT, "name-taken", "Name taken"),
            Self::KeyReused => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "idempotency-key-reused",
                "Idempotency key reused",
            ),
            Self::KeyInFlight => (
                StatusCode::CONFLICT,
                "idempotency-key-in-flight",
                "Idempotency key in flight",
            ),
            Self::Unavailable => (
                StatusCode::SERVICE_UNAVAILABLE,
                "unavailable",
                "Temporarily unavailable",
            ),
            Self::Interrupted => (
                StatusCode::SERVICE_UNAVAILABLE,
                "interrupted",
                "Interrupted half-way",
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
            Self::PreconditionFailed { current } => format!("it is at version {current}"),
            Self::OutcomeUnknown => {
                "no answer in time: the change may have been made or not; read before retrying"
                    .to_owned()
            }
            Self::NameTaken => {
                "another one has this name; upper and lower case are the same".to_owned()
            }
            Self::KeyReused => {
                "another request had this key; each request needs a key of its own".to_owned()
            }
            Self::KeyInFlight => {
                "a request with this key is under way; try again to learn its answer".to_owned()
            }
            Self::Interrupted => {
                "a part of it was done; the same request again does the rest".to_owned()
            }
            Self::Conflict | Self::Unavailable | Self::Internal => "nothing was written".to_owned(),
        }
    }
}

impl ApiError {
    pub(super) fn status(&self) -> StatusCode {
        self.kind().0
    }

    /// The body of the answer.
    pub(super) fn problem(&self) -> Problem {
        let (status, kind, title) = self.kind();
        Problem {
            kind: format!("/problems/{kind}"),
            title: title.to_owned(),
            status: status.as_u16(),
            detail: self.detail(),
            errors: match self {
                Self::Invalid(errors) => errors.clone(),
                _ => Vec::new(),
            },
        }
    }

    /// What the answer says in a header, beside its body.
    pub(super) fn header(&self) -> Option<(HeaderName, &'static str)> {
        match self {
            Self::Unauthorized { was_token_given } => {
                let challenge = if *was_token_given {
                    r#"Bearer realm="todo", error="invalid_token""#
                } else {
                    r#"Bearer realm="todo""#
                };
                Some((WWW_AUTHENTICATE, challenge))
            }
            Self::Conflict
            | Self::KeyInFlight
            | Self::Unavailable
            | Self::Interrupted
            | Self::OutcomeUnknown => Some((RETRY_AFTER, RETRY_AFTER_SECS)),
            _ => None,
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = (self.status(), Json(self.problem())).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        if let Some((name, value)) = self.header() {
            headers.insert(name, HeaderValue::from_static(value));
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

/// A read without an answer leaves nothing open: it is as good as a store that is away.
pub(super) fn read_failed(error: PortError) -> ApiError {
    match ApiError::from(error) {
        ApiError::OutcomeUnknown => ApiError::Unavailable,
        other => other,
    }
}

impl From<CommandError> for ApiError {
    fn from(error: CommandError) -> Self {
        match error {
            CommandError::Read(error) => read_failed(error),
            CommandError::Commit(error) => error.into(),
            CommandError::Contended | CommandError::Rejected(Rejection::AlreadyExists) => {
                Self::Conflict
            }
            CommandError::Rejected(Rejection::NotFound) => Self::NotFound,
            CommandError::PreconditionFailed { current } => Self::PreconditionFailed { current },
            CommandError::NameTaken => Self::NameTaken,
            CommandError::KeyReused => Self::KeyReused,
            CommandError::KeyInFlight => Self::KeyInFlight,
            CommandError::Interrupted(_) => {
                tracing::warn!(error = chain(&error), "request interrupted");
                Self::Interrupted
            }
            CommandError::Render(_) => {
                tracing::error!(error = chain(&error), "request failed");
                Self::Internal
            }
            CommandError::Rejected(Rejection::Invalid(violations)) => Self::Invalid(
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
