use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn;
use gauntlet_contract::task::BODY_MAX_BYTES;
use gauntlet_ports::{AuditLog, Secret};
use metrics_exporter_prometheus::PrometheusHandle;
use utoipa_axum::router::OpenApiRouter;

use super::observe::observe;
use super::problem::ApiError;
use super::service::ServiceToken;
use super::{audit_routes, health_routes, internal_routes};
use super::{label_routes, openapi, series_routes, task_routes};
use crate::auth::Verifier;
use crate::commands::Commands;
use crate::health::Health;

/// What the process serves; a part that is none belongs to another role.
pub struct Routes {
    /// None where no part is for users.
    pub verifier: Option<Arc<Verifier>>,
    /// Tasks, their labels and their series.
    pub commands: Option<Commands>,
    /// What other roles of ours show; without one there is nothing for them to ask.
    pub service_token: Option<Secret>,
    pub audit: Option<Arc<dyn AuditLog>>,
    /// Where a sidecar delivers events.
    pub ingress: Option<Router>,
    pub health: Health,
    pub metrics: PrometheusHandle,
}

impl std::fmt::Debug for Routes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Routes")
            .field("commands", &self.commands.is_some())
            .field("service_token", &self.service_token.is_some())
            .field("audit", &self.audit.is_some())
            .field("ingress", &self.ingress.is_some())
            .finish_non_exhaustive()
    }
}

/// One router for all that the process serves. `GET /openapi.json` tells of it, but for what a sidecar is
/// served: that is between the two.
pub fn router(routes: Routes) -> Router {
    let mut api = OpenApiRouter::default();
    if let Some(verifier) = routes.verifier {
        if let Some(commands) = routes.commands {
            api = api.merge(tasks(&verifier, routes.service_token, commands));
        }
        if let Some(log) = routes.audit {
            api = api.merge(audit_routes::routes(verifier, log));
        }
    }
    let (api, api_told) = api.split_for_parts();
    let (health, health_told) =
        health_routes::routes(routes.health, routes.metrics).split_for_parts();
    // Only around the API: deliveries of a sidecar are larger, and last as long as they need.
    let api = api
        .method_not_allowed_fallback(method_not_allowed)
        .layer(DefaultBodyLimit::max(BODY_MAX_BYTES))
        .layer(from_fn(observe));
    let unmeasured = health
        .merge(openapi::routes([api_told, health_told]))
        .method_not_allowed_fallback(method_not_allowed);
    let mut all = api.merge(unmeasured);
    if let Some(ingress) = routes.ingress {
        all = all.merge(ingress);
    }
    // Last, because of two routers with a fallback each axum would refuse the merger.
    all.fallback(not_found)
}

/// All that the api role serves.
fn tasks(verifier: &Arc<Verifier>, token: Option<Secret>, commands: Commands) -> OpenApiRouter {
    let mut api = label_routes::routes(verifier, &commands)
        .merge(task_routes::routes(Arc::clone(verifier), commands.clone()))
        .merge(series_routes::routes(
            Arc::clone(verifier),
            commands.clone(),
        ));
    if let Some(token) = token {
        api = api.merge(internal_routes::routes(ServiceToken::new(&token), commands));
    }
    api
}

async fn not_found() -> ApiError {
    ApiError::NotFound
}

async fn method_not_allowed() -> ApiError {
    ApiError::MethodNotAllowed
}
