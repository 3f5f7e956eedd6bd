use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use gauntlet_contract::label::{CreateLabel, UpdateLabel};
use gauntlet_contract::task::Page;
use gauntlet_contract::{Label, LabelId, LabelKind};
use gauntlet_domain::LabelCommand;
use gauntlet_ports::{LabelQuery, title_key};
use utoipa::openapi::Paths;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter};
use utoipa_axum::routes;

use super::answer::{created, found, labels_path, nothing, respond, shown};
use super::body::{JsonBody, NoBody};
use super::cursor::{self, List};
use super::openapi::{IdempotencyKey, IfMatch, PageQuery, operations_of};
use super::path::PathId;
use super::problem::{ApiError, read_failed};
use super::query::Fields;
use super::submitted::Submitted;
use super::user::{Guarded, User};
use crate::auth::Verifier;
use crate::commands::Commands;

/// Tags or categories: the two differ in nothing but what tasks do with them.
#[derive(Clone)]
struct Labels {
    commands: Commands,
    kind: LabelKind,
}

/// Behind the check of the token.
type Guard = State<Guarded<Labels>>;

/// Below `/api/tags` and `/api/categories`:
/// - `POST`: 201 with the label, `Location` and `ETag`;
/// - `GET ?limit=&cursor=`: a page, by name;
/// - `GET | PATCH | DELETE …/{id}`. A deletion takes the label off all tasks.
pub(super) fn routes(verifier: &Arc<Verifier>, commands: &Commands) -> OpenApiRouter {
    let none = OpenApiRouter::default();
    LabelKind::ALL.into_iter().fold(none, |all, kind| {
        let of_kind = OpenApiRouter::default()
            .routes(of_kind(kind, routes!(list, create)))
            .routes(of_kind(kind, routes!(read, update, remove)))
            .with_state(Guarded {
                verifier: Arc::clone(verifier),
                inner: Labels {
                    commands: commands.clone(),
                    kind,
                },
            });
        all.merge(of_kind)
    })
}

/// The operations below are told of labels, here of tags or of categories. Their paths are told with them.
fn of_kind<S>(
    kind: LabelKind,
    (schemas, told, handlers): UtoipaMethodRouter<S>,
) -> UtoipaMethodRouter<S> {
    let all = labels_path(kind).trim_start_matches("/api/");
    let named = |text: &str| text.replace("labels", all).replace("label", kind.as_str());
    let mut paths = Paths::new();
    for (path, mut item) in told.paths {
        for (_, operation) in operations_of(&mut item) {
            let tags = operation.tags.iter_mut().flatten();
            let texts = [
                &mut operation.operation_id,
                &mut operation.summary,
                &mut operation.description,
            ];
            for text in texts.into_iter().flatten().chain(tags) {
                *text = named(text);
            }
        }
        paths.paths.insert(named(&path), item);
    }
    (schemas, paths, handlers)
}

/// Creates a label
#[utoipa::path(
    post, path = "/api/labels", operation_id = "label_create", tag = "labels",
    security(("user" = [])),
    params(IdempotencyKey),
    request_body = CreateLabel,
    responses((status = 201, description = "What was created", body = Label)),
)]
async fn create(
    User(user_id): User,
    State(Guarded { inner: labels, .. }): Guard,
    submitted: Submitted<JsonBody<CreateLabel>>,
) -> Result<Response, ApiError> {
    let (request, JsonBody(body)) = submitted.by(user_id);
    let Labels { commands, kind } = labels;
    let command = LabelCommand::Create {
        kind,
        name: body.name,
        color: body.color,
    };
    let id = LabelId::generate();
    let answered = commands.change_label(&request, kind, id, command, created);
    respond(answered.await?)
}

/// Lists labels by name
#[utoipa::path(
    get, path = "/api/labels", operation_id = "label_list", tag = "labels",
    security(("user" = [])),
    params(PageQuery),
    responses((status = 200, description = "A page", body = Page<Label>)),
)]
async fn list(
    User(user_id): User,
    State(Guarded { inner: labels, .. }): Guard,
    mut fields: Fields,
) -> Result<Json<Page<Label>>, ApiError> {
    let Labels { commands, kind } = labels;
    let list = match kind {
        LabelKind::Tag => List::Tags,
        LabelKind::Category => List::Categories,
    };
    let limit = fields.limit();
    let after = fields.read("cursor", "must be a next_cursor of this list", |text| {
        // A forged one could hold what no store can compare with.
        cursor::decode(list, text).filter(|key: &String| !key.contains('\0'))
    });
    fields.finish()?;
    let query = LabelQuery {
        user_id,
        kind,
        after,
        limit: limit + 1,
    };
    let items = commands.store().labels(&query).await.map_err(read_failed)?;
    Ok(cursor::page(list, items, limit, |label| {
        title_key(&label.name)
    }))
}

/// Reads a label
#[utoipa::path(
    get, path = "/api/labels/{id}", operation_id = "label_read", tag = "labels",
    security(("user" = [])),
    params(("id" = LabelId, Path, description = "Its id")),
    responses((status = 200, description = "What is there", body = Label)),
)]
async fn read(
    User(user_id): User,
    PathId(id): PathId<LabelId>,
    State(Guarded { inner: labels, .. }): Guard,
) -> Result<Response, ApiError> {
    let store = labels.commands.store();
    let label = store.find_label(user_id, labels.kind, id).await;
    found(label.map_err(read_failed)?.as_ref())
}

/// Changes a label
///
/// A field that is left out stays.
#[utoipa::path(
    patch, path = "/api/labels/{id}", operation_id = "label_update", tag = "labels",
    security(("user" = [])),
    params(("id" = LabelId, Path, description = "Its id"), IdempotencyKey, IfMatch),
    request_body = UpdateLabel,
    responses((status = 200, description = "What is there now", body = Label)),
)]
async fn update(
    User(user_id): User,
    PathId(id): PathId<LabelId>,
    State(Guarded { inner: labels, .. }): Guard,
    submitted: Submitted<JsonBody<UpdateLabel>>,
) -> Result<Response, ApiError> {
    let (request, JsonBody(body)) = submitted.by(user_id);
    let Labels { commands, kind } = labels;
    let command = LabelCommand::Update {
        name: body.name,
        color: body.color,
    };
    let answered = commands.change_label(&request, kind, id, command, shown);
    respond(answered.await?)
}

/// Deletes a label
///
/// It is taken off all tasks first.
#[utoipa::path(
    delete, path = "/api/labels/{id}", operation_id = "label_delete", tag = "labels",
    security(("user" = [])),
    params(("id" = LabelId, Path, description = "Its id"), IdempotencyKey, IfMatch),
    responses((status = 204, description = "It is gone")),
)]
async fn remove(
    User(user_id): User,
    PathId(id): PathId<LabelId>,
    State(Guarded { inner: labels, .. }): Guard,
    submitted: Submitted<NoBody>,
) -> Result<Response, ApiError> {
    let (request, NoBody) = submitted.by(user_id);
    let Labels { commands, kind } = labels;
    let answered = commands.change_label(&request, kind, id, LabelCommand::Delete, nothing);
    respond(answered.await?)
}
