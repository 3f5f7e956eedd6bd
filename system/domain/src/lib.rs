//! Decisions of the todo system: (state, command, now, ids) → what changes and which event says so.
//!
//! Nothing here is asynchronous, does IO, reads a clock or draws a random number. Time and ids are
//! arguments, so that every decision can be replayed and tested for its properties.

mod command;
mod decide;
mod text;

pub use command::{Change, Command, Decision, Edit, Ids, Outcome, Rejection, Violation};
pub use decide::decide;
