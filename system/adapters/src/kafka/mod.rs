//! Events on Kafka without a sidecar, through librdkafka.

mod consumer;
mod context;
mod dead_letters;
mod error;
mod ingress;
mod progress;
mod publisher;
mod settings;

pub use ingress::ingress;
pub use publisher::KafkaPublisher;
pub use settings::{Compression, KafkaSettings};
