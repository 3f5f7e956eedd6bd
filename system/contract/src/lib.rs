//! Wire truth of the todo system: what crosses a process boundary, and nothing else.
//!
//! Producers, consumers, clients and the harness share these types. There is no runtime, no IO and
//! no behaviour beyond encoding. Golden bytes in `tests/golden` pin every encoding, so that a change
//! of a serde attribute is a failing test and not a silent break of the wire.

pub mod config;
pub mod envelope;
pub mod ids;
pub mod problem;
pub mod task;
pub mod topics;

pub use envelope::{Envelope, EventType, TaskEvent};
pub use ids::{EventId, TaskId, UserId};
pub use problem::Problem;
pub use task::{Task, TaskStatus};
pub use topics::{Topic, TopicName};
