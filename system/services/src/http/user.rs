use std::sync::Arc;

use axum::extract::{FromRef, FromRequestParts};
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use gauntlet_contract::UserId;

use super::problem::ApiError;
use crate::auth::Verifier;

/// The state of routes that need a user: what verifies tokens, and what the routes work on.
#[derive(Clone)]
pub(super) struct Guarded<T> {
    pub(super) verifier: Arc<Verifier>,
    pub(super) inner: T,
}

impl<T> FromRef<Guarded<T>> for Arc<Verifier> {
    fn from_ref(state: &Guarded<T>) -> Self {
        Arc::clone(&state.verifier)
    }
}

/// The user whose valid token the request bears. First among a handler's arguments, so that a
/// stranger learns nothing about ids and bodies.
#[derive(Clone, Copy, Debug)]
pub(super) struct User(pub(super) UserId);

impl<S> FromRequestParts<S> for User
where
    S: Send + Sync,
    Arc<Verifier>: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let token = bearer(&parts.headers)?;
        match Arc::<Verifier>::from_ref(state).verify(token) {
            Ok(user_id) => Ok(Self(user_id)),
            Err(error) => {
                let reason: &dyn std::error::Error = &error;
                tracing::debug!(reason, "token refused");
                Err(ApiError::Unauthorized {
                    was_token_given: true,
                })
            }
        }
    }
}

/// The one bearer token of a request.
pub(super) fn bearer(headers: &HeaderMap) -> Result<&str, ApiError> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    // With two headers it would be a matter of taste whose request this is.
    let (Some(header), None) = (values.next(), values.next()) else {
        return Err(ApiError::Unauthorized {
            was_token_given: false,
        });
    };
    // A header that was there is told apart from none: the client has something to renew.
    let token = header.to_str().ok().and_then(bearer_token);
    token.ok_or(ApiError::Unauthorized {
        was_token_given: true,
    })
}

/// The scheme's name is case-insensitive (RFC 9110).
fn bearer_token(header: &str) -> Option<&str> {
    let (scheme, token) = header.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then(|| token.trim_start())
}
