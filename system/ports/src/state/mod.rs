//! Values by key, with optimistic concurrency and an expiry.

mod key;
mod op;
mod store;

pub use key::{InvalidKey, Key};
pub use op::{Expect, MalformedOps, StateOp, TTL_MAX, check_ops};
pub use store::{Etag, StateStore, Versioned};
