//! The Dapr YAML that the harness mounts is what Dapr will read: an unknown field is a mistake that the
//! sidecar would pass over in silence.

mod kinds;
mod rule;
mod shape;

pub(super) use rule::check;
