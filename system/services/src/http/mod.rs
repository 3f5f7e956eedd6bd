//! The HTTP side: routes, what they accept, and how they refuse.

mod audit_routes;
mod body;
mod cursor;
mod etag;
mod health_routes;
mod observe;
mod problem;
mod query;
mod router;
mod task_path;
mod task_routes;
mod user;

pub use problem::ApiError;
pub use router::{Routes, router};
