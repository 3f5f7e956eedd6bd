//! The one place where adapters are constructed and ports are connected.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use gauntlet_adapters::dapr::{
    DaprIngressSettings, DaprPublisher, DaprSettings, DaprSidecar, ingress as dapr_ingress,
};
use gauntlet_adapters::kafka::{KafkaPublisher, KafkaSettings, ingress as kafka_ingress};
use gauntlet_adapters::postgres::{
    Database, DatabaseSettings, PostgresAuditLog, PostgresOutbox, PostgresTaskStore,
};
use gauntlet_adapters::redis::{RedisPublisher, RedisSettings, ingress as redis_ingress};
use gauntlet_contract::config::Role;
use gauntlet_contract::{Topic, TopicName};
use gauntlet_ports::{AuditLog, Ingress, Publisher, ReadySignal, Subscription, SubscriptionSet};
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::auth::Verifier;
use crate::config::{Bus, Config};
use crate::consumers::AuditHandler;
use crate::health::{Component, Health, Probe};
use crate::http::{Routes, router};
use crate::relay::{Relay, RelaySettings};
use crate::serve::{Background, Process};
use crate::tasks::TaskCommands;
use crate::telemetry::chain;

/// How long the sidecar may take over one event before its fate is unknown.
const SIDECAR_TIMEOUT: Duration = Duration::from_secs(10);

/// Connects to everything that the roles need and puts the process together. The schema is brought
/// up to date on the way.
pub async fn wire(config: &Config, metrics: PrometheusHandle) -> anyhow::Result<Process> {
    // Before anything is contacted: without keys no request could ever be served.
    let verifier = Arc::new(Verifier::from_file(&config.tokens)?);
    let database = connect(config).await?;
    let topic = TopicName::new(&config.topic_prefix, Topic::TaskEvents);
    let mut parts = Parts::new(database.clone());

    if config.roles.contains(&Role::Api) {
        parts.add_api(config, &topic).await?;
    }
    if config.roles.contains(&Role::Audit) {
        parts.add_audit(config, topic);
    }
    let consumes = !parts.subscriptions.is_empty();
    let ingress = ingress(config, &parts.subscriptions, &parts.stop_consuming)?;
    let run = ingress.run;
    // A sidecar asks for subscriptions even where there are none, hence the routes in any case.
    // Without a subscription there is nothing to run, and its end would look like a failure.
    if consumes {
        let probe = consuming(config, &parts.subscriptions, ingress.ready.clone())?;
        parts.probes.push(probe);
        parts.background.push(Background {
            name: "the consumer",
            run: Box::pin(async move { Ok(run.await?) }),
        });
    }
    if let Bus::Dapr { http_url, .. } = &config.bus {
        let sidecar = DaprSidecar::new(http_url)?;
        parts.probes.push(Probe::new(Component::Dapr, move || {
            let sidecar = sidecar.clone();
            async move {
                sidecar
                    .check_outbound()
                    .await
                    .map_err(|error| chain(&error))
            }
        }));
    }

    let health = Health::new(&config.service_name(), parts.probes);
    let router = router(Routes {
        verifier,
        tasks: parts.tasks,
        audit: parts.audit,
        ingress: ingress.router,
        health: health.clone(),
        metrics,
    });
    Ok(Process {
        router,
        health,
        background: parts.background,
        stop_consuming: parts.stop_consuming,
        stop_relaying: parts.stop_relaying,
    })
}

/// Ready once every source consumes. A sidecar that lived on while the app was started again delivers
/// without asking for subscriptions anew, so there its own word counts as well.
fn consuming(config: &Config, set: &SubscriptionSet, ready: ReadySignal) -> anyhow::Result<Probe> {
    let sidecar = match &config.bus {
        Bus::Dapr { http_url, .. } => Some(DaprSidecar::new(http_url)?),
        Bus::Kafka { .. } | Bus::Redis { .. } => None,
    };
    let topics: Arc<[TopicName]> = set.iter().map(|entry| entry.topic.clone()).collect();
    Ok(Probe::new(Component::Consuming, move || {
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
                    Ok(false) => return Err(format!("the sidecar does not deliver {topic} yet")),
                    Err(error) => return Err(chain(&error)),
                }
            }
            Ok(())
        }
    }))
}

/// What the roles contribute to the process.
struct Parts {
    database: Database,
    tasks: Option<TaskCommands>,
    audit: Option<Arc<dyn AuditLog>>,
    subscriptions: SubscriptionSet,
    probes: Vec<Probe>,
    background: Vec<Background>,
    stop_consuming: CancellationToken,
    stop_relaying: CancellationToken,
}

impl Parts {
    fn new(database: Database) -> Self {
        let pinged = database.clone();
        let ping = Probe::new(Component::Database, move || {
            let database = pinged.clone();
            async move { database.ping().await.map_err(|error| chain(&error)) }
        });
        Self {
            database,
            tasks: None,
            audit: None,
            subscriptions: SubscriptionSet::default(),
            probes: vec![ping],
            background: Vec::new(),
            stop_consuming: CancellationToken::new(),
            stop_relaying: CancellationToken::new(),
        }
    }

    /// Every replica may relay: the leases see to it that one does.
    async fn add_api(&mut self, config: &Config, topic: &TopicName) -> anyhow::Result<()> {
        let wake_relay = Arc::new(Notify::new());
        // The store's commit and the relay's wake meet here and nowhere else: a port that told of
        // its own commits would have to be trusted to do so, the relay's poll needs no trust.
        let store = PostgresTaskStore::new(self.database.clone(), topic.clone());
        self.tasks = Some(TaskCommands::new(Arc::new(store), Arc::clone(&wake_relay)));
        let relay = Relay::new(
            Arc::new(PostgresOutbox::new(self.database.clone())),
            publisher(config).await?,
            wake_relay,
            RelaySettings {
                retention: config.outbox_retention,
                ..RelaySettings::default()
            },
        );
        let status = relay.status();
        self.probes.push(Probe::new(Component::Publishing, move || {
            let answer = if status.is_failing() {
                Err("the last attempt to publish failed; the outbox keeps the events".to_owned())
            } else {
                Ok(())
            };
            std::future::ready(answer)
        }));
        let stop = self.stop_relaying.clone();
        self.background.push(Background {
            name: "the relay",
            run: Box::pin(async move {
                relay.run(stop).await;
                Ok(())
            }),
        });
        Ok(())
    }

    /// The group is the role's own, so that each role sees every event and the replicas of one
    /// share them.
    fn add_audit(&mut self, config: &Config, topic: TopicName) {
        let role = Role::Audit.as_str();
        let log: Arc<dyn AuditLog> = Arc::new(PostgresAuditLog::new(self.database.clone(), role));
        self.audit = Some(Arc::clone(&log));
        self.subscriptions = std::mem::take(&mut self.subscriptions).with(Subscription {
            topic,
            group: format!("{}{role}", config.topic_prefix),
            handler: Arc::new(AuditHandler::new(log)),
        });
    }
}

/// Every role migrates: whichever starts first does the work, and the others wait for its lock.
async fn connect(config: &Config) -> anyhow::Result<Database> {
    let url = config.database_url.reveal();
    let database = Database::connect(url, &DatabaseSettings::default())
        .await
        .context("failed to reach Postgres; is it up, and does DATABASE_URL name it?")?;
    database.migrate().await?;
    Ok(database)
}

/// Kafka and the sidecar may come up later; a Redis that is away now is a mistake of the set-up.
async fn publisher(config: &Config) -> anyhow::Result<Arc<dyn Publisher>> {
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
        Bus::Redis { url } => {
            let settings = redis_settings(config, url.reveal());
            let publisher = RedisPublisher::connect(&settings)
                .await
                .context("failed to reach Redis; is it up, and does REDIS_URL name it?")?;
            Arc::new(publisher)
        }
    })
}

/// With a sidecar it delivers to our routes; without, the process fetches.
fn ingress(
    config: &Config,
    set: &SubscriptionSet,
    stop: &CancellationToken,
) -> anyhow::Result<Ingress> {
    Ok(match &config.bus {
        Bus::Dapr { pubsub_name, .. } => {
            let settings = DaprIngressSettings {
                pubsub_name: pubsub_name.clone(),
            };
            dapr_ingress(&settings, set, stop)
        }
        Bus::Kafka { brokers } => kafka_ingress(&kafka_settings(config, brokers), set, stop)?,
        Bus::Redis { url } => redis_ingress(&redis_settings(config, url.reveal()), set, stop)?,
    })
}

fn kafka_settings(config: &Config, brokers: &str) -> KafkaSettings {
    KafkaSettings::new(brokers, config.service_name())
}

/// Replicas must not share a consumer name, and neither may a process and its successor.
fn redis_settings(config: &Config, url: &str) -> RedisSettings {
    let replica = format!("{}-{}", config.service_name(), Uuid::now_v7());
    RedisSettings::new(url, replica)
}
