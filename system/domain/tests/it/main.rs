//! Decisions: examples, and properties over histories of random commands.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed, and the panic says where"
)]

mod examples;
mod labels;
mod properties;
mod recurrence;
mod recurrence_next;
mod recurrence_properties;
mod series;
mod support;
