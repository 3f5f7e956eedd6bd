use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, Instant};

use futures::future::join_all;
use gauntlet_ports::{PortError, SourceState, Subscription};
use rdkafka::Message as _;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::OwnedMessage;
use rdkafka::{ClientConfig, TopicPartitionList};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use super::context::GroupContext;
use super::dead_letters::KafkaDeadLetters;
use super::error::{CONSUMER, port_error};
use super::progress::Partition;
use super::settings::KafkaSettings;
use crate::consume::{BATCH_MAX, Intake, Message, decode};

/// Longest wait for a first record; bounds how late a cancellation or a due retry is noticed.
const POLL_MAX: Duration = Duration::from_millis(100);
/// Unsettled records of one partition that are held before it is paused. While one key is being
/// retried, others of its partition go on up to here; it also bounds what a crash redelivers.
const PARTITION_BACKLOG_MAX: usize = 256;

/// One member of one consumer group, with a thread of its own.
pub(super) struct GroupConsumer {
    consumer: BaseConsumer<GroupContext>,
    intakes: HashMap<String, Intake<OwnedMessage>>,
    dead_letters: KafkaDeadLetters,
    paused: BTreeSet<Partition>,
    commit_interval: Duration,
    committed_at: Instant,
}

impl GroupConsumer {
    /// Subscribes; the group is joined once [`GroupConsumer::consume`] polls.
    pub(super) fn new(
        settings: &KafkaSettings,
        config: &ClientConfig,
        subscriptions: Vec<Subscription>,
        state: SourceState,
    ) -> Result<Self, PortError> {
        let configure = |error| port_error(CONSUMER, "configure", error);
        let consumer: BaseConsumer<GroupContext> = config
            .create_with_context(GroupContext::new(state))
            .map_err(configure)?;
        let topics: Vec<&str> = subscriptions
            .iter()
            .map(|subscription| subscription.topic.as_str())
            .collect();
        consumer.subscribe(&topics).map_err(configure)?;
        Ok(Self {
            consumer,
            intakes: subscriptions
                .into_iter()
                .map(|subscription| {
                    let topic = subscription.topic.to_string();
                    (topic, Intake::new(subscription))
                })
                .collect(),
            dead_letters: KafkaDeadLetters::new(settings)?,
            paused: BTreeSet::new(),
            commit_interval: settings.commit_interval,
            committed_at: Instant::now(),
        })
    }

    /// Consumes until `stop` is cancelled, then commits and leaves the group. Blocks: librdkafka's
    /// polls, synchronous commits and close all do.
    pub(super) fn consume(
        mut self,
        runtime: &Handle,
        stop: &CancellationToken,
    ) -> Result<(), PortError> {
        while !stop.is_cancelled() {
            self.fetch()?;
            self.forget_revoked();
            runtime.block_on(self.attempt());
            self.throttle()?;
            if self.committed_at.elapsed() >= self.commit_interval {
                let context = self.consumer.context();
                context.commit(&self.consumer, CommitMode::Async);
                self.committed_at = Instant::now();
            }
        }
        // What is unsettled stays uncommitted, and goes to whoever is assigned next. Dropping the
        // consumer leaves the group.
        let context = self.consumer.context();
        context.commit(&self.consumer, CommitMode::Sync);
        Ok(())
    }

    /// Waits for a record, then takes those that are there already, up to a batch.
    fn fetch(&mut self) -> Result<(), PortError> {
        let mut wait = self
            .intakes
            .values()
            .filter_map(Intake::next_due_in)
            .min()
            .map_or(POLL_MAX, |due_in| due_in.min(POLL_MAX));
        for _ in 0..BATCH_MAX {
            // None is also the answer after a rebalance: what was taken before it must be looked
            // through first.
            match self.consumer.poll(wait) {
                None => break,
                Some(Ok(record)) => {
                    let record = record.detach();
                    wait = Duration::ZERO;
                    self.admit(record);
                }
                Some(Err(error @ KafkaError::MessageConsumptionFatal(_))) => {
                    return Err(port_error(CONSUMER, "consume", error));
                }
                // librdkafka reconnects and rejoins by itself.
                Some(Err(error)) => {
                    tracing::warn!(error = &error as &dyn std::error::Error, "consuming stalls");
                    break;
                }
            }
        }
        Ok(())
    }

    fn admit(&mut self, record: OwnedMessage) {
        let Some(intake) = self.intakes.get_mut(record.topic()) else {
            // The broker answers with subscribed topics only.
            tracing::error!(topic = record.topic(), "record of a topic not subscribed");
            return;
        };
        self.consumer
            .context()
            .progress()
            .taken(partition(&record), record.offset());
        let envelope = decode(record.payload().unwrap_or_default());
        let key = record
            .key()
            .map(|key| String::from_utf8_lossy(key).into_owned())
            .or_else(|| envelope.as_ref().ok().map(|e| e.partitionkey.clone()));
        intake.push(Message {
            order: (
                u64::from(record.partition().cast_unsigned()),
                record.offset().cast_unsigned(),
            ),
            key,
            envelope,
            position: record,
        });
    }

    fn forget_revoked(&mut self) {
        let progress = self.consumer.context().progress();
        for intake in self.intakes.values_mut() {
            intake.retain(|record| progress.holds(&partition(record), record.offset()));
        }
    }

    async fn attempt(&mut self) {
        let dead_letters = &self.dead_letters;
        let attempts = self
            .intakes
            .values_mut()
            .map(|intake| intake.attempt(dead_letters));
        let settled = join_all(attempts).await;
        let mut progress = self.consumer.context().progress();
        for record in settled.iter().flatten() {
            progress.settled(&partition(record), record.offset());
        }
    }

    /// Pauses partitions whose backlog is full, and resumes those that have room again.
    fn throttle(&mut self) -> Result<(), PortError> {
        let stuck = self
            .consumer
            .context()
            .progress()
            .stuck(PARTITION_BACKLOG_MAX);
        let pause: Vec<&Partition> = stuck.difference(&self.paused).collect();
        let resume: Vec<&Partition> = self.paused.difference(&stuck).collect();
        // Neither list may be empty: librdkafka takes that for an error in some versions.
        let changed = (|| {
            if !pause.is_empty() {
                self.consumer.pause(&list(&pause))?;
            }
            if !resume.is_empty() {
                self.consumer.resume(&list(&resume))?;
            }
            Ok(())
        })();
        changed.map_err(|error| port_error(CONSUMER, "pause a partition", error))?;
        self.paused = stuck;
        Ok(())
    }
}

fn partition(record: &OwnedMessage) -> Partition {
    (record.topic().to_owned(), record.partition())
}

fn list(partitions: &[&Partition]) -> TopicPartitionList {
    let mut list = TopicPartitionList::new();
    for (topic, partition) in partitions {
        list.add_partition(topic, *partition);
    }
    list
}
