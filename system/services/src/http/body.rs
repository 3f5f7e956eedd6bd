use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::HeaderMap;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::problem::ApiError;

/// A JSON body: 415 for another media type, 400 for what is not JSON, 422 with the field for JSON
/// of the wrong shape, 413 beyond the router's limit.
#[derive(Debug)]
pub(super) struct JsonBody<T>(pub(super) T);

/// The same, or nothing at all, or null, which is nothing.
#[derive(Debug)]
pub(super) struct OptionalJsonBody<T>(pub(super) Option<T>);

/// Nothing is read from the body, whatever it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct NoBody;

/// What a handler makes of a body that has arrived.
pub(super) trait FromBody: Sized {
    fn from_body(headers: &HeaderMap, bytes: &[u8]) -> Result<Self, ApiError>;
}

impl<T: DeserializeOwned> FromBody for JsonBody<T> {
    fn from_body(headers: &HeaderMap, bytes: &[u8]) -> Result<Self, ApiError> {
        if !is_json(headers) {
            return Err(ApiError::UnsupportedMediaType);
        }
        decode(bytes).map(Self)
    }
}

impl<T: DeserializeOwned> FromBody for OptionalJsonBody<T> {
    fn from_body(headers: &HeaderMap, bytes: &[u8]) -> Result<Self, ApiError> {
        if bytes.is_empty() {
            return Ok(Self(None));
        }
        JsonBody::from_body(headers, bytes).map(|JsonBody(body)| Self(body))
    }
}

impl FromBody for NoBody {
    fn from_body(_: &HeaderMap, _: &[u8]) -> Result<Self, ApiError> {
        Ok(Self)
    }
}

impl<S, T> FromRequest<S> for JsonBody<T>
where
    S: Send + Sync,
    T: DeserializeOwned,
{
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let headers = request.headers().clone();
        // Read before it is refused: an answer to a half-sent body may never be seen.
        let bytes = read(request, state).await?;
        Self::from_body(&headers, &bytes)
    }
}

pub(super) async fn read<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, ApiError> {
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
        // "." is the body as a whole, e.g. when a field is missing.
        let field = if path == "." { "body".to_owned() } else { path };
        if error.is_data() {
            ApiError::field(field, error.to_string())
        } else if serde_json::from_slice::<Value>(bytes).is_ok() {
            // A number where a name is due counts as bad syntax to the parser, which it is not.
            ApiError::field(field, "must be one of the names that are allowed")
        } else {
            ApiError::Malformed(error.to_string())
        }
    })?;
    deserializer
        .end()
        .map_err(|error| ApiError::Malformed(error.to_string()))?;
    Ok(value)
}
