//! Events through a Dapr sidecar: a publisher, and the routes that the sidecar delivers to.

mod ingress;
mod publisher;
mod sidecar;
mod subscribe;

pub use ingress::{DaprIngressSettings, ingress};
pub use publisher::{DaprPublisher, DaprSettings};
pub use sidecar::DaprSidecar;
