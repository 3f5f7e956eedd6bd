//! Reads the final state of the stores into a lane's record, and waits for stores to settle.
//!
//! Beside `component` this is the only part of the harness that talks to brokers and databases. It
//! reads with connections of its own, changes nothing, and joins no consumer group. The API of a sidecar is asked
//! as an app would ask it, changes included.

mod cgroup;
mod cgroup_memory;
mod counters;
mod entities;
mod envelope;
mod error;
mod instances;
mod kafka;
mod lane;
mod memory;
mod messages;
mod postgres;
mod process;
mod redis;
mod redis_keys;
mod rows;
mod sidecar_api;
mod tables;
mod topics;
mod trace_request;
mod traces;
mod user_rows;
mod wait;

pub use counters::counter;
pub use entities::{EntityCounts, EntityObserver};
pub use error::{ObserveError, ObserveErrorKind};
pub use instances::LatestInstance;
pub use kafka::KafkaObserver;
pub use lane::{BrokerObserver, LaneObserver};
pub use memory::{MemorySampler, SampledMemory, Watched};
pub use messages::messages;
pub use postgres::{Counts, PostgresObserver};
pub use process::{ProcessUsage, usage};
pub use redis::RedisObserver;
pub use redis_keys::RedisKeysObserver;
pub use sidecar_api::{SidecarAnswer, SidecarApi, SidecarQuestion};
pub use tables::TablesObserver;
pub use topics::{LaneTopics, Reading};
pub use traces::TraceCollector;
pub use user_rows::UserRowsObserver;
pub use wait::{Answer, until};
