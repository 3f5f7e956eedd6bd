//! Handlers of events, one for each role that consumes.

mod audit;
mod gatekeeper;
mod poison;
mod traced;

pub use audit::AuditHandler;
pub use gatekeeper::Gatekeeper;
pub use poison::Poison;
pub use traced::traced;
