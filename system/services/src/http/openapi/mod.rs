//! The `OpenAPI` document: of what the router has, and so of what this process serves.

mod document;
mod headers;
mod health;
mod operations;
mod query;
mod refusals;

pub(super) use document::routes;
pub(super) use headers::{IdempotencyKey, IfMatch};
pub(super) use health::{HealthReport, Liveness};
pub(super) use operations::operations_of;
pub(super) use query::{AuditTrailQuery, DueQuery, PageQuery, TaskListQuery, TaskSearchQuery};
