use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use gauntlet_contract::task::Page;
use gauntlet_contract::{Recurrence, Series, Task, TaskId};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::answer::{found, nothing, respond, shown};
use super::body::{JsonBody, NoBody};
use super::openapi::{IdempotencyKey, IfMatch, PageQuery};
use super::path::PathId;
use super::problem::{ApiError, read_failed};
use super::query::Fields;
use super::submitted::Submitted;
use super::task_list::TaskList;
use super::user::{Guarded, User};
use crate::auth::Verifier;
use crate::commands::Commands;

/// What every handler here works on, behind the check of the token.
type Tasks = State<Guarded<Commands>>;

/// Recurring tasks:
/// - `POST /api/tasks/{id}/recurring`: makes the task the first of a series; answers the task, whose
///   version `If-Match` is about. The rule that it has already changes nothing, unless the due date of the
///   latest instance was changed since: then the series begins anew there, and `count` with it. A task
///   shows the time that a change of the clocks has moved it to, and it is that which it recurs at; a
///   recurrence that is given with a new task keeps the time that was wanted;
/// - `GET /api/tasks/{id}/recurring`: the series, with its own `ETag`;
/// - `DELETE /api/tasks/{id}/recurring`: ends it; 204, also when it has ended already. `If-Match` is
///   about the series;
/// - `GET /api/tasks/{id}/instances?limit=&cursor=`: the tasks of the series that are there, the first
///   occurrence first; 404 for a task that does not recur.
pub(super) fn routes(verifier: Arc<Verifier>, commands: Commands) -> OpenApiRouter {
    OpenApiRouter::default()
        .routes(routes!(recur, read, end))
        .routes(routes!(instances))
        .with_state(Guarded {
            verifier,
            inner: commands,
        })
}

/// Makes a task the first of a series
///
/// It needs a due date, which is the series' anchor. `If-Match` is about the task.
#[utoipa::path(
    post, path = "/api/tasks/{id}/recurring", operation_id = "series_begin", tag = "series",
    security(("user" = [])),
    params(("id" = TaskId, Path, description = "The task"), IdempotencyKey, IfMatch),
    request_body = Recurrence,
    responses((status = 200, description = "The task as it is now", body = Task)),
)]
async fn recur(
    User(user_id): User,
    PathId(id): PathId<TaskId>,
    State(Guarded {
        inner: commands, ..
    }): Tasks,
    submitted: Submitted<JsonBody<Recurrence>>,
) -> Result<Response, ApiError> {
    let (request, JsonBody(recurrence)) = submitted.by(user_id);
    let answered = commands.recur(&request, id, recurrence, shown).await;
    respond(answered.map_err(|error| as_named_here(error.into()))?)
}

/// A recurrence is a field of a new task, and the whole body here.
fn as_named_here(mut error: ApiError) -> ApiError {
    if let ApiError::Invalid(errors) = &mut error {
        for error in errors {
            if let Some(field) = error.field.strip_prefix("recurrence.") {
                error.field = field.to_owned();
            }
        }
    }
    error
}

/// Reads a task's series
#[utoipa::path(
    get, path = "/api/tasks/{id}/recurring", operation_id = "series_read", tag = "series",
    security(("user" = [])),
    params(("id" = TaskId, Path, description = "The task")),
    responses((status = 200, description = "The series", body = Series)),
)]
async fn read(
    User(user_id): User,
    PathId(id): PathId<TaskId>,
    State(Guarded {
        inner: commands, ..
    }): Tasks,
) -> Result<Response, ApiError> {
    found(Some(&commands.series(user_id, id).await?))
}

/// Ends a task's series
///
/// Idempotent. `If-Match` is about the series.
#[utoipa::path(
    delete, path = "/api/tasks/{id}/recurring", operation_id = "series_end", tag = "series",
    security(("user" = [])),
    params(("id" = TaskId, Path, description = "The task"), IdempotencyKey, IfMatch),
    responses((status = 204, description = "It has ended")),
)]
async fn end(
    User(user_id): User,
    PathId(id): PathId<TaskId>,
    State(Guarded {
        inner: commands, ..
    }): Tasks,
    submitted: Submitted<NoBody>,
) -> Result<Response, ApiError> {
    let (request, NoBody) = submitted.by(user_id);
    respond(commands.end_recurrence(&request, id, nothing).await?)
}

/// Lists the tasks of a task's series
///
/// Those that are there, the first occurrence first; 404 for a task that does not recur.
#[utoipa::path(
    get, path = "/api/tasks/{id}/instances", operation_id = "series_instances", tag = "series",
    security(("user" = [])),
    params(("id" = TaskId, Path, description = "The task"), PageQuery),
    responses((status = 200, description = "A page", body = Page<Task>)),
)]
async fn instances(
    User(user_id): User,
    PathId(id): PathId<TaskId>,
    State(Guarded {
        inner: commands, ..
    }): Tasks,
    fields: Fields,
) -> Result<Json<Page<Task>>, ApiError> {
    let task = commands.store().find(user_id, id).await;
    let task = task.map_err(read_failed)?.ok_or(ApiError::NotFound)?;
    let Some(occurrence) = task.occurrence else {
        return Err(ApiError::NotFound);
    };
    let list = TaskList::of_instances(occurrence.series_id, user_id, fields)?;
    list.page(commands.store()).await
}
