use async_trait::async_trait;
use gauntlet_contract::TopicName;
use gauntlet_ports::PortError;
use rdkafka::Message;
use rdkafka::message::{Header, OwnedHeaders, OwnedMessage};
use rdkafka::producer::{FutureProducer, FutureRecord};
use rdkafka::util::Timeout;

use super::error::{CONSUMER, port_error};
use super::settings::KafkaSettings;
use crate::consume::DeadLetters;

/// Parks records in `<topic>-dlq`: key, value and headers as they were, and why and where from as
/// further headers, so that a redrive can put each back.
pub(super) struct KafkaDeadLetters {
    producer: FutureProducer,
}

impl KafkaDeadLetters {
    pub(super) fn new(settings: &KafkaSettings) -> Result<Self, PortError> {
        let producer = settings
            .producer()
            .create()
            .map_err(|error| port_error(CONSUMER, "configure dead letters", error))?;
        Ok(Self { producer })
    }
}

#[async_trait]
impl DeadLetters<OwnedMessage> for KafkaDeadLetters {
    async fn park(
        &self,
        topic: &TopicName,
        message: &OwnedMessage,
        reason: &str,
    ) -> Result<(), PortError> {
        let target = topic.dead_letter();
        let (partition, offset) = (
            message.partition().to_string(),
            message.offset().to_string(),
        );
        let headers = [
            ("dlq-reason", reason),
            ("dlq-topic", message.topic()),
            ("dlq-partition", &partition),
            ("dlq-offset", &offset),
        ]
        .into_iter()
        .fold(
            message
                .headers()
                .map_or_else(OwnedHeaders::new, Clone::clone),
            |headers, (key, value)| {
                headers.insert(Header {
                    key,
                    value: Some(value),
                })
            },
        );
        let record = FutureRecord {
            topic: target.as_str(),
            partition: None,
            payload: message.payload(),
            key: message.key(),
            timestamp: None,
            headers: Some(headers),
        };
        // A full queue is waited out, as long as a delivery may take: the partition stands still
        // for this record anyway.
        self.producer
            .send(record, Timeout::Never)
            .await
            .map(|_written| ())
            .map_err(|(error, _record)| port_error(CONSUMER, "park a dead letter", error))
    }
}
