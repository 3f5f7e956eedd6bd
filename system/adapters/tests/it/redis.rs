use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use gauntlet_adapters::redis::{RedisPublisher, RedisSettings, ingress};
use gauntlet_contract::{TaskId, TopicName};
use gauntlet_ports::testsuite::messaging::{
    MessagingBackend, Recorder, SETTLE_WITHIN, messaging_contract, task_event,
};
use gauntlet_ports::{
    Ack, Delivery, Handler, Ingress, Publisher, Settle, Subscription, SubscriptionSet,
};
use libtest_mimic::Trial;
use redis::aio::MultiplexedConnection;
use redis::streams::{StreamReadOptions, StreamReadReply};
use redis::{AsyncCommands, AsyncConnectionConfig, Client};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::components::Components;
use crate::topics::fresh_topic;
use crate::trials::trials;

pub(crate) fn trials(components: &Arc<Components>) -> Vec<Trial> {
    trials!(components, Components::redis =>
        redis_keeps_the_contract,
        what_a_crashed_replica_held_is_settled_before_anything_newer,
    )
}

pub(crate) struct Redis {
    settings: RedisSettings,
    publisher: RedisPublisher,
    topic: TopicName,
}

impl Redis {
    pub(crate) async fn with_fresh_topic(url: &str) -> Self {
        let consumer = format!("it-{}", Uuid::now_v7());
        let mut settings = RedisSettings::new(url, consumer);
        settings.claim_idle = Duration::from_secs(1);
        Self {
            publisher: RedisPublisher::connect(&settings).await.unwrap(),
            settings,
            topic: fresh_topic(),
        }
    }

    async fn connection(&self) -> MultiplexedConnection {
        let client = Client::open(self.settings.url.as_str()).unwrap();
        let config = AsyncConnectionConfig::new().set_response_timeout(Some(SETTLE_WITHIN));
        client
            .get_multiplexed_async_connection_with_config(&config)
            .await
            .unwrap()
    }
}

#[async_trait]
impl MessagingBackend for Redis {
    fn topic(&self) -> TopicName {
        self.topic.clone()
    }

    fn publisher(&self) -> Arc<dyn Publisher> {
        Arc::new(self.publisher.clone())
    }

    fn ingress(&self, set: SubscriptionSet, stop: CancellationToken) -> Ingress {
        ingress(&self.settings, &set, &stop).unwrap()
    }

    async fn inject(&self, key: &str, bytes: &[u8]) {
        let fields: [(&str, &[u8]); 2] = [("data", bytes), ("partitionkey", key.as_bytes())];
        let _id: String = self
            .connection()
            .await
            .xadd(self.topic.as_str(), "*", &fields)
            .await
            .unwrap();
    }

    async fn dead_letters(&self, count: usize) -> Vec<Vec<u8>> {
        let mut connection = self.connection().await;
        let topic = self.topic.dead_letter();
        let (mut values, mut last) = (Vec::new(), "0-0".to_owned());
        let wait = usize::try_from(SETTLE_WITHIN.as_millis() / 2).unwrap();
        let options = StreamReadOptions::default().block(wait);
        while values.len() < count {
            let reply: Option<StreamReadReply> = connection
                .xread_options(&[topic.as_str()], &[&last], &options)
                .await
                .unwrap();
            let entries = reply.expect("a dead letter").keys.remove(0).ids;
            last.clone_from(&entries.last().expect("an entry").id);
            values.extend(entries.iter().map(|e| e.get::<Vec<u8>>("data").unwrap()));
        }
        values
    }
}

async fn redis_keeps_the_contract(url: String) {
    messaging_contract(|| Redis::with_fresh_topic(&url)).await;
}

/// Takes deliveries on and never settles them.
struct Hanging {
    taken: Semaphore,
}

#[async_trait]
impl Handler for Hanging {
    async fn handle(&self, batch: &[Delivery]) -> Vec<Settle> {
        self.taken.add_permits(batch.len());
        std::future::pending().await
    }
}

async fn what_a_crashed_replica_held_is_settled_before_anything_newer(url: String) {
    let redis = Redis::with_fresh_topic(&url).await;
    let set = |handler: Arc<dyn Handler>| {
        SubscriptionSet::default().with(Subscription {
            topic: redis.topic.clone(),
            group: "audit".to_owned(),
            handler,
        })
    };
    let task = TaskId::generate();
    let events: Vec<_> = (1..=4).map(|version| task_event(task, version)).collect();
    let publish = async |event| {
        let acks = redis.publisher.publish(&redis.topic, &[event]).await;
        assert_eq!(acks, [Ack::Ok]);
    };

    let hanging = Arc::new(Hanging {
        taken: Semaphore::new(0),
    });
    let crashing = redis.ingress(set(hanging.clone()), CancellationToken::new());
    let crashing = tokio::spawn(crashing.run);
    publish(events[0].clone()).await;
    drop(hanging.taken.acquire().await.unwrap());
    // Dropped at an await, as a killed process stops: no acknowledgement, no farewell.
    crashing.abort();
    assert!(crashing.await.unwrap_err().is_cancelled());
    for event in &events[1..] {
        publish(event.clone()).await;
    }

    let recorder = Arc::new(Recorder::accepting());
    let stop = CancellationToken::new();
    let mut settings = redis.settings.clone();
    settings.consumer.push_str("-successor");
    let successor = ingress(&settings, &set(recorder.clone()), &stop).unwrap();
    let running = tokio::spawn(successor.run);
    recorder
        .until("every version", |seen| seen.done().len() >= events.len())
        .await;
    assert_eq!(recorder.done(), events);
    stop.cancel();
    running.await.unwrap().unwrap();
}
