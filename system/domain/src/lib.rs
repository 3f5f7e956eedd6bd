//! Decisions of the todo system: (state, command, now, ids) → what changes and which event says so.
//!
//! Nothing here is asynchronous, does IO, reads a clock or draws a random number. Time and ids are
//! arguments, so that every decision can be replayed and tested for its properties.

mod change;
mod command;
mod decide;
mod due;
mod label;
pub mod recurrence;
mod series;
mod tags;
mod text;

pub use change::{Change, Decision, Fact, Rejection, Row, Violation};
pub use command::{Command, Edit, Ids, LabelCommand, NewTask};
pub use decide::decide;
pub use label::decide_label;
pub use series::{Advance, advance, end_recurrence, recur};
