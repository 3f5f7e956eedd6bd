//! The scenarios, one file each.

mod burst_1000;
mod common;
mod consumer_crash;
mod equivalence;
mod publish_latency;
mod sidecar_memory;

pub use burst_1000::Burst1000;
pub use consumer_crash::ConsumerCrash;
pub use equivalence::Equivalence;
pub use publish_latency::PublishLatency;
pub use sidecar_memory::SidecarMemory;
