//! What every consuming backend shares: decoding, keeping order per key, calling the handler,
//! dead letters and backoff. Nothing here knows a broker.

#[cfg(any(feature = "kafka", feature = "redis"))]
mod backlog;
#[cfg(any(feature = "kafka", feature = "redis"))]
mod backoff;
#[cfg(feature = "dapr")]
mod batcher;
mod decode;
mod dispatch;
#[cfg(any(feature = "kafka", feature = "redis"))]
mod intake;

#[cfg(feature = "redis")]
pub(crate) use backoff::Backoff;
#[cfg(feature = "dapr")]
pub(crate) use batcher::Batcher;
pub(crate) use decode::decode;
#[cfg(any(feature = "kafka", feature = "redis"))]
pub(crate) use dispatch::BATCH_MAX;
#[cfg(any(feature = "kafka", feature = "redis"))]
pub(crate) use intake::{DeadLetters, Intake, Message};
