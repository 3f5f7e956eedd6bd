//! Commands: load, decide, commit. The decision is the domain's.

mod commit;
mod error;
mod labels;
mod request;
mod series;
mod store;
mod tasks;

pub use commit::Commands;
pub use error::CommandError;
pub use request::{Answered, Keyed, Origin, Precondition, Render, Request};
pub use store::Store;
