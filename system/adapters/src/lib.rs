//! Backends behind the ports, each behind a cargo feature of its name.
//!
//! Only this crate names the brokers' and the databases' client libraries. An adapter answers in
//! the terms of its port: `Ack::Unknown` where the effect of a call is not known, `Settle` as the
//! handler said it, [`PortError`](gauntlet_ports::PortError) with a kind that a caller can act on.

#[cfg(any(feature = "dapr", feature = "kafka", feature = "redis"))]
mod consume;
#[cfg(feature = "dapr")]
pub mod dapr;
#[cfg(feature = "files")]
pub mod files;
#[cfg(feature = "http")]
pub mod http;
#[cfg(feature = "kafka")]
pub mod kafka;
#[cfg(feature = "postgres")]
pub mod postgres;
#[cfg(feature = "redis")]
pub mod redis;
pub mod telemetry;
