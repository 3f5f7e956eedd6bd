use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::HeaderMap;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use serde::de::DeserializeOwned;

use super::problem::ApiError;

/// A JSON body: 415 for another media type, 400 for what is not JSON, 422 with the field for JSON
/// of the wrong shape, 413 beyond the router's limit.
#[derive(Debug)]
pub(super) struct JsonBody<T>(pub(super) T);

/// The same, or nothing at all.
#[derive(Debug)]
pub(super) struct OptionalJsonBody<T>(pub(super) Option<T>);

impl<S, T> FromRequest<S> for JsonBody<T>
where
    S: Send + Sync,
    T: DeserializeOwned,
{
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let is_json = is_json(request.headers());
        // Read before it is refused: an answer to a half-sent body may never be seen.
        let bytes = read(request, state).await?;
        if !is_json {
            return Err(ApiError::UnsupportedMediaType);
        }
        decode(&bytes).map(Self)
    }
}

impl<S, T> FromRequest<S> for OptionalJsonBody<T>
where
    S: Send + Sync,
    T: DeserializeOwned,
{
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let is_json = is_json(request.headers());
        let bytes = read(request, state).await?;
        if bytes.is_empty() {
            return Ok(Self(None));
        }
        if !is_json {
            return Err(ApiError::UnsupportedMediaType);
        }
        decode(&bytes).map(Some).map(Self)
    }
}

async fn read<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, ApiError> {
    Bytes::from_request(request, state)
        .await
        .map_err(|rejection| match rejection.status() {
            StatusCode::PAYLOAD_TOO_LARGE => ApiError::TooLarge,
            _ => ApiError::Malformed(rejection.body_text()),
        })
}

/// Whatever parameters it has: JSON is UTF-8, and a charset changes nothing (RFC 8259).
fn is_json(headers: &HeaderMap) -> bool {
    let media_type = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next());
    media_type.is_some_and(|name| name.trim().eq_ignore_ascii_case("application/json"))
}

/// Straight from the bytes and not through a generic value, in which a repeated field would win
/// silently.
fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = error.path().to_string();
        let error = error.into_inner();
        if error.is_data() {
            // "." is the body as a whole, e.g. when a field is missing.
            let field = if path == "." { "body".to_owned() } else { path };
            ApiError::field(field, error.to_string())
        } else {
            ApiError::Malformed(error.to_string())
        }
    })?;
    deserializer
        .end()
        .map_err(|error| ApiError::Malformed(error.to_string()))?;
    Ok(value)
}
