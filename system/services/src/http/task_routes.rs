use std::sync::Arc;

use axum::extract::State;
use axum::http::header::{ETAG, LOCATION};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, patch};
use axum::{Json, Router};
use gauntlet_contract::task::{CompleteTask, CreateTask, Page, UpdateTask};
use gauntlet_contract::{Task, TaskId, TaskStatus, UserId};
use gauntlet_domain::{Command, Edit};
use gauntlet_ports::TaskQuery;

use super::body::{JsonBody, OptionalJsonBody};
use super::cursor::{self, List};
use super::etag::{etag, precondition};
use super::observe::traceparent;
use super::problem::ApiError;
use super::query::Fields;
use super::task_path::TaskPath;
use super::user::{Guarded, User};
use crate::auth::Verifier;
use crate::tasks::{Precondition, Request, TaskCommands};

/// What every handler here works on, behind the check of the token.
type Tasks = State<Guarded<TaskCommands>>;

/// The task API:
/// - `POST /api/tasks`: 201 with the task, `Location` and `ETag`;
/// - `GET /api/tasks?limit=&cursor=&status=`: a page, newest first;
/// - `GET | PATCH | DELETE /api/tasks/{id}`;
/// - `PATCH /api/tasks/{id}/complete`: completes, or reopens with `{"completed": false}`.
///
/// `If-Match` makes a change depend on the version that the client has seen.
pub(super) fn routes(verifier: Arc<Verifier>, commands: TaskCommands) -> Router {
    Router::new()
        .route("/api/tasks", get(list).post(create))
        .route("/api/tasks/{id}", get(read).patch(update).delete(delete))
        .route("/api/tasks/{id}/complete", patch(complete))
        .with_state(Guarded {
            verifier,
            inner: commands,
        })
}

async fn create(
    User(user_id): User,
    State(Guarded {
        inner: commands, ..
    }): Tasks,
    headers: HeaderMap,
    JsonBody(body): JsonBody<CreateTask>,
) -> Result<Response, ApiError> {
    // The id is ours: one that a client chose could be somebody else's, and would tell that it is.
    let request = Request {
        user_id,
        task_id: TaskId::generate(),
        command: Command::Create {
            title: body.title,
            description: body.description,
        },
        precondition: Precondition::None,
        traceparent: traceparent(&headers),
    };
    let task = one(commands.execute(&request).await?)?;
    let location = format!("/api/tasks/{}", task.id);
    Ok((StatusCode::CREATED, [(LOCATION, location)], tagged(task)).into_response())
}

/// Keyset and not offset pages: a task that is created meanwhile shifts nothing.
async fn list(
    User(user_id): User,
    State(Guarded {
        inner: commands, ..
    }): Tasks,
    mut fields: Fields,
) -> Result<Json<Page<Task>>, ApiError> {
    let limit = fields.limit();
    let status = fields.read(
        "status",
        "must be pending, in_progress or completed",
        TaskStatus::from_name,
    );
    let before = fields.read("cursor", "must be a next_cursor of this list", |text| {
        cursor::decode(List::Tasks, text)
    });
    fields.finish()?;
    let items = commands
        .store()
        .list(&TaskQuery {
            user_id,
            status,
            before,
            limit: limit + 1,
        })
        .await
        .map_err(read_failed)?;
    Ok(cursor::page(List::Tasks, items, limit, |task| task.id))
}

async fn read(
    User(user_id): User,
    TaskPath(id): TaskPath,
    State(Guarded {
        inner: commands, ..
    }): Tasks,
) -> Result<Response, ApiError> {
    let found = commands.store().find(user_id, id).await;
    let task = one(found.map_err(read_failed)?)?;
    Ok(tagged(task))
}

async fn update(
    User(user_id): User,
    TaskPath(task_id): TaskPath,
    State(Guarded {
        inner: commands, ..
    }): Tasks,
    headers: HeaderMap,
    JsonBody(body): JsonBody<UpdateTask>,
) -> Result<Response, ApiError> {
    let command = Command::Update(Edit {
        title: body.title,
        description: body.description,
        status: body.status,
    });
    let request = change(user_id, task_id, command, &headers);
    Ok(tagged(one(commands.execute(&request).await?)?))
}

/// A route of its own beside the update, because clients know it, and idempotent, because they
/// repeat it.
async fn complete(
    User(user_id): User,
    TaskPath(task_id): TaskPath,
    State(Guarded {
        inner: commands, ..
    }): Tasks,
    headers: HeaderMap,
    OptionalJsonBody(body): OptionalJsonBody<CompleteTask>,
) -> Result<Response, ApiError> {
    let command = match body {
        None | Some(CompleteTask { completed: true }) => Command::Complete,
        Some(CompleteTask { completed: false }) => Command::Reopen,
    };
    let request = change(user_id, task_id, command, &headers);
    Ok(tagged(one(commands.execute(&request).await?)?))
}

/// A second deletion is a 404: whoever needs to know that it is gone learns that as well.
async fn delete(
    User(user_id): User,
    TaskPath(task_id): TaskPath,
    State(Guarded {
        inner: commands, ..
    }): Tasks,
    headers: HeaderMap,
) -> Result<StatusCode, ApiError> {
    let request = change(user_id, task_id, Command::Delete, &headers);
    commands.execute(&request).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A change of an existing task, with what its headers say.
fn change(user_id: UserId, task_id: TaskId, command: Command, headers: &HeaderMap) -> Request {
    Request {
        user_id,
        task_id,
        command,
        precondition: precondition(headers),
        traceparent: traceparent(headers),
    }
}

fn one(task: Option<Task>) -> Result<Task, ApiError> {
    task.ok_or(ApiError::NotFound)
}

/// With the version as entity tag, for the next change's `If-Match`.
fn tagged(task: Task) -> Response {
    ([(ETAG, etag(task.version))], Json(task)).into_response()
}

/// A read without an answer leaves nothing open: it is as good as a store that is away.
pub(super) fn read_failed(error: gauntlet_ports::PortError) -> ApiError {
    match ApiError::from(error) {
        ApiError::OutcomeUnknown => ApiError::Unavailable,
        other => other,
    }
}
