//! Events on Redis Streams, and state, without a sidecar.
//!
//! Entries carry the envelope in the field `data`, as Dapr's Redis component writes it, so that
//! either mode reads what the other has left in a stream.

mod consumer;
mod dead_letters;
mod error;
mod ingress;
mod publisher;
mod settings;
mod state;
mod stream;

pub use ingress::ingress;
pub use publisher::RedisPublisher;
pub use settings::RedisSettings;
pub use state::{RedisStateSettings, RedisStateStore};
