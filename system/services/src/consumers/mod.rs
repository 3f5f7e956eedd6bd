//! Handlers of events, one for each role that consumes.

mod audit;
mod gatekeeper;
mod poison;

pub use audit::AuditHandler;
pub use gatekeeper::Gatekeeper;
pub use poison::Poison;
