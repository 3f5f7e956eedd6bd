use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use axum::{Json, Router};
use gauntlet_contract::label::{CreateLabel, UpdateLabel};
use gauntlet_contract::task::Page;
use gauntlet_contract::{Label, LabelId, LabelKind};
use gauntlet_domain::LabelCommand;
use gauntlet_ports::{LabelQuery, title_key};

use super::answer::{created, found, labels_path, nothing, respond, shown};
use super::body::{JsonBody, NoBody};
use super::cursor::{self, List};
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
pub(super) fn routes(verifier: &Arc<Verifier>, commands: &Commands) -> Router {
    LabelKind::ALL.into_iter().fold(Router::new(), |all, kind| {
        let path = labels_path(kind);
        let of_kind = Router::new()
            .route(path, get(list).post(create))
            .route(
                &format!("{path}/{{id}}"),
                get(read).patch(update).delete(remove),
            )
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

async fn read(
    User(user_id): User,
    PathId(id): PathId<LabelId>,
    State(Guarded { inner: labels, .. }): Guard,
) -> Result<Response, ApiError> {
    let store = labels.commands.store();
    let label = store.find_label(user_id, labels.kind, id).await;
    found(label.map_err(read_failed)?.as_ref())
}

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
