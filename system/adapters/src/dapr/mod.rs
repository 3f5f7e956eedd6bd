//! Events, state, secrets and calls through a Dapr sidecar.

mod api;
mod gate;
mod ingress;
mod invoke;
mod publisher;
mod refusals;
mod secrets;
mod sidecar;
mod state;
mod state_request;
mod subscribe;

pub use ingress::{DaprIngressSettings, ingress, ingress_telling};
pub use invoke::DaprInvoker;
pub use publisher::{DaprPublisher, DaprSettings};
pub use refusals::Refusals;
pub use secrets::{DaprSecretSettings, DaprSecretStore};
pub use sidecar::DaprSidecar;
pub use state::{DaprStateSettings, DaprStateStore};
