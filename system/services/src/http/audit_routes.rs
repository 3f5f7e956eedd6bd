use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use gauntlet_contract::task::Page;
use gauntlet_contract::{AuditEntry, Entity, EntityId, UserId};
use gauntlet_ports::{AuditLog, AuditQuery, Direction};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::cursor::{self, List};
use super::openapi::AuditTrailQuery;
use super::problem::{ApiError, read_failed};
use super::query::Fields;
use super::task_filter::{NOT_A_TIME, time};
use super::user::{Guarded, User};
use crate::auth::Verifier;

/// As `EventType::action` spells them.
pub(super) const ACTIONS: [&str; 9] = [
    "created",
    "updated",
    "completed",
    "reopened",
    "deleted",
    "advanced",
    "ended",
    "settled",
    "recorded",
];

/// `GET /api/audit?entity=&entity_id=&task_id=&user=&action=&from=&to=&order=&limit=&cursor=`: the
/// caller's own trail, oldest first or, with `order=desc`, newest first. `task_id` is an `entity_id` of
/// a task. `from` is included and `to` is not; both are RFC 3339 times of the event.
pub(super) fn routes(verifier: Arc<Verifier>, log: Arc<dyn AuditLog>) -> OpenApiRouter {
    OpenApiRouter::default()
        .routes(routes!(query))
        .with_state(Guarded {
            verifier,
            inner: log,
        })
}

/// Reads the trail
///
/// The caller's own, oldest first unless asked otherwise.
#[utoipa::path(
    get, path = "/api/audit", operation_id = "audit_list", tag = "audit",
    security(("user" = [])),
    params(AuditTrailQuery),
    responses((status = 200, description = "A page", body = Page<AuditEntry>)),
)]
async fn query(
    User(user_id): User,
    State(Guarded { inner: log, .. }): State<Guarded<Arc<dyn AuditLog>>>,
    mut fields: Fields,
) -> Result<Json<Page<AuditEntry>>, ApiError> {
    let user: Option<UserId> = fields.read("user", "must be a UUID", |text| text.parse().ok());
    let query = read(&mut fields, user_id);
    fields.finish()?;
    // Another user's trail is as absent to the caller as one that does not exist.
    if user.is_some_and(|user| user != user_id) {
        let (items, next_cursor) = (Vec::new(), None);
        return Ok(Json(Page { items, next_cursor }));
    }
    let one_more = AuditQuery {
        limit: query.limit + 1,
        ..query
    };
    let items = log.query(&one_more).await.map_err(read_failed)?;
    let order = query.order;
    let behind = |entry: &AuditEntry| Behind {
        order,
        seq: entry.seq,
    };
    Ok(cursor::page(List::Audit, items, query.limit, behind))
}

fn read(fields: &mut Fields, user_id: UserId) -> AuditQuery {
    let limit = fields.limit();
    let task_id: Option<EntityId> =
        fields.read("task_id", "must be a UUID", |text| text.parse().ok());
    // What contradicts a task's id is not taken for a filter that nothing passes.
    let entity = "must be task, tag, category or series, and beside task_id task";
    let entity = fields.read("entity", entity, |text| {
        Entity::from_name(text).filter(|entity| task_id.is_none() || *entity == Entity::Task)
    });
    let entity_id = "must be a UUID, and beside task_id the same";
    let entity_id = fields.read("entity_id", entity_id, |text| {
        let id = text.parse().ok()?;
        task_id.is_none_or(|task_id| task_id == id).then_some(id)
    });
    let action = fields.read("action", "must be the name of an action", |text| {
        ACTIONS.contains(&text).then(|| text.to_owned())
    });
    let from = fields.read("from", NOT_A_TIME, time);
    let to = fields.read("to", NOT_A_TIME, time);
    let order = fields.read("order", "must be asc or desc", |text| match text {
        "asc" => Some(Direction::Ascending),
        "desc" => Some(Direction::Descending),
        _ => None,
    });
    let order = order.unwrap_or(Direction::Ascending);
    let expected = "must be a next_cursor of this list and order";
    let after = fields.read("cursor", expected, |text| {
        let behind: Behind = cursor::decode(List::Audit, text)?;
        (behind.order == order).then_some(behind.seq)
    });
    AuditQuery {
        user_id,
        entity: entity.or(task_id.map(|_| Entity::Task)),
        entity_id: entity_id.or(task_id),
        action,
        from,
        to,
        order,
        after,
        limit,
    }
}

/// Where a page ended. The order belongs to it: with the other one, the next page would be what was read
/// before. Ascending is written as it was when there was no other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Behind {
    order: Direction,
    seq: i64,
}

const DESCENDING: &str = "desc:";

impl fmt::Display for Behind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.order {
            Direction::Ascending => self.seq.fmt(f),
            Direction::Descending => write!(f, "{DESCENDING}{}", self.seq),
        }
    }
}

impl FromStr for Behind {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (order, seq) = match text.strip_prefix(DESCENDING) {
            Some(seq) => (Direction::Descending, seq),
            None => (Direction::Ascending, text),
        };
        Ok(Self {
            order,
            seq: seq.parse()?,
        })
    }
}
