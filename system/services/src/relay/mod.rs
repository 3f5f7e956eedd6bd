//! The relay: publishes what the outbox holds, each event until it is known to be published.
//!
//! - One event of a subject is in flight at a time, and the next one is taken only when the first is
//!   known and marked: a subject's events reach the bus in their order.
//! - An attempt without an answer is repeated with the same event id before anything else of that
//!   subject, because it may or may not have arrived; consumers drop the second copy.
//! - A subject that cannot be published holds back nothing but itself.
//! - Events may be published many in a call. A bus that takes a batch keeps no order within it, with some
//!   brokers; that is safe here, because of a subject there is at most one event in all calls together.
//!   An event that a batch failed for goes on by itself, so that it holds back nothing but its subject
//!   there either.

mod backoff;
mod lease;
mod marker;
mod publish;
mod purge;
mod run;
mod settings;

pub use run::{Relay, RelayStatus};
pub use settings::{RelaySettings, Retention};
