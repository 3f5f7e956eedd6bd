use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn;
use gauntlet_contract::task::BODY_MAX_BYTES;
use gauntlet_ports::AuditLog;
use metrics_exporter_prometheus::PrometheusHandle;

use super::observe::observe;
use super::problem::ApiError;
use super::{audit_routes, health_routes, task_routes};
use crate::auth::Verifier;
use crate::health::Health;
use crate::tasks::TaskCommands;

/// What the process serves; a part that is none belongs to another role.
pub struct Routes {
    pub verifier: Arc<Verifier>,
    pub tasks: Option<TaskCommands>,
    pub audit: Option<Arc<dyn AuditLog>>,
    /// Where a sidecar delivers events.
    pub ingress: Option<Router>,
    pub health: Health,
    pub metrics: PrometheusHandle,
}

impl std::fmt::Debug for Routes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Routes")
            .field("tasks", &self.tasks.is_some())
            .field("audit", &self.audit.is_some())
            .field("ingress", &self.ingress.is_some())
            .finish_non_exhaustive()
    }
}

/// One router for all that the process serves.
pub fn router(routes: Routes) -> Router {
    let mut api = Router::new();
    if let Some(commands) = routes.tasks {
        api = api.merge(task_routes::routes(Arc::clone(&routes.verifier), commands));
    }
    if let Some(log) = routes.audit {
        api = api.merge(audit_routes::routes(routes.verifier, log));
    }
    // Only around the API: deliveries of a sidecar are larger, and last as long as they need.
    let api = api
        .method_not_allowed_fallback(method_not_allowed)
        .layer(DefaultBodyLimit::max(BODY_MAX_BYTES))
        .layer(from_fn(observe));
    let health = health_routes::routes(routes.health, routes.metrics)
        .method_not_allowed_fallback(method_not_allowed);
    let mut all = api.merge(health);
    if let Some(ingress) = routes.ingress {
        all = all.merge(ingress);
    }
    // Last, because of two routers with a fallback each axum would refuse the merger.
    all.fallback(not_found)
}

async fn not_found() -> ApiError {
    ApiError::NotFound
}

async fn method_not_allowed() -> ApiError {
    ApiError::MethodNotAllowed
}
