//! The messaging contract through sidecars, on each broker that there is a component for.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::FutureExt as _;
use gauntlet_adapters::dapr::{DaprIngressSettings, DaprPublisher, DaprSettings, ingress};
use gauntlet_contract::{TaskId, TopicName};
use gauntlet_ports::testsuite::messaging::{
    Clause, MessagingBackend, Recorder, Waiver, messaging_contract, task_event,
};
use gauntlet_ports::{
    Ack, Handler, Ingress, Publisher, Secret, Settle, Subscription, SubscriptionSet,
};
use libtest_mimic::Trial;
use tokio_util::sync::CancellationToken;

use crate::components::Components;
use crate::kafka::Kafka;
use crate::redis::Redis;
use crate::sidecars::{AUDIT, Bus, PUBSUB, TOKEN};
use crate::trials::trials;

const TIMEOUT: Duration = Duration::from_secs(10);

const TRACE_CONTEXT: Waiver = Waiver {
    clause: Clause::TraceContext,
    why: "a sidecar writes the context of its own span into each event",
};
const ON_KAFKA: [Waiver; 2] = [
    TRACE_CONTEXT,
    Waiver {
        clause: Clause::RetryHoldsBackItsKeyAlone,
        why: "a sidecar tries again within its claim of the partition, and the keys of a partition wait",
    },
];
const ON_REDIS: [Waiver; 3] = [
    TRACE_CONTEXT,
    Waiver {
        clause: Clause::RetryHoldsBackItsKeyAlone,
        why: "the component's one worker tries again until the event is handled, and the stream waits",
    },
    Waiver {
        clause: Clause::OrderPerKey,
        why: "what a crash orphans comes back when it was idle for 10 s, and newer events do not wait",
    },
];

pub(crate) fn trials(components: &Arc<Components>) -> Vec<Trial> {
    let mut trials = trials!(components, Components::bus_on_kafka =>
        dapr_on_kafka_keeps_the_contract_but_for_what_is_waived,
        what_a_killed_sidecar_held_of_kafka_comes_before_anything_newer,
    );
    trials.extend(trials!(components, Components::bus_on_redis =>
        dapr_on_redis_keeps_the_contract_but_for_what_is_waived,
        what_a_killed_sidecar_held_of_redis_comes_again_but_later,
    ));
    trials
}

/// A broker that events go to and come from by way of sidecars.
struct ThroughSidecars<B> {
    /// The broker without them: the topic is its own, and so is what is done past the sidecars.
    direct: B,
    bus: Bus,
    waivers: &'static [Waiver],
}

impl ThroughSidecars<Kafka> {
    async fn with_fresh_topic(bus: &Bus) -> Self {
        Self {
            direct: Kafka::with_fresh_topic(&bus.address).await,
            bus: bus.clone(),
            waivers: &ON_KAFKA,
        }
    }
}

impl ThroughSidecars<Redis> {
    async fn with_fresh_topic(bus: &Bus) -> Self {
        Self {
            direct: Redis::with_fresh_topic(&bus.address).await,
            bus: bus.clone(),
            waivers: &ON_REDIS,
        }
    }
}

#[async_trait]
impl<B: MessagingBackend> MessagingBackend for ThroughSidecars<B> {
    fn topic(&self) -> TopicName {
        self.direct.topic()
    }

    fn publisher(&self) -> Arc<dyn Publisher> {
        let settings = DaprSettings {
            http_url: self.bus.publisher.clone(),
            pubsub_name: PUBSUB.to_owned(),
            timeout: TIMEOUT,
        };
        Arc::new(DaprPublisher::new(&settings).unwrap())
    }

    fn ingress(&self, set: SubscriptionSet, stop: CancellationToken) -> Ingress {
        let settings = DaprIngressSettings {
            pubsub_name: PUBSUB.to_owned(),
            token: Secret::new(TOKEN).unwrap(),
        };
        let groups: Vec<String> = set.iter().map(|entry| entry.group.clone()).collect();
        let [group] = <[String; 1]>::try_from(groups).expect("a sidecar is of one group");
        let Ingress { router, ready, run } = ingress(&settings, &set, &stop);
        let (router, bus) = (router.expect("routes"), self.bus.clone());
        Ingress {
            router: None,
            ready,
            run: async move { bus.consume(&group, router, run).await }.boxed(),
        }
    }

    async fn inject(&self, key: &str, bytes: &[u8]) {
        self.direct.inject(key, bytes).await;
    }

    async fn dead_letters(&self, count: usize) -> Vec<Vec<u8>> {
        self.direct.dead_letters(count).await
    }

    fn waivers(&self) -> &[Waiver] {
        self.waivers
    }
}

async fn dapr_on_kafka_keeps_the_contract_but_for_what_is_waived(bus: Bus) {
    let _turn = bus.turn().await;
    messaging_contract(|| ThroughSidecars::<Kafka>::with_fresh_topic(&bus)).await;
}

async fn dapr_on_redis_keeps_the_contract_but_for_what_is_waived(bus: Bus) {
    let _turn = bus.turn().await;
    messaging_contract(|| ThroughSidecars::<Redis>::with_fresh_topic(&bus)).await;
}

async fn what_a_killed_sidecar_held_of_kafka_comes_before_anything_newer(bus: Bus) {
    let _turn = bus.turn().await;
    let backend = ThroughSidecars::<Kafka>::with_fresh_topic(&bus).await;
    assert_eq!(versions_past_a_killed_sidecar(&backend).await, [1, 2, 3]);
}

/// Why order is waived; decision 0018 is what the system does about it.
async fn what_a_killed_sidecar_held_of_redis_comes_again_but_later(bus: Bus) {
    let _turn = bus.turn().await;
    let backend = ThroughSidecars::<Redis>::with_fresh_topic(&bus).await;
    assert_eq!(versions_past_a_killed_sidecar(&backend).await, [2, 3, 1]);
}

/// Kills a sidecar with the first of a task's three events under way, and answers in which order a
/// successor brings all three.
async fn versions_past_a_killed_sidecar<B: MessagingBackend>(
    backend: &ThroughSidecars<B>,
) -> Vec<u64> {
    let topic = backend.topic();
    let group = format!("{topic}.{AUDIT}");
    let consume = |handler: Arc<Recorder>, stop: &CancellationToken| {
        let set = SubscriptionSet::default().with(Subscription {
            topic: topic.clone(),
            group: group.clone(),
            handler: handler as Arc<dyn Handler>,
        });
        tokio::spawn(backend.ingress(set, stop.clone()).run)
    };
    let publisher = backend.publisher();
    let publish = async |event| {
        let acks = publisher.publish(&topic, &[event]).await;
        assert_eq!(acks, [Ack::Ok]);
    };
    let task = TaskId::generate();
    let [first, second, third] = [1, 2, 3].map(|version| task_event(task, version));

    let undecided = Arc::new(Recorder::answering(|_, _| Settle::Retry));
    let crashing = consume(Arc::clone(&undecided), &CancellationToken::new());
    let id = first.id;
    publish(first).await;
    let is_held = |seen: &Recorder| seen.times(id) > 0;
    undecided.until("the first event", is_held).await;
    backend.bus.kill(&group).await;
    crashing.abort();
    publish(second).await;
    publish(third).await;

    let recorder = Arc::new(Recorder::accepting());
    let stop = CancellationToken::new();
    let running = consume(Arc::clone(&recorder), &stop);
    let is_all = |seen: &Recorder| seen.done().len() >= 3;
    recorder.until("all three events", is_all).await;
    stop.cancel();
    running.await.unwrap().unwrap();
    let done = recorder.done();
    done.iter()
        .filter_map(|event| event.data.version())
        .collect()
}
