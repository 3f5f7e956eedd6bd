//! Calls from app to app.

mod backoff;
mod breaker;
mod call;
mod invoker;
mod persistent;

pub use backoff::Backoff;
pub use breaker::{Admission, Breaker, BreakerSettings, BreakerState, Permit};
pub use call::{Answer, CallContext, Callee, InvalidTarget, Target};
pub use invoker::Invoker;
pub use persistent::{Persistent, PersistentSettings};
