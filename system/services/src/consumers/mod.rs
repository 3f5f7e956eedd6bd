//! Handlers of events, one for each role that consumes.

mod audit;

pub use audit::AuditHandler;
