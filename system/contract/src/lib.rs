//! Wire truth of the todo system: what crosses a process boundary, and nothing else.
//!
//! Producers, consumers, clients and the harness share these types. There is no runtime, no IO and
//! no behaviour beyond encoding. Golden bytes in `tests/golden` pin every encoding, so that a change
//! of a serde attribute is a failing test and not a silent break of the wire.

pub mod audit;
pub mod config;
pub mod due;
pub mod envelope;
pub mod ids;
pub mod label;
pub mod problem;
pub mod recurrence;
#[cfg(feature = "openapi")]
mod schema;
pub mod task;
pub mod topics;

pub use audit::AuditEntry;
pub use due::DueDate;
pub use envelope::{Entity, Envelope, EventData, EventType, LabelEvent, SeriesEvent, TaskEvent};
pub use ids::{EntityId, EventId, LabelId, SeriesId, TaskId, UserId};
pub use label::{Label, LabelKind};
pub use problem::Problem;
pub use recurrence::{Occurrence, Recurrence, Series};
pub use task::{Priority, Task, TaskStatus};
pub use topics::{Topic, TopicName};
