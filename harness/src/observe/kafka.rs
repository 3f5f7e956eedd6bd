use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::{ClientConfig, ClientContext, Message, Offset as KafkaOffset, TopicPartitionList};

use super::envelope::event_id;
use super::{LaneTopics, ObserveError, ObserveErrorKind, Reading};
use crate::ledger::{AuditMessage, AuditTopic, DeadLetter, DeadLetterTopic, LaneRecord, Offset};

/// A broker that is up answers a metadata question in milliseconds.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// Reading a topic to its end: thousands of messages a second arrive.
const READ_WITHIN: Duration = Duration::from_mins(1);
/// How long one poll may find nothing before the deadline is looked at again.
const POLL_FOR: Duration = Duration::from_millis(200);
/// What a client has to call itself that reads a topic and belongs to nobody. It joins and commits nothing.
const NOBODYS_GROUP: &str = "gauntlet-observer";

/// Reads committed offsets, dead letters and the published audit trail from Kafka. It names the consumer
/// groups that it asks about and never joins one, so that watching causes no rebalance.
///
type Reader = BaseConsumer<Observing>;

/// What librdkafka tells of a consumer beside its messages.
struct Observing;

impl ClientContext for Observing {
    fn error(&self, error: KafkaError, reason: &str) {
        // The end of a partition is what is read for, and no error: whoever polls is told of it.
        if error.rdkafka_error_code() != Some(RDKafkaErrorCode::PartitionEOF) {
            tracing::warn!(%error, reason, "the broker's client has trouble");
        }
    }
}

impl ConsumerContext for Observing {}

/// Each reading makes a client of its own: one that lives through a broker's crash would answer from
/// what it remembers.
#[derive(Clone, Debug)]
pub struct KafkaObserver {
    brokers: String,
    topics: LaneTopics,
}

/// What a topic held from its beginning to its end.
struct Whole<T> {
    messages: Vec<T>,
    held: u64,
}

/// First and one past the last offset of a partition.
#[derive(Clone, Copy, Debug)]
struct Held {
    partition: i32,
    start: i64,
    end: i64,
}

impl KafkaObserver {
    pub fn new(brokers: impl Into<String>, topics: LaneTopics) -> Self {
        Self {
            brokers: brokers.into(),
            topics,
        }
    }

    /// Where each group stands on each partition of its topic.
    pub async fn offsets(&self) -> Result<Vec<Offset>, ObserveError> {
        let observer = self.clone();
        blocking("consumer offsets", move || observer.read_offsets()).await
    }

    /// Appends the dead letters, and how far each topic was read.
    pub async fn read_dead_letters(&self, record: &mut LaneRecord) -> Result<(), ObserveError> {
        for topic in self.topics.dead_letters.clone() {
            let name = topic.clone();
            let letter = move |bytes: &[u8]| DeadLetter {
                topic: name.clone(),
                event_id: event_id(bytes),
                raw: String::from_utf8_lossy(bytes).into_owned(),
            };
            let whole = self.whole("dead letters", topic.clone(), letter).await?;
            record.dead_letter_topics.push(DeadLetterTopic {
                topic,
                held: whole.held,
                read: whole.messages.len() as u64,
            });
            record.dead_letters.extend(whole.messages);
        }
        Ok(())
    }

    /// Appends what was published of the audit trail, and how far the topic was read.
    pub async fn read_audit_logs(&self, record: &mut LaneRecord) -> Result<(), ObserveError> {
        let topic = self.topics.audit_logs.clone();
        let whole = self.whole("messages", topic.clone(), AuditMessage::read);
        let whole = whole.await?;
        record.audit_topics.push(AuditTopic {
            topic,
            held: whole.held,
            read: whole.messages.len() as u64,
        });
        record.audit_messages.extend(whole.messages);
        Ok(())
    }

    async fn whole<T: Send + 'static>(
        &self,
        what: &str,
        topic: String,
        decode: impl Fn(&[u8]) -> T + Send + 'static,
    ) -> Result<Whole<T>, ObserveError> {
        let what = format!("{what} of {topic}");
        let observer = self.clone();
        blocking(&what, move || {
            observer.read_topic(&topic, READ_WITHIN, decode)
        })
        .await
    }

    fn consumer(&self, group: &str) -> Result<Reader, KafkaError> {
        ClientConfig::new()
            .set("bootstrap.servers", &self.brokers)
            .set("group.id", group)
            // Asking must leave no trace: no commit in the group's name, no topic made by asking.
            .set("enable.auto.commit", "false")
            .set("allow.auto.create.topics", "false")
            .set("enable.partition.eof", "true")
            .create_with_context(Observing)
    }

    fn read_offsets(&self) -> Result<Vec<Offset>, KafkaError> {
        let mut offsets = Vec::new();
        for reading in &self.topics.readings {
            offsets.extend(self.read_offsets_of(reading)?);
        }
        Ok(offsets)
    }

    fn read_offsets_of(&self, reading: &Reading) -> Result<Vec<Offset>, KafkaError> {
        let Reading { group, topic } = reading;
        let consumer = self.consumer(group)?;
        let held = held(&consumer, topic)?;
        let mut asked = TopicPartitionList::new();
        for partition in &held {
            asked.add_partition(topic, partition.partition);
        }
        // The ends were read before the commits: a group can only look further than it was.
        let committed = consumer.committed_offsets(asked, ANSWER_WITHIN)?;
        let offset = |held: Held| Offset::Partition {
            group: group.clone(),
            topic: topic.clone(),
            partition: held.partition,
            committed: committed.find_partition(topic, held.partition).and_then(
                |found| match found.offset() {
                    KafkaOffset::Offset(offset) => Some(offset),
                    _ => None,
                },
            ),
            start: held.start,
            end: held.end,
        };
        Ok(held.into_iter().map(offset).collect())
    }

    /// Reads a topic from its beginning to the end that it has now. Assigned by hand, so that no group's
    /// position in it matters. A deadline that passes leaves fewer messages than are held, which makes the
    /// checks inconclusive.
    fn read_topic<T>(
        &self,
        topic: &str,
        within: Duration,
        decode: impl Fn(&[u8]) -> T,
    ) -> Result<Whole<T>, KafkaError> {
        let consumer = self.consumer(NOBODYS_GROUP)?;
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
        let mut messages = Vec::new();
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
                    // What arrives while reading belongs to a later look.
                    open.retain(|held| {
                        held.partition != message.partition() || message.offset() + 1 < held.end
                    });
                    messages.push(decode(message.payload().unwrap_or_default()));
                }
            }
        }
        Ok(Whole {
            messages,
            held: total,
        })
    }
}

/// The partitions of a topic; none for a topic that does not exist, which holds nothing.
fn held(consumer: &Reader, topic: &str) -> Result<Vec<Held>, KafkaError> {
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
