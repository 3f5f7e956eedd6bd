//! What the todo system needs from the outside world, as traits.
//!
//! With the feature `testsuite` there is an in-memory fake of each port and one contract suite per
//! port; the suite runs against the fake here and against every real backend in `adapters`.

pub mod error;
pub mod invocation;
pub mod messaging;
pub mod secrets;
pub mod state;
pub mod storage;
#[cfg(feature = "testsuite")]
pub mod testsuite;

pub use error::{PortError, PortErrorKind};
pub use invocation::{Invoker, Persistent, PersistentSettings};
pub use messaging::{
    Ack, Delivery, Handler, Ingress, Publisher, ReadySignal, Settle, SourceState, Subscription,
    SubscriptionSet,
};
pub use secrets::{Secret, SecretName, SecretStore, Secrets};
pub use state::StateStore;
pub use storage::{
    AnswerStore, AuditLog, AuditQuery, Audited, AuditedState, CategoryFilter, Commit, CommitStore,
    Committed, Direction, Expected, Gap, KeyedAnswer, LabelQuery, LabelStore, OutboxEntry,
    OutboxQueue, OverdueFilter, Position, Recorded, RowChange, Sent, SeriesStore, SortKey,
    SortValue, StoredAnswer, TaskFilter, TaskPage, TaskQuery, TaskStore, TimeRange, audit_event,
    title_key, words,
};
