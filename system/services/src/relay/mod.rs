//! The relay: publishes what the outbox holds, each event until it is known to be published.
//!
//! - One event of a task is in flight at a time, and the next one is taken only when the first is
//!   known and marked: a task's events reach the bus in their order.
//! - An attempt without an answer is repeated with the same event id before anything else of that
//!   task, because it may or may not have arrived; consumers drop the second copy.
//! - A task that cannot be published holds back nothing but itself.

mod backoff;
mod lease;
mod marker;
mod publish;
mod purge;
mod run;
mod settings;

pub use run::{Relay, RelayStatus};
pub use settings::{RelaySettings, Retention};
