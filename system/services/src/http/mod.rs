//! The HTTP side: routes, what they accept, and how they refuse.

mod answer;
mod audit_routes;
mod body;
mod cursor;
mod etag;
mod health_routes;
mod idempotency;
mod internal_routes;
mod label_routes;
mod observe;
mod openapi;
mod path;
mod problem;
mod query;
mod router;
mod series_routes;
mod service;
mod submitted;
mod task_filter;
mod task_list;
mod task_routes;
mod user;

pub use problem::ApiError;
pub use router::{Routes, router};
