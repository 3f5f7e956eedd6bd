use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::{ClientConfig, Message, Offset as KafkaOffset, TopicPartitionList};

use super::envelope::event_id;
use super::{ObserveError, ObserveErrorKind};
use crate::ledger::{DeadLetter, DeadLetterTopic, LaneRecord, Offset};

/// A broker that is up answers a metadata question in milliseconds.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// Reading a dead-letter topic to its end: thousands of messages a second arrive.
const READ_WITHIN: Duration = Duration::from_mins(1);
/// How long one poll may find nothing before the deadline is looked at again.
const POLL_FOR: Duration = Duration::from_millis(200);

/// Reads committed offsets and dead letters from Kafka. It names the consumer group that it asks
/// about and never joins it, so that watching causes no rebalance.
///
/// Each reading makes a client of its own: one that lives through a broker's crash would answer from
/// what it remembers.
#[derive(Clone, Debug)]
pub struct KafkaObserver {
    brokers: String,
    group: String,
    topics: Vec<String>,
    dead_letter_topics: Vec<String>,
}

/// First and one past the last offset of a partition.
#[derive(Clone, Copy, Debug)]
struct Held {
    partition: i32,
    start: i64,
    end: i64,
}

impl KafkaObserver {
    /// `group` consumes `topics`; `dead_letter_topics` are read in full.
    pub fn new(
        brokers: impl Into<String>,
        group: impl Into<String>,
        topics: Vec<String>,
        dead_letter_topics: Vec<String>,
    ) -> Self {
        Self {
            brokers: brokers.into(),
            group: group.into(),
            topics,
            dead_letter_topics,
        }
    }

    /// Where the group stands on each partition of its topics.
    pub async fn offsets(&self) -> Result<Vec<Offset>, ObserveError> {
        let observer = self.clone();
        blocking("consumer offsets", move || observer.read_offsets()).await
    }

    /// Appends the dead letters, and how far each topic was read.
    pub async fn read_dead_letters(&self, record: &mut LaneRecord) -> Result<(), ObserveError> {
        for topic in self.dead_letter_topics.clone() {
            let observer = self.clone();
            let what = format!("dead letters of {topic}");
            let (letters, read) =
                blocking(&what, move || observer.read_topic(&topic, READ_WITHIN)).await?;
            record.dead_letters.extend(letters);
            record.dead_letter_topics.push(read);
        }
        Ok(())
    }

    fn consumer(&self) -> Result<BaseConsumer, KafkaError> {
        ClientConfig::new()
            .set("bootstrap.servers", &self.brokers)
            .set("group.id", &self.group)
            // Asking must leave no trace: no commit in the group's name, no topic made by asking.
            .set("enable.auto.commit", "false")
            .set("allow.auto.create.topics", "false")
            .set("enable.partition.eof", "true")
            .create()
    }

    fn read_offsets(&self) -> Result<Vec<Offset>, KafkaError> {
        let consumer = self.consumer()?;
        let mut offsets = Vec::new();
        for topic in &self.topics {
            let held = held(&consumer, topic)?;
            let mut asked = TopicPartitionList::new();
            for partition in &held {
                asked.add_partition(topic, partition.partition);
            }
            // The ends were read before the commits: a group can only look further than it was.
            let committed = consumer.committed_offsets(asked, ANSWER_WITHIN)?;
            offsets.extend(held.into_iter().map(
                |Held {
                     partition,
                     start,
                     end,
                 }| {
                    let found = committed.find_partition(topic, partition);
                    Offset::Partition {
                        group: self.group.clone(),
                        topic: topic.clone(),
                        partition,
                        committed: found.and_then(|found| match found.offset() {
                            KafkaOffset::Offset(offset) => Some(offset),
                            _ => None,
                        }),
                        start,
                        end,
                    }
                },
            ));
        }
        Ok(offsets)
    }

    /// Reads a topic from its beginning to the end that it has now. Assigned by hand, so that the
    /// group's own position in it, if there is one, does not matter. A deadline that passes leaves
    /// `read` below `held`, which makes the checks inconclusive.
    fn read_topic(
        &self,
        topic: &str,
        within: Duration,
    ) -> Result<(Vec<DeadLetter>, DeadLetterTopic), KafkaError> {
        let consumer = self.consumer()?;
        let held = held(&consumer, topic)?;
        let total = held
            .iter()
            .map(|held| u64::try_from(held.end - held.start).unwrap_or(0))
            .sum();
        let mut open: Vec<Held> = held
            .into_iter()
            .filter(|held| held.end > held.start)
            .collect();
        let mut assigned = TopicPartitionList::new();
        for held in &open {
            let start = KafkaOffset::Offset(held.start);
            assigned.add_partition_offset(topic, held.partition, start)?;
        }
        let mut letters = Vec::new();
        let deadline = Instant::now() + within;
        if !open.is_empty() {
            consumer.assign(&assigned)?;
        }
        while !open.is_empty() && Instant::now() < deadline {
            match consumer.poll(POLL_FOR) {
                None => {}
                // The end of a partition, also where its last offsets hold no message.
                Some(Err(KafkaError::PartitionEOF(ended))) => {
                    open.retain(|held| held.partition != ended);
                }
                Some(Err(error)) => return Err(error),
                Some(Ok(message)) => {
                    let bytes = message.payload().unwrap_or_default();
                    // What arrives while reading belongs to a later look.
                    open.retain(|held| {
                        held.partition != message.partition() || message.offset() + 1 < held.end
                    });
                    letters.push(DeadLetter {
                        topic: topic.to_owned(),
                        event_id: event_id(bytes),
                        raw: String::from_utf8_lossy(bytes).into_owned(),
                    });
                }
            }
        }
        let read = letters.len() as u64;
        Ok((
            letters,
            DeadLetterTopic {
                topic: topic.to_owned(),
                held: total,
                read,
            },
        ))
    }
}

/// The partitions of a topic; none for a topic that does not exist, which holds nothing.
fn held(consumer: &BaseConsumer, topic: &str) -> Result<Vec<Held>, KafkaError> {
    let metadata = consumer.fetch_metadata(Some(topic), ANSWER_WITHIN)?;
    let mut held = Vec::new();
    for found in metadata
        .topics()
        .iter()
        .filter(|found| found.name() == topic)
    {
        match found.error().map(RDKafkaErrorCode::from) {
            None => {}
            Some(RDKafkaErrorCode::UnknownTopicOrPartition | RDKafkaErrorCode::UnknownTopic) => {
                continue;
            }
            Some(code) => return Err(KafkaError::MetadataFetch(code)),
        }
        for partition in found.partitions() {
            let (start, end) = consumer.fetch_watermarks(topic, partition.id(), ANSWER_WITHIN)?;
            held.push(Held {
                partition: partition.id(),
                start,
                end,
            });
        }
    }
    Ok(held)
}

/// librdkafka's questions block; they must not hold up the runtime that drives the load.
async fn blocking<T: Send + 'static>(
    what: &str,
    read: impl FnOnce() -> Result<T, KafkaError> + Send + 'static,
) -> Result<T, ObserveError> {
    let failed =
        |source| ObserveError::new(ObserveErrorKind::Read, format!("{what} from kafka"), source);
    match tokio::task::spawn_blocking(read).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(failed(error.into())),
        Err(error) => Err(failed(Box::<dyn std::error::Error + Send + Sync>::from(
            error,
        ))),
    }
}
