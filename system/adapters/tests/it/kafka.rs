use std::sync::Arc;

use async_trait::async_trait;
use gauntlet_adapters::kafka::{KafkaPublisher, KafkaSettings, ingress};
use gauntlet_contract::{Envelope, TaskId, TopicName};
use gauntlet_ports::testsuite::messaging::{
    MessagingBackend, Recorder, SETTLE_WITHIN, messaging_contract, task_event,
};
use gauntlet_ports::{Ack, Handler, Ingress, Publisher, Subscription, SubscriptionSet};
use libtest_mimic::Trial;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::producer::{FutureProducer, FutureRecord};
use rdkafka::{ClientConfig, Message, Offset, TopicPartitionList};
use tokio_util::sync::CancellationToken;

use crate::components::Components;
use crate::topics::fresh_topic;
use crate::trials::trials;

/// More than one, so that keys are spread; few, so that keys also share.
const PARTITIONS: i32 = 3;

pub(crate) fn trials(components: &Arc<Components>) -> Vec<Trial> {
    trials!(components, Components::kafka =>
        kafka_keeps_the_contract,
        order_and_events_survive_rebalances,
    )
}

pub(crate) struct Kafka {
    settings: KafkaSettings,
    topic: TopicName,
}

impl Kafka {
    pub(crate) async fn with_fresh_topic(brokers: &str) -> Self {
        let settings = KafkaSettings::new(brokers, "contract");
        let topic = fresh_topic();
        let admin: AdminClient<DefaultClientContext> = client(&settings).create().unwrap();
        let dead_letter = topic.dead_letter();
        let names = [topic.as_str(), dead_letter.as_str()];
        let topics = names.map(|name| NewTopic::new(name, PARTITIONS, TopicReplication::Fixed(1)));
        let created = admin
            .create_topics(&topics, &AdminOptions::new())
            .await
            .unwrap();
        for topic in created {
            topic.unwrap();
        }
        Self { settings, topic }
    }
}

fn client(settings: &KafkaSettings) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", &settings.brokers);
    config
}

#[async_trait]
impl MessagingBackend for Kafka {
    fn topic(&self) -> TopicName {
        self.topic.clone()
    }

    fn publisher(&self) -> Arc<dyn Publisher> {
        Arc::new(KafkaPublisher::new(&self.settings).unwrap())
    }

    fn ingress(&self, set: SubscriptionSet, stop: CancellationToken) -> Ingress {
        ingress(&self.settings, &set, &stop).unwrap()
    }

    async fn inject(&self, key: &str, bytes: &[u8]) {
        let mut config = client(&self.settings);
        // The same as the publisher's, so that foreign bytes share their key's partition.
        config.set("partitioner", "fnv1a_random");
        let producer: FutureProducer = config.create().unwrap();
        let record = FutureRecord::to(self.topic.as_str())
            .key(key)
            .payload(bytes);
        producer.send(record, SETTLE_WITHIN).await.unwrap();
    }

    async fn dead_letters(&self, count: usize) -> Vec<Vec<u8>> {
        let (config, topic) = (client(&self.settings), self.topic.dead_letter());
        tokio::task::spawn_blocking(move || read_all(config, &topic, count))
            .await
            .unwrap()
    }
}

/// Every value of a topic; waits until there are `count`.
fn read_all(mut config: ClientConfig, topic: &TopicName, count: usize) -> Vec<Vec<u8>> {
    config.set("group.id", "reader");
    let consumer: BaseConsumer = config.create().unwrap();
    let mut from_start = TopicPartitionList::new();
    for partition in 0..PARTITIONS {
        from_start
            .add_partition_offset(topic.as_str(), partition, Offset::Beginning)
            .unwrap();
    }
    consumer.assign(&from_start).unwrap();
    let end: i64 = {
        let deadline = std::time::Instant::now() + SETTLE_WITHIN;
        loop {
            let end = (0..PARTITIONS)
                .map(|partition| {
                    let (_low, high) = consumer
                        .fetch_watermarks(topic.as_str(), partition, SETTLE_WITHIN)
                        .unwrap();
                    high
                })
                .sum();
            if usize::try_from(end).unwrap() >= count {
                break end;
            }
            assert!(
                std::time::Instant::now() < deadline,
                "waited {SETTLE_WITHIN:?} for {count} dead letters; there are {end}"
            );
        }
    };
    (0..end)
        .map(|_| {
            let record = consumer.poll(SETTLE_WITHIN).expect("record").unwrap();
            record.payload().unwrap_or_default().to_vec()
        })
        .collect()
}

async fn kafka_keeps_the_contract(brokers: String) {
    messaging_contract(|| Kafka::with_fresh_topic(&brokers)).await;
}

/// Of one member that joins and one that leaves while events flow.
async fn order_and_events_survive_rebalances(brokers: String) {
    const VERSIONS: u64 = 30;
    let kafka = Kafka::with_fresh_topic(&brokers).await;
    let recorder = Arc::new(Recorder::accepting());
    let member = || {
        let stop = CancellationToken::new();
        let set = SubscriptionSet::default().with(Subscription {
            topic: kafka.topic.clone(),
            group: kafka.topic.to_string(),
            handler: recorder.clone() as Arc<dyn Handler>,
        });
        let ingress = kafka.ingress(set, stop.clone());
        (tokio::spawn(ingress.run), stop)
    };
    let tasks: Vec<TaskId> = (0..6).map(|_| TaskId::generate()).collect();
    let events: Vec<Envelope> = (1..=VERSIONS)
        .flat_map(|version| tasks.iter().map(move |task| task_event(*task, version)))
        .collect();
    let publisher = kafka.publisher();
    let (first, second, third) = (&events[..60], &events[60..120], &events[120..]);
    let publish = async |events: &[Envelope]| {
        let acks = publisher.publish(&kafka.topic, events).await;
        assert_eq!(acks, vec![Ack::Ok; events.len()]);
    };
    let all_of = async |events: &[Envelope]| {
        recorder
            .until("every event so far", |seen| {
                events.iter().all(|event| seen.times(event.id) > 0)
            })
            .await;
    };

    let (staying, stop_staying) = member();
    publish(first).await;
    all_of(first).await;
    let (leaving, stop_leaving) = member();
    publish(second).await;
    all_of(second).await;
    stop_leaving.cancel();
    publish(third).await;
    leaving.await.unwrap().unwrap();
    all_of(third).await;
    stop_staying.cancel();
    staying.await.unwrap().unwrap();

    for task in tasks {
        let mut versions: Vec<u64> = recorder
            .done()
            .iter()
            .filter(|event| event.subject == task.into())
            .map(|event| event.data.version().unwrap())
            .collect();
        // A rebalance may redeliver, never reorder first deliveries.
        let mut seen = std::collections::HashSet::new();
        versions.retain(|version| seen.insert(*version));
        assert_eq!(versions, (1..=VERSIONS).collect::<Vec<_>>());
    }
}
