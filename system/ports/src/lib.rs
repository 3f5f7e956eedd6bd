//! What the todo system needs from the outside world, as traits.
//!
//! With the feature `testsuite` there is an in-memory fake of each port and one contract suite per
//! port; the suite runs against the fake here and against every real backend in `adapters`.

pub mod error;
pub mod messaging;
pub mod storage;
#[cfg(feature = "testsuite")]
pub mod testsuite;

pub use error::{PortError, PortErrorKind};
pub use messaging::{
    Ack, Delivery, Handler, Ingress, Publisher, ReadySignal, Settle, SourceState, Subscription,
    SubscriptionSet,
};
pub use storage::{
    AuditLog, AuditQuery, Expected, OutboxEntry, OutboxQueue, Recorded, Sent, TaskChange,
    TaskOutcome, TaskQuery, TaskStore,
};
