use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use gauntlet_contract::task::{AddTags, CompleteTask, CreateTask, Page, UpdateTask};
use gauntlet_contract::{LabelId, Task, TaskId};
use gauntlet_domain::{Command, Edit, NewTask};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::answer::{created, found, nothing, respond, shown};
use super::body::{JsonBody, NoBody, OptionalJsonBody};
use super::openapi::{IdempotencyKey, IfMatch, TaskListQuery, TaskSearchQuery};
use super::path::{PathId, PathIds};
use super::problem::{ApiError, read_failed};
use super::query::Fields;
use super::submitted::Submitted;
use super::task_list::{Listing, TaskList};
use super::user::{Guarded, User};
use crate::auth::Verifier;
use crate::commands::Commands;

/// What every handler here works on, behind the check of the token.
type Tasks = State<Guarded<Commands>>;

/// The task API:
/// - `POST /api/tasks`: 201 with the task, `Location` and `ETag`;
/// - `GET /api/tasks`: a page, newest first; its query is that of [`filter`](super::task_filter::filter)
///   with `sort`, `order`, `limit` and `cursor`;
/// - `GET /api/tasks/search`: the same for `q`, best first;
/// - `GET | PATCH | DELETE /api/tasks/{id}`;
/// - `PATCH /api/tasks/{id}/complete`: completes, or reopens with `{"completed": false}`;
/// - `POST /api/tasks/{id}/tags`, `DELETE /api/tasks/{id}/tags/{tag_id}`: answer the task.
///
/// `If-Match` makes a change depend on the version that the client has seen. `Idempotency-Key` gives a
/// change that is repeated the first one's answer, marked with `Idempotency-Replayed: true`.
pub(super) fn routes(verifier: Arc<Verifier>, commands: Commands) -> OpenApiRouter {
    OpenApiRouter::default()
        .routes(routes!(list, create))
        .routes(routes!(search))
        .routes(routes!(read, update, remove))
        .routes(routes!(complete))
        .routes(routes!(add_tags))
        .routes(routes!(remove_tag))
        .with_state(Guarded {
            verifier,
            inner: commands,
        })
}

/// Creates a task
#[utoipa::path(
    post, path = "/api/tasks", operation_id = "task_create", tag = "tasks",
    security(("user" = [])),
    params(IdempotencyKey),
    request_body = CreateTask,
    responses((status = 201, description = "The task", body = Task)),
)]
async fn create(
    User(user_id): User,
    State(Guarded {
        inner: commands, ..
    }): Tasks,
    submitted: Submitted<JsonBody<CreateTask>>,
) -> Result<Response, ApiError> {
    let (request, JsonBody(body)) = submitted.by(user_id);
    let command = Command::Create(NewTask {
        title: body.title,
        description: body.description,
        priority: body.priority.unwrap_or_default(),
        due_date: body.due_date,
        time_zone: body.time_zone,
        category_id: body.category_id,
        tags: body.tags,
        recurrence: body.recurrence,
    });
    // The id is ours: one that a client chose could be somebody else's, and would tell that it is.
    let id = TaskId::generate();
    respond(commands.change_task(&request, id, command, created).await?)
}

/// Lists tasks
///
/// A task is listed when it meets every condition that is there. Newest first, unless asked otherwise.
#[utoipa::path(
    get, path = "/api/tasks", operation_id = "task_list", tag = "tasks",
    security(("user" = [])),
    params(TaskListQuery),
    responses((status = 200, description = "A page", body = Page<Task>)),
)]
async fn list(
    User(user_id): User,
    State(Guarded {
        inner: commands, ..
    }): Tasks,
    fields: Fields,
) -> Result<Json<Page<Task>>, ApiError> {
    let list = TaskList::of_fields(Listing::All, user_id, fields)?;
    list.page(commands.store()).await
}

/// Searches tasks
///
/// A list of what has the words, best first unless asked otherwise.
#[utoipa::path(
    get, path = "/api/tasks/search", operation_id = "task_search", tag = "tasks",
    security(("user" = [])),
    params(TaskSearchQuery),
    responses((status = 200, description = "A page", body = Page<Task>)),
)]
async fn search(
    User(user_id): User,
    State(Guarded {
        inner: commands, ..
    }): Tasks,
    fields: Fields,
) -> Result<Json<Page<Task>>, ApiError> {
    let list = TaskList::of_fields(Listing::Search, user_id, fields)?;
    list.page(commands.store()).await
}

/// Reads a task
#[utoipa::path(
    get, path = "/api/tasks/{id}", operation_id = "task_read", tag = "tasks",
    security(("user" = [])),
    params(("id" = TaskId, Path, description = "The task")),
    responses((status = 200, description = "The task", body = Task)),
)]
async fn read(
    User(user_id): User,
    PathId(id): PathId<TaskId>,
    State(Guarded {
        inner: commands, ..
    }): Tasks,
) -> Result<Response, ApiError> {
    let task = commands.store().find(user_id, id).await;
    found(task.map_err(read_failed)?.as_ref())
}

/// Changes a task
///
/// A field that is left out stays. Null clears a description, a due date or a category.
#[utoipa::path(
    patch, path = "/api/tasks/{id}", operation_id = "task_update", tag = "tasks",
    security(("user" = [])),
    params(("id" = TaskId, Path, description = "The task"), IdempotencyKey, IfMatch),
    request_body = UpdateTask,
    responses((status = 200, description = "The task as it is now", body = Task)),
)]
async fn update(
    User(user_id): User,
    PathId(id): PathId<TaskId>,
    State(Guarded {
        inner: commands, ..
    }): Tasks,
    submitted: Submitted<JsonBody<UpdateTask>>,
) -> Result<Response, ApiError> {
    let (request, JsonBody(body)) = submitted.by(user_id);
    let command = Command::Update(Edit {
        title: body.title,
        description: body.description,
        status: body.status,
        priority: body.priority,
        due_date: body.due_date,
        time_zone: body.time_zone,
        category_id: body.category_id,
        tags: body.tags,
    });
    respond(commands.change_task(&request, id, command, shown).await?)
}

// A route of its own beside the update, because clients know it, and idempotent, because they repeat it.
/// Completes a task, or reopens it
///
/// Without a body it completes. What is so already stays as it is.
#[utoipa::path(
    patch, path = "/api/tasks/{id}/complete", operation_id = "task_complete", tag = "tasks",
    security(("user" = [])),
    params(("id" = TaskId, Path, description = "The task"), IdempotencyKey, IfMatch),
    request_body = Option<CompleteTask>,
    responses((status = 200, description = "The task as it is now", body = Task)),
)]
async fn complete(
    User(user_id): User,
    PathId(id): PathId<TaskId>,
    State(Guarded {
        inner: commands, ..
    }): Tasks,
    submitted: Submitted<OptionalJsonBody<CompleteTask>>,
) -> Result<Response, ApiError> {
    let (request, OptionalJsonBody(body)) = submitted.by(user_id);
    let command = match body {
        None | Some(CompleteTask { completed: true }) => Command::Complete,
        Some(CompleteTask { completed: false }) => Command::Reopen,
    };
    respond(commands.change_task(&request, id, command, shown).await?)
}

/// Deletes a task
///
/// A second deletion is a 404: whoever needs to know that it is gone learns that as well.
#[utoipa::path(
    delete, path = "/api/tasks/{id}", operation_id = "task_delete", tag = "tasks",
    security(("user" = [])),
    params(("id" = TaskId, Path, description = "The task"), IdempotencyKey, IfMatch),
    responses((status = 204, description = "It is gone")),
)]
async fn remove(
    User(user_id): User,
    PathId(id): PathId<TaskId>,
    State(Guarded {
        inner: commands, ..
    }): Tasks,
    submitted: Submitted<NoBody>,
) -> Result<Response, ApiError> {
    let (request, NoBody) = submitted.by(user_id);
    let command = Command::Delete;
    respond(commands.change_task(&request, id, command, nothing).await?)
}

/// Adds tags to a task
#[utoipa::path(
    post, path = "/api/tasks/{id}/tags", operation_id = "task_add_tags", tag = "tasks",
    security(("user" = [])),
    params(("id" = TaskId, Path, description = "The task"), IdempotencyKey, IfMatch),
    request_body = AddTags,
    responses((status = 200, description = "The task as it is now", body = Task)),
)]
async fn add_tags(
    User(user_id): User,
    PathId(id): PathId<TaskId>,
    State(Guarded {
        inner: commands, ..
    }): Tasks,
    submitted: Submitted<JsonBody<AddTags>>,
) -> Result<Response, ApiError> {
    let (request, JsonBody(body)) = submitted.by(user_id);
    let command = Command::AddTags(body.tags);
    respond(commands.change_task(&request, id, command, shown).await?)
}

/// Takes a tag off a task
///
/// Idempotent: a tag that the task does not have is off it already.
#[utoipa::path(
    delete, path = "/api/tasks/{id}/tags/{tag_id}", operation_id = "task_remove_tag", tag = "tasks",
    security(("user" = [])),
    params(
        ("id" = TaskId, Path, description = "The task"),
        ("tag_id" = LabelId, Path, description = "The tag"),
        IdempotencyKey,
        IfMatch,
    ),
    responses((status = 200, description = "The task as it is now", body = Task)),
)]
async fn remove_tag(
    User(user_id): User,
    PathIds(id, tag_id): PathIds<TaskId, LabelId>,
    State(Guarded {
        inner: commands, ..
    }): Tasks,
    submitted: Submitted<NoBody>,
) -> Result<Response, ApiError> {
    let (request, NoBody) = submitted.by(user_id);
    let command = Command::RemoveTag(tag_id);
    respond(commands.change_task(&request, id, command, shown).await?)
}
