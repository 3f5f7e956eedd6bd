use std::time::{Duration, Instant};

use async_trait::async_trait;
use futures::future::join_all;
use gauntlet_contract::{Envelope, TopicName};
use gauntlet_ports::{Ack, PortError, Publisher};
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::streams::{StreamAddOptions, StreamTrimStrategy, StreamTrimmingMode};
use redis::{AsyncCommands, Client, RedisResult};

use super::error::{PUBLISHER, port_error, unacknowledged};
use super::settings::RedisSettings;
use super::stream::{DATA, PARTITION_KEY};
use crate::telemetry;

/// Reconnects before a publish is answered. The relay tries again by itself, and an early answer
/// tells it more than a late one.
const RECONNECTS: usize = 1;
const RECONNECT_DELAY: Duration = Duration::from_millis(50);

/// Publishes to Redis Streams over one multiplexed connection. How durable an acknowledged entry
/// is depends on the server's own settings (`appendfsync`).
#[derive(Clone)]
pub struct RedisPublisher {
    connection: ConnectionManager,
    options: std::sync::Arc<StreamAddOptions>,
}

impl std::fmt::Debug for RedisPublisher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RedisPublisher").finish_non_exhaustive()
    }
}

impl RedisPublisher {
    /// Connects. `Invalid` when the URL is none or the password is wrong, `Unavailable` when
    /// nobody listens. After this, lost connections are made again by themselves.
    pub async fn connect(settings: &RedisSettings) -> Result<Self, PortError> {
        let client = Client::open(settings.url.as_str())
            .map_err(|error| port_error(PUBLISHER, "configure", error))?;
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(settings.publish_timeout))
            .set_response_timeout(Some(settings.publish_timeout))
            .set_number_of_retries(RECONNECTS)
            .set_min_delay(RECONNECT_DELAY)
            .set_max_delay(RECONNECT_DELAY);
        let connection = client
            .get_connection_manager_with_config(config)
            .await
            .map_err(|error| port_error(PUBLISHER, "connect", error))?;
        let mut options = StreamAddOptions::default();
        if let Some(max_len) = settings.max_len {
            let max_len = usize::try_from(max_len).unwrap_or(usize::MAX);
            options = options.trim(StreamTrimStrategy::maxlen(
                StreamTrimmingMode::Approx,
                max_len,
            ));
        }
        Ok(Self {
            connection,
            options: options.into(),
        })
    }

    async fn publish_one(&self, topic: &TopicName, event: &Envelope) -> Ack {
        let data = match serde_json::to_vec(event) {
            Ok(data) => data,
            Err(error) => return Ack::Rejected(error.to_string()),
        };
        let fields: [(&str, &[u8]); 2] = [
            (DATA, &data),
            (PARTITION_KEY, event.partitionkey.as_bytes()),
        ];
        let added: RedisResult<String> = self
            .connection
            .clone()
            .xadd_options(topic.as_str(), "*", &fields, &self.options)
            .await;
        match added {
            Ok(_id) => Ack::Ok,
            Err(error) => unacknowledged(&error),
        }
    }
}

#[async_trait]
impl Publisher for RedisPublisher {
    async fn publish(&self, topic: &TopicName, events: &[Envelope]) -> Vec<Ack> {
        let started_at = Instant::now();
        // Side by side on one connection: a pipeline, but with an answer for each event.
        let added = events.iter().map(|event| self.publish_one(topic, event));
        let acks = join_all(added).await;
        telemetry::published(topic, &acks, started_at.elapsed());
        acks
    }
}
