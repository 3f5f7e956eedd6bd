use std::time::Instant;

use async_trait::async_trait;
use futures::future::{Either, join_all, ready};
use gauntlet_contract::{Envelope, TopicName, envelope};
use gauntlet_ports::{Ack, PortError, Publisher};
use rdkafka::error::KafkaError;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{DeliveryFuture, FutureProducer, FutureRecord};

use super::error::{PUBLISHER, port_error, unacknowledged};
use super::settings::KafkaSettings;
use crate::telemetry;

/// Publishes straight to Kafka, acknowledged by all in-sync replicas, idempotently within one
/// delivery. The record's key is the event's partition key, its value the envelope's JSON.
#[derive(Clone)]
pub struct KafkaPublisher {
    producer: FutureProducer,
}

impl std::fmt::Debug for KafkaPublisher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KafkaPublisher").finish_non_exhaustive()
    }
}

impl KafkaPublisher {
    /// `Invalid` when librdkafka refuses the settings. Brokers are contacted in the background:
    /// one that is down shows as unacknowledged events, not here.
    pub fn new(settings: &KafkaSettings) -> Result<Self, PortError> {
        let producer = settings
            .producer()
            .create()
            .map_err(|error| port_error(PUBLISHER, "configure", error))?;
        Ok(Self { producer })
    }

    fn enqueue(&self, topic: &TopicName, event: &Envelope) -> Result<DeliveryFuture, Ack> {
        let value = serde_json::to_vec(event).map_err(|error| Ack::Rejected(error.to_string()))?;
        let record = FutureRecord::to(topic.as_str())
            .key(event.partitionkey.as_str())
            .payload(&value)
            .headers(OwnedHeaders::new().insert(Header {
                key: "content-type",
                value: Some(envelope::CONTENT_TYPE),
            }));
        self.producer
            .send_result(record)
            .map_err(|(error, _record)| unacknowledged(&error))
    }
}

#[async_trait]
impl Publisher for KafkaPublisher {
    async fn publish(&self, topic: &TopicName, events: &[Envelope]) -> Vec<Ack> {
        let started_at = Instant::now();
        // All are queued, in order, before the first answer is awaited: librdkafka batches them.
        let deliveries = events
            .iter()
            .map(|event| match self.enqueue(topic, event) {
                Ok(delivery) => Either::Left(acknowledged(delivery)),
                Err(ack) => Either::Right(ready(ack)),
            })
            .collect::<Vec<_>>();
        let acks = join_all(deliveries).await;
        telemetry::published(topic, &acks, started_at.elapsed());
        acks
    }
}

async fn acknowledged(delivery: DeliveryFuture) -> Ack {
    match delivery.await {
        Ok(Ok(_written)) => Ack::Ok,
        Ok(Err((error, _record))) => unacknowledged(&error),
        Err(_producer_gone) => unacknowledged(&KafkaError::Canceled),
    }
}

#[cfg(test)]
mod tests {
    use gauntlet_ports::PortErrorKind;

    use super::super::settings::Compression;
    use super::*;

    #[test]
    fn librdkafka_knows_every_setting() {
        let mut settings = KafkaSettings::new("127.0.0.1:1", "test");
        KafkaPublisher::new(&settings).unwrap();
        settings.compression = Compression::Snappy;
        KafkaPublisher::new(&settings).unwrap();
    }

    #[test]
    fn settings_that_contradict_each_other_are_invalid() {
        let mut settings = KafkaSettings::new("127.0.0.1:1", "test");
        // A record cannot linger longer than it may live.
        settings.linger = settings.delivery_timeout * 2;
        let error = KafkaPublisher::new(&settings).unwrap_err();
        assert_eq!(error.kind, PortErrorKind::Invalid, "{error:?}");
    }
}
