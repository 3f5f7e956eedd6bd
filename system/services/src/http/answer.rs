//! Answers to requests that change or show one thing.

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, ETAG, LOCATION};
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use gauntlet_contract::{Label, LabelKind, Series, Task};
use gauntlet_ports::StoredAnswer;
use serde::Serialize;

use super::etag::etag;
use super::idempotency::IDEMPOTENCY_REPLAYED;
use super::problem::ApiError;
use crate::commands::{Answered, Origin};

/// What has a version, which is its entity tag.
pub(super) trait Versioned: Serialize {
    fn version(&self) -> u64;
}

/// What has a place of its own.
pub(super) trait Located: Versioned {
    /// The path where it can be read.
    fn location(&self) -> String;
}

impl Versioned for Task {
    fn version(&self) -> u64 {
        self.version
    }
}

impl Located for Task {
    fn location(&self) -> String {
        format!("/api/tasks/{}", self.id)
    }
}

impl Versioned for Label {
    fn version(&self) -> u64 {
        self.version
    }
}

impl Located for Label {
    fn location(&self) -> String {
        format!("{}/{}", labels_path(self.kind), self.id)
    }
}

impl Versioned for Series {
    fn version(&self) -> u64 {
        self.version
    }
}

/// Where the labels of a kind are.
pub(super) fn labels_path(kind: LabelKind) -> &'static str {
    match kind {
        LabelKind::Tag => "/api/tags",
        LabelKind::Category => "/api/categories",
    }
}

/// 200 with the state and its `ETag`; 204 where nothing is left to show.
pub(super) fn shown<T: Versioned>(state: Option<&T>) -> Result<StoredAnswer, serde_json::Error> {
    match state {
        Some(state) => stated(StatusCode::OK, state),
        None => Ok(empty()),
    }
}

/// 201 with the state, its `ETag` and its `Location`.
pub(super) fn created<T: Located>(state: Option<&T>) -> Result<StoredAnswer, serde_json::Error> {
    let Some(state) = state else {
        return Ok(empty());
    };
    let mut answer = stated(StatusCode::CREATED, state)?;
    answer
        .headers
        .push((LOCATION.as_str().to_owned(), state.location()));
    Ok(answer)
}

/// 204, whatever is left.
#[expect(
    clippy::unnecessary_wraps,
    reason = "it is a Render, and others of them can fail"
)]
pub(super) fn nothing<T>(_: Option<&T>) -> Result<StoredAnswer, serde_json::Error> {
    Ok(empty())
}

/// The answer to a command, first hand or again.
pub(super) fn respond(answered: Answered) -> Result<Response, ApiError> {
    let mut response = response(answered.answer)?;
    if answered.origin == Origin::Earlier {
        let replayed = HeaderValue::from_static("true");
        response
            .headers_mut()
            .insert(IDEMPOTENCY_REPLAYED, replayed);
    }
    Ok(response)
}

/// The answer to a question for one thing; 404 when it is not there.
pub(super) fn found<T: Versioned>(state: Option<&T>) -> Result<Response, ApiError> {
    let state = state.ok_or(ApiError::NotFound)?;
    response(stated(StatusCode::OK, state).map_err(broken)?)
}

fn stated<T: Versioned>(status: StatusCode, state: &T) -> Result<StoredAnswer, serde_json::Error> {
    let json = "application/json".to_owned();
    Ok(StoredAnswer {
        status: status.as_u16(),
        headers: vec![
            (CONTENT_TYPE.as_str().to_owned(), json),
            (ETAG.as_str().to_owned(), etag(state.version())),
        ],
        body: serde_json::to_string(state)?,
    })
}

fn empty() -> StoredAnswer {
    StoredAnswer {
        status: StatusCode::NO_CONTENT.as_u16(),
        headers: Vec::new(),
        body: String::new(),
    }
}

fn response(answer: StoredAnswer) -> Result<Response, ApiError> {
    let mut response = Response::builder().status(answer.status);
    for (name, value) in answer.headers {
        response = response.header(name, value);
    }
    response.body(Body::from(answer.body)).map_err(broken)
}

/// What we wrote ourselves does not fit: a defect.
fn broken(error: impl std::error::Error) -> ApiError {
    tracing::error!(%error, "answer cannot be given");
    ApiError::Internal
}
