use axum::extract::{FromRequest, Request};
use gauntlet_contract::UserId;

use super::body::{self, FromBody};
use super::etag::precondition;
use super::idempotency::{fingerprint, key};
use super::observe::traceparent;
use super::problem::ApiError;
use crate::commands::{self, Keyed, Precondition};

/// A request that changes something: its body, and what its headers say about the change.
#[derive(Debug)]
pub(super) struct Submitted<B> {
    precondition: Precondition,
    key: Option<Keyed>,
    traceparent: Option<String>,
    body: B,
}

impl<S, B> FromRequest<S> for Submitted<B>
where
    S: Send + Sync,
    B: FromBody,
{
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let headers = request.headers().clone();
        let (method, uri) = (request.method().clone(), request.uri().clone());
        let bytes = body::read(request, state).await?;
        let body = B::from_body(&headers, &bytes)?;
        let key = key(&headers)?.map(|key| Keyed {
            key,
            fingerprint: fingerprint(&method, uri.path(), &bytes),
        });
        Ok(Self {
            precondition: precondition(&headers),
            key,
            traceparent: traceparent(&headers),
            body,
        })
    }
}

impl<B> Submitted<B> {
    /// The request as a command has it, and its body.
    pub(super) fn by(self, user_id: UserId) -> (commands::Request, B) {
        let request = commands::Request {
            user_id,
            precondition: self.precondition,
            key: self.key,
            traceparent: self.traceparent,
        };
        (request, self.body)
    }
}
