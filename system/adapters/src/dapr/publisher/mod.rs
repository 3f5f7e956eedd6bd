//! Publishing through a sidecar: one event in a request of its own, several in bulk requests.

mod bulk;
mod client;
#[cfg(test)]
mod tests;

pub use client::{DaprPublisher, DaprSettings};
