use async_trait::async_trait;
use gauntlet_contract::TopicName;
use gauntlet_ports::PortError;
use redis::aio::MultiplexedConnection;
use redis::{AsyncCommands, RedisResult};

use super::error::{CONSUMER, port_error};
use super::stream::{DATA, Entry, PARTITION_KEY};
use crate::consume::DeadLetters;

/// Parks entries in the stream `<topic>-dlq`: data and key as they were, and why and where from
/// as further fields, so that a redrive can put each back.
pub(super) struct RedisDeadLetters(pub(super) MultiplexedConnection);

#[async_trait]
impl DeadLetters<Entry> for RedisDeadLetters {
    async fn park(&self, topic: &TopicName, entry: &Entry, reason: &str) -> Result<(), PortError> {
        let mut fields: Vec<(&str, &[u8])> = vec![
            (DATA, &entry.data),
            ("dlq-reason", reason.as_bytes()),
            ("dlq-topic", topic.as_str().as_bytes()),
            ("dlq-id", entry.id.as_bytes()),
        ];
        if let Some(key) = &entry.key {
            fields.push((PARTITION_KEY, key.as_bytes()));
        }
        let added: RedisResult<String> = self
            .0
            .clone()
            .xadd(topic.dead_letter().as_str(), "*", &fields)
            .await;
        added
            .map(|_id| ())
            .map_err(|error| port_error(CONSUMER, "park a dead letter", error))
    }
}
