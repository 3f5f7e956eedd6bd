//! Handlers of events, one for each role that consumes.

mod audit;
mod poison;

pub use audit::AuditHandler;
pub use poison::Poison;
