//! How events travel.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use gauntlet_adapters::dapr::{
    DaprIngressSettings, DaprPublisher, DaprSettings, DaprSidecar, Refusals, ingress_telling,
};
use gauntlet_adapters::kafka::{KafkaPublisher, KafkaSettings, ingress as kafka_ingress};
use gauntlet_adapters::redis::{RedisPublisher, RedisSettings, ingress as redis_ingress};
use gauntlet_contract::TopicName;
use gauntlet_ports::{Ingress, Publisher, ReadySignal, SubscriptionSet};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::config::{Bus, Config};
use crate::health::{Component, Probe};
use crate::secrets::{Need, Resolved};
use crate::telemetry::chain;

/// How long the sidecar may take over one event before its fate is unknown.
const SIDECAR_TIMEOUT: Duration = Duration::from_secs(10);

/// What an operator knows the bus by.
pub(super) fn bus_name(config: &Config) -> &str {
    match &config.bus {
        Bus::Dapr { pubsub_name, .. } => pubsub_name,
        Bus::Kafka { .. } => "kafka",
        Bus::Redis => "redis",
    }
}

/// Ready once every source consumes. A sidecar that lived on while the app was started again delivers
/// without asking for subscriptions anew, so there its own word counts as well.
pub(super) fn consuming(
    config: &Config,
    set: &SubscriptionSet,
    ready: ReadySignal,
) -> anyhow::Result<Probe> {
    let sidecar = match &config.bus {
        Bus::Dapr { http_url, .. } => Some(DaprSidecar::new(http_url)?),
        Bus::Kafka { .. } | Bus::Redis => None,
    };
    let topics: Arc<[TopicName]> = set.iter().map(|entry| entry.topic.clone()).collect();
    Ok(Probe::new(
        Component::Consuming,
        bus_name(config),
        move || {
            let (ready, sidecar, topics) = (ready.clone(), sidecar.clone(), Arc::clone(&topics));
            async move {
                if ready.is_ready() {
                    return Ok(());
                }
                let Some(sidecar) = sidecar else {
                    return Err("nothing is assigned yet".to_owned());
                };
                for topic in topics.iter() {
                    match sidecar.delivers(topic).await {
                        Ok(true) => {}
                        Ok(false) => {
                            return Err(format!("the sidecar does not deliver {topic} yet"));
                        }
                        Err(error) => return Err(chain(&error)),
                    }
                }
                Ok(())
            }
        },
    ))
}

/// Kafka and the sidecar may come up later; a Redis that is away now is a mistake of the set-up.
pub(super) async fn publisher(
    config: &Config,
    secrets: &Resolved,
) -> anyhow::Result<Arc<dyn Publisher>> {
    Ok(match &config.bus {
        Bus::Dapr {
            http_url,
            pubsub_name,
        } => Arc::new(DaprPublisher::new(&DaprSettings {
            http_url: http_url.clone(),
            pubsub_name: pubsub_name.clone(),
            timeout: SIDECAR_TIMEOUT,
        })?),
        Bus::Kafka { brokers } => Arc::new(KafkaPublisher::new(&kafka_settings(config, brokers))?),
        Bus::Redis => {
            let settings = redis_settings(config, secrets)?;
            let publisher = RedisPublisher::connect(&settings)
                .await
                .context("failed to reach Redis; is it up, and does REDIS_URL name it?")?;
            Arc::new(publisher)
        }
    })
}

/// With a sidecar it delivers to our routes, and a probe tells of what is refused there; without, the process
/// fetches.
pub(super) fn ingress(
    config: &Config,
    secrets: &Resolved,
    set: &SubscriptionSet,
    stop: &CancellationToken,
) -> anyhow::Result<(Ingress, Option<Probe>)> {
    let ingress = match &config.bus {
        Bus::Dapr { pubsub_name, .. } => {
            let settings = DaprIngressSettings {
                pubsub_name: pubsub_name.clone(),
                token: secrets.get(Need::AppApiToken)?.clone(),
            };
            let refusals = Refusals::default();
            let ingress = ingress_telling(&refusals, &settings, set, stop);
            let probe = Probe::new(Component::Deliveries, pubsub_name, move || {
                std::future::ready(refusals.check())
            });
            return Ok((ingress, Some(probe)));
        }
        Bus::Kafka { brokers } => kafka_ingress(&kafka_settings(config, brokers), set, stop)?,
        Bus::Redis => redis_ingress(&redis_settings(config, secrets)?, set, stop)?,
    };
    Ok((ingress, None))
}

fn kafka_settings(config: &Config, brokers: &str) -> KafkaSettings {
    KafkaSettings::new(brokers, config.service_name())
}

/// Replicas must not share a consumer name, and neither may a process and its successor.
fn redis_settings(config: &Config, secrets: &Resolved) -> anyhow::Result<RedisSettings> {
    let replica = format!("{}-{}", config.service_name(), Uuid::now_v7());
    let url = secrets.get(Need::RedisUrl)?;
    Ok(RedisSettings::new(url.reveal(), replica))
}
