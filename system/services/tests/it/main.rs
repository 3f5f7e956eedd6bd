//! The services on in-memory ports: what they accept, what they refuse, and that a refusal leaves
//! nothing behind.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed, and the panic says where"
)]

mod audit_api;
mod audit_handler;
mod auth;
mod health_question;
mod health_refusals;
mod idempotency;
mod instances;
mod interposed;
mod label_deletion;
mod labels;
mod lists;
mod openapi;
mod openapi_bounds;
mod openapi_judge;
mod openapi_routes;
mod preconditions;
mod process;
mod races;
mod recurrence;
mod recurring_handler;
mod recurring_schedule;
mod recurring_support;
mod recurring_with_api;
mod refusals;
mod relay;
mod secrets;
mod secrets_in_health;
mod start_up;
mod store_trouble;
mod support;
mod tasks;
mod traces;
mod waking;
