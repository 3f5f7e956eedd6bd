//! Decisions: examples, and properties over histories of random commands.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed, and the panic says where"
)]

mod examples;
mod properties;
