use std::sync::Arc;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{Digest, SHA256, digest};
use axum::extract::{FromRef, FromRequestParts};
use axum::http::request::Parts;
use gauntlet_ports::Secret;

use super::problem::ApiError;
use super::user::bearer;

/// What another role of ours shows to be let in.
#[derive(Clone)]
pub(super) struct ServiceToken(Arc<Digest>);

/// The request is another role's. First among a handler's arguments, as with a user.
#[derive(Clone, Copy, Debug)]
pub(super) struct Service;

impl ServiceToken {
    pub(super) fn new(token: &Secret) -> Self {
        Self(Arc::new(digest(&SHA256, token.reveal().as_bytes())))
    }

    /// Digests are compared, which are of one length, and in constant time: how long it takes tells
    /// nothing of the token.
    fn is(&self, given: &str) -> bool {
        let given = digest(&SHA256, given.as_bytes());
        verify_slices_are_equal(self.0.as_ref().as_ref(), given.as_ref()).is_ok()
    }
}

impl<S> FromRequestParts<S> for Service
where
    S: Send + Sync,
    ServiceToken: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        if ServiceToken::from_ref(state).is(bearer(&parts.headers)?) {
            Ok(Self)
        } else {
            tracing::warn!(path = parts.uri.path(), "service token refused");
            Err(ApiError::Unauthorized {
                was_token_given: true,
            })
        }
    }
}
