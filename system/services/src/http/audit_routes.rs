use std::sync::Arc;

use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use gauntlet_contract::UserId;
use gauntlet_contract::task::{AuditEntry, Page};
use gauntlet_ports::{AuditLog, AuditQuery};

use super::cursor::{self, List};
use super::problem::ApiError;
use super::query::Fields;
use super::task_routes::read_failed;
use super::user::{Guarded, User};
use crate::auth::Verifier;

/// As `EventType::action` spells them.
const ACTIONS: [&str; 5] = ["created", "updated", "completed", "reopened", "deleted"];

/// `GET /api/audit?task_id=&user=&action=&from=&to=&limit=&cursor=`: the caller's own trail, oldest
/// first. `from` is included and `to` is not; both are RFC 3339 times of the event.
pub(super) fn routes(verifier: Arc<Verifier>, log: Arc<dyn AuditLog>) -> Router {
    Router::new()
        .route("/api/audit", get(query))
        .with_state(Guarded {
            verifier,
            inner: log,
        })
}

async fn query(
    User(user_id): User,
    State(Guarded { inner: log, .. }): State<Guarded<Arc<dyn AuditLog>>>,
    mut fields: Fields,
) -> Result<Json<Page<AuditEntry>>, ApiError> {
    let time = "must be an RFC 3339 time";
    let limit = fields.limit();
    let task_id = fields.read("task_id", "must be a UUID", |text| text.parse().ok());
    let user: Option<UserId> = fields.read("user", "must be a UUID", |text| text.parse().ok());
    let action = fields.read("action", "must be the name of an action", |text| {
        ACTIONS.contains(&text).then(|| text.to_owned())
    });
    let from = fields.read("from", time, |text| text.parse().ok());
    let to = fields.read("to", time, |text| text.parse().ok());
    let after = fields.read("cursor", "must be a next_cursor of this list", |text| {
        cursor::decode(List::Audit, text)
    });
    fields.finish()?;
    // Another user's trail is as absent to the caller as one that does not exist.
    if user.is_some_and(|user| user != user_id) {
        let (items, next_cursor) = (Vec::new(), None);
        return Ok(Json(Page { items, next_cursor }));
    }
    let items = log
        .query(&AuditQuery {
            user_id,
            task_id,
            action,
            from,
            to,
            after,
            limit: limit + 1,
        })
        .await
        .map_err(read_failed)?;
    Ok(cursor::page(List::Audit, items, limit, |entry| entry.seq))
}
