use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures::FutureExt;
use futures::future::join_all;
use gauntlet_contract::{Envelope, TopicName};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::recorder::SETTLE_WITHIN;
use crate::messaging::{
    Ack, Delivery, Ingress, Publisher, ReadySignal, Settle, SourceState, Subscription,
    SubscriptionSet,
};

/// How long a retried event waits for its next attempt.
const RETRY_AFTER: Duration = Duration::from_millis(5);

/// A broker in memory: topics are logs, each group reads each log from its beginning, order is
/// kept per key, a retry holds back its own key only. It is the reference for the contract suite
/// and the bus of the services' own tests.
#[derive(Clone, Debug, Default)]
pub struct MemoryBroker {
    topics: Arc<Mutex<HashMap<TopicName, Topic>>>,
}

#[derive(Debug, Default)]
struct Topic {
    log: Vec<Message>,
    /// Settled indexes, per group.
    settled: HashMap<String, HashSet<usize>>,
    grown: watch::Sender<usize>,
}

#[derive(Clone, Debug)]
struct Message {
    key: String,
    bytes: Vec<u8>,
}

impl MemoryBroker {
    /// Appends any bytes, as a foreign producer could.
    pub fn append(&self, topic: &TopicName, key: &str, bytes: Vec<u8>) {
        let mut topics = self.topics();
        let topic = topics.entry(topic.clone()).or_default();
        topic.log.push(Message {
            key: key.to_owned(),
            bytes,
        });
        topic.grown.send_replace(topic.log.len());
    }

    /// Everything that was ever appended to the topic.
    pub fn contents(&self, topic: &TopicName) -> Vec<Vec<u8>> {
        self.topics()
            .get(topic)
            .map(|topic| {
                topic
                    .log
                    .iter()
                    .map(|message| message.bytes.clone())
                    .collect()
            })
            .unwrap_or_default()
    }

    /// Waits until the topic holds `count` messages and answers all of them. Panics after
    /// [`SETTLE_WITHIN`].
    pub async fn wait_for(&self, topic: &TopicName, count: usize) -> Vec<Vec<u8>> {
        let mut grown = self.growth(topic);
        let wait = grown.wait_for(|length| *length >= count);
        let ended = tokio::time::timeout(SETTLE_WITHIN, wait).await;
        assert!(
            ended.is_ok(),
            "waited {SETTLE_WITHIN:?} for {count} messages in {topic}"
        );
        self.contents(topic)
    }

    /// Consumes the set until `stop` is cancelled.
    pub fn ingress(&self, set: &SubscriptionSet, stop: &CancellationToken) -> Ingress {
        let (ready, states) = ReadySignal::over(set.iter().count());
        let readers: Vec<_> = set
            .iter()
            .zip(states)
            .map(|(subscription, state)| Reader {
                broker: self.clone(),
                subscription: subscription.clone(),
                stop: stop.clone(),
                state,
            })
            .collect();
        let run = async move {
            join_all(readers.into_iter().map(Reader::run)).await;
            Ok(())
        };
        Ingress {
            router: None,
            ready,
            run: run.boxed(),
        }
    }

    fn growth(&self, topic: &TopicName) -> watch::Receiver<usize> {
        let mut topics = self.topics();
        topics.entry(topic.clone()).or_default().grown.subscribe()
    }

    fn topics(&self) -> MutexGuard<'_, HashMap<TopicName, Topic>> {
        self.topics.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Publisher for MemoryBroker {
    async fn publish(&self, topic: &TopicName, events: &[Envelope]) -> Vec<Ack> {
        events
            .iter()
            .map(|event| match serde_json::to_vec(event) {
                Ok(bytes) => {
                    self.append(topic, &event.partitionkey, bytes);
                    Ack::Ok
                }
                Err(error) => Ack::Rejected(error.to_string()),
            })
            .collect()
    }
}

/// What handling a batch came to.
#[derive(PartialEq, Eq)]
enum Outcome {
    AllSettled,
    SomeRetried,
}

/// One subscription at work.
struct Reader {
    broker: MemoryBroker,
    subscription: Subscription,
    stop: CancellationToken,
    state: SourceState,
}

impl Reader {
    async fn run(self) {
        let mut grown = self.broker.growth(&self.subscription.topic);
        self.state.consuming();
        let stop = self.stop.clone();
        // Between batches only: what was taken on is settled before the stop is heeded.
        while !stop.is_cancelled() {
            grown.mark_unchanged();
            let batch = self.oldest_per_key();
            if batch.is_empty() {
                stop.run_until_cancelled(grown.changed()).await;
            } else if self.handle(batch).await == Outcome::SomeRetried {
                stop.run_until_cancelled(tokio::time::sleep(RETRY_AFTER))
                    .await;
            }
        }
        self.state.interrupted();
    }

    async fn handle(&self, batch: BTreeMap<usize, Message>) -> Outcome {
        let mut deliveries = Vec::new();
        let mut indexes = Vec::new();
        for (index, message) in batch {
            match serde_json::from_slice::<Envelope>(&message.bytes) {
                Ok(envelope) => {
                    deliveries.push(Delivery {
                        envelope,
                        attempt: 1,
                    });
                    indexes.push((index, message));
                }
                Err(_undecodable) => self.bury(index, &message),
            }
        }
        if deliveries.is_empty() {
            return Outcome::AllSettled;
        }
        let settles = self.subscription.handler.handle(&deliveries).await;
        let mut outcome = Outcome::AllSettled;
        for ((index, message), settle) in indexes.into_iter().zip(settles) {
            match settle {
                Settle::Done => self.settle(index),
                Settle::DeadLetter(_reason) => self.bury(index, &message),
                Settle::Retry => outcome = Outcome::SomeRetried,
            }
        }
        outcome
    }

    /// The oldest unsettled message of each key.
    fn oldest_per_key(&self) -> BTreeMap<usize, Message> {
        let mut topics = self.broker.topics();
        let topic = topics.entry(self.subscription.topic.clone()).or_default();
        let settled = topic
            .settled
            .entry(self.subscription.group.clone())
            .or_default();
        let mut keys = HashSet::new();
        topic
            .log
            .iter()
            .enumerate()
            .filter(|(index, message)| {
                !settled.contains(index) && keys.insert(message.key.as_str())
            })
            .map(|(index, message)| (index, message.clone()))
            .collect()
    }

    fn bury(&self, index: usize, message: &Message) {
        let dead_letters = self.subscription.topic.dead_letter();
        self.broker
            .append(&dead_letters, &message.key, message.bytes.clone());
        self.settle(index);
    }

    fn settle(&self, index: usize) {
        if let Some(topic) = self.broker.topics().get_mut(&self.subscription.topic) {
            topic
                .settled
                .entry(self.subscription.group.clone())
                .or_default()
                .insert(index);
        }
    }
}
