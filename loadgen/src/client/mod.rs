//! The todo API as the load sees it: prepared requests in, outcomes out.

mod http;
mod outcome;
mod query;
mod request;
mod target;
mod user;

pub use http::Client;
pub(crate) use http::Prepared;
pub use outcome::{Outcome, UnknownReason};
pub use query::ListQuery;
pub use request::{Completion, OperationKind, Request};
pub use target::Target;
pub use user::User;
