use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use gauntlet_contract::TaskId;

use super::problem::ApiError;

/// The task id of the path. What cannot be an id names no task: 404, as for one that is not there.
#[derive(Clone, Copy, Debug)]
pub(super) struct TaskPath(pub(super) TaskId);

impl<S: Send + Sync> FromRequestParts<S> for TaskPath {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let Path(id) = Path::<String>::from_request_parts(parts, state)
            .await
            .map_err(|_| ApiError::NotFound)?;
        id.parse().map(Self).map_err(|_| ApiError::NotFound)
    }
}
