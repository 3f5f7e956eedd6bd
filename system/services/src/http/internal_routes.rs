use axum::Json;
use axum::extract::{FromRef, State};
use axum::http::HeaderMap;
use gauntlet_contract::SeriesId;
use gauntlet_contract::recurrence::{DueInstance, DueInstances, InstanceAnswer, NextInstance};
use gauntlet_domain::Rejection;
use jiff::Timestamp;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::body::JsonBody;
use super::observe::traceparent;
use super::openapi::DueQuery;
use super::path::PathId;
use super::problem::{ApiError, read_failed};
use super::query::Fields;
use super::service::{Service, ServiceToken};
use crate::commands::{CommandError, Commands};

#[derive(Clone)]
struct Internal {
    token: ServiceToken,
    commands: Commands,
}

impl FromRef<Internal> for ServiceToken {
    fn from_ref(state: &Internal) -> Self {
        state.token.clone()
    }
}

/// What other roles ask of this one, with the service token and no user's:
/// - `GET /internal/series/due?limit=&after=`: the instances that it is time for, one of each series, in
///   the order of the series' ids and behind the one that `after` names;
/// - `POST /internal/series/{id}/instances`: has an instance created, once, however often it is asked.
pub(super) fn routes(token: ServiceToken, commands: Commands) -> OpenApiRouter {
    OpenApiRouter::default()
        .routes(routes!(due))
        .routes(routes!(next_instance))
        .with_state(Internal { token, commands })
}

/// Lists the instances that it is time for
///
/// One of each series, in the order of the series' ids.
#[utoipa::path(
    get, path = "/internal/series/due", operation_id = "instance_due", tag = "internal",
    security(("service" = [])),
    params(DueQuery),
    responses((status = 200, description = "What it is time for", body = DueInstances)),
)]
async fn due(
    _: Service,
    State(Internal { commands, .. }): State<Internal>,
    mut fields: Fields,
) -> Result<Json<DueInstances>, ApiError> {
    let limit = fields.limit();
    let after = fields.read("after", "must be the id of a series", |id| id.parse().ok());
    fields.finish()?;
    let now = Timestamp::now();
    let due = commands.store().due_series(now, after, limit).await;
    let due = due.map_err(read_failed)?.into_iter();
    let items = due.map(|series| DueInstance {
        series_id: series.id,
        number: series.next_occurrence,
    });
    Ok(Json(DueInstances {
        items: items.collect(),
    }))
}

/// Has an instance of a series created
///
/// Once, however often it is asked for.
#[utoipa::path(
    post, path = "/internal/series/{id}/instances", operation_id = "instance_create", tag = "internal",
    security(("service" = [])),
    params(("id" = SeriesId, Path, description = "The series")),
    request_body = NextInstance,
    responses((status = 200, description = "What became of it", body = InstanceAnswer)),
)]
async fn next_instance(
    _: Service,
    PathId(id): PathId<SeriesId>,
    State(Internal { commands, .. }): State<Internal>,
    headers: HeaderMap,
    JsonBody(asked): JsonBody<NextInstance>,
) -> Result<Json<InstanceAnswer>, ApiError> {
    let traceparent = traceparent(&headers);
    let answer = commands.next_instance(id, asked, traceparent.as_deref());
    match answer.await {
        // Not a 404: whoever asks has to tell a series that never was from a route that is not there, as
        // behind a wrong address or at an older replica.
        Err(CommandError::Rejected(Rejection::NotFound)) => {
            Err(ApiError::field("series_id", "there is no such series"))
        }
        answer => Ok(Json(answer?)),
    }
}
