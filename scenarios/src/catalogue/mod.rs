//! The scenarios, one file each.

mod api_latency;
mod api_latency_questions;
mod building_blocks;
mod burst_1000;
mod common;
mod consumer_crash;
mod equivalence;
mod publish_latency;
mod replay;
mod replicas;
mod role_crash;
mod sidecar_memory;
mod tracing;

pub use api_latency::ApiLatency;
pub use building_blocks::BuildingBlocks;
pub use burst_1000::Burst1000;
pub use consumer_crash::ConsumerCrash;
pub use equivalence::Equivalence;
pub use publish_latency::PublishLatency;
pub use replay::Replay;
pub use replicas::Replicas;
pub use role_crash::RoleCrash;
pub use sidecar_memory::SidecarMemory;
pub use tracing::Tracing;
