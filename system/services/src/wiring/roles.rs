//! What each role brings into a process.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use axum::body::Bytes;
use axum::http::Method;
use gauntlet_adapters::postgres::{Database, PostgresAuditLog, PostgresOutbox, PostgresStore};
use gauntlet_contract::config::Role;
use gauntlet_contract::{Topic, TopicName};
use gauntlet_ports::invocation::{CallContext, Target};
use gauntlet_ports::state::Key;
use gauntlet_ports::{
    AnswerStore, AuditLog, Handler, Invoker, OutboxQueue, StateStore, Subscription,
};
use tokio::sync::Notify;

use super::bus::{bus_name, publisher};
use super::parts::Parts;
use super::stores;
use crate::commands::Commands;
use crate::config::Config;
use crate::consumers::{AuditHandler, Gatekeeper, traced};
use crate::health::{Component, Probe};
use crate::recurring::{RecurringHandler, SchedulePass, ScheduleSettings, SeriesApi};
use crate::relay::{Relay, RelaySettings};
use crate::secrets::{Need, Resolved};
use crate::serve::Background;
use crate::telemetry::chain;
use crate::upkeep::{Chore, Upkeep};

/// How long an answer is kept under its idempotency key: whoever has not asked again by then has
/// given up.
const ANSWERS_KEPT: Duration = Duration::from_hours(24);
/// Trail lines published in one call. Each has its number in the trail, so that their order among each
/// other needs no broker; of one entity never two are under way.
const AUDIT_BATCH_MAX: usize = 100;
/// The trail's copy is in no hurry, and must not take the machine from what is.
const AUDIT_IN_FLIGHT_MAX: usize = 2;
/// The longer it waits the more lines go in one call, which is what makes a copy of everything cheap.
const AUDIT_POLL_EVERY: Duration = Duration::from_secs(1);
/// What a probe asks another role; it must answer well before the probe itself is given up.
const LIVE_WITHIN: Duration = Duration::from_secs(1);

impl Parts {
    /// Every replica may relay: the leases see to it that one does.
    pub(super) async fn add_api(
        &mut self,
        config: &Config,
        secrets: &Resolved,
        database: &Database,
    ) -> anyhow::Result<()> {
        let wake_relay = Arc::new(Notify::new());
        // The store's commit and the relay's wake meet here and nowhere else: a port that told of
        // its own commits would have to be trusted to do so, the relay's poll needs no trust.
        let store = PostgresStore::new(database.clone(), config.topic_prefix.clone());
        self.commands = Some(Commands::new(
            Arc::new(store.clone()),
            Arc::clone(&wake_relay),
        ));
        self.service_token = Some(secrets.get(Need::ServiceToken)?.clone());
        let outbox = PostgresOutbox::new(database.clone());
        let settings = RelaySettings {
            retention: config.outbox_retention,
            ..RelaySettings::default()
        };
        self.add_relay(config, secrets, Arc::new(outbox), wake_relay, settings)
            .await?;
        self.add_chore("answers", move |limit| {
            let store = store.clone();
            async move { store.purge_answers(ANSWERS_KEPT, limit).await }
        });
        Ok(())
    }

    /// The trail has an outbox of its own: a table has one owner.
    pub(super) async fn add_audit(
        &mut self,
        config: &Config,
        secrets: &Resolved,
        database: &Database,
    ) -> anyhow::Result<()> {
        let role = Role::Audit;
        let copies = TopicName::new(&config.topic_prefix, Topic::AuditLogs);
        let log: Arc<dyn AuditLog> = Arc::new(PostgresAuditLog::new(
            database.clone(),
            role.as_str(),
            copies,
        ));
        self.audit = Some(Arc::clone(&log));
        let (gatekeeper, stop) = (
            Gatekeeper::new(Arc::clone(&log)),
            self.stop_consuming.clone(),
        );
        self.background.push(Background {
            name: "the gate of the trail",
            run: Box::pin(async move {
                gatekeeper.run(stop).await;
                Ok(())
            }),
        });
        self.subscribe(
            config,
            role,
            Topic::TaskEvents,
            Arc::new(AuditHandler::new(log)),
        );
        let outbox = PostgresOutbox::of_audit(database.clone());
        let settings = RelaySettings {
            retention: config.outbox_retention,
            outbox: "audit",
            poll_every: AUDIT_POLL_EVERY,
            batch_max: AUDIT_BATCH_MAX,
            in_flight_max: AUDIT_IN_FLIGHT_MAX,
            ..RelaySettings::default()
        };
        // Nobody wakes it: what its poll finds is worth a call, and nothing waits for it.
        let wake = Arc::new(Notify::new());
        self.add_relay(config, secrets, Arc::new(outbox), wake, settings)
            .await
    }

    pub(super) async fn add_recurring(
        &mut self,
        config: &Config,
        secrets: &Resolved,
    ) -> anyhow::Result<()> {
        let role = Role::Recurring;
        let kept = stores::state(config, secrets, role).await?;
        if let Some((database, state)) = kept.postgres {
            self.watch_database(&database);
            self.add_chore("state", move |limit| {
                let state = state.clone();
                async move { state.purge_expired(limit).await }
            });
        }
        let invoker = stores::invoker(config)?;
        self.watch_state(&kept.name, &kept.store)?;
        self.watch_api(&invoker)?;
        let api = SeriesApi::new(
            invoker,
            Role::Api.as_str(),
            secrets.get(Need::ServiceToken)?.clone(),
            SeriesApi::DEADLINE,
        );
        let handler = RecurringHandler::new(Arc::clone(&kept.store), api.clone());
        self.subscribe(config, role, Topic::TaskRecurrence, Arc::new(handler));
        let pass = SchedulePass::new(api, kept.store, ScheduleSettings::default())?;
        let status = pass.status();
        self.probes
            .push(Probe::new(Component::Schedule, "schedule", move || {
                std::future::ready(status.check())
            }));
        // It calls others and so ends with the consumers, before what they depend on.
        let stop = self.stop_consuming.clone();
        self.background.push(Background {
            name: "the schedule",
            run: Box::pin(async move {
                pass.run(stop).await;
                Ok(())
            }),
        });
        Ok(())
    }

    /// The group is the role's own, so that each role sees every event and the replicas of one
    /// share them.
    fn subscribe(&mut self, config: &Config, role: Role, topic: Topic, handler: Arc<dyn Handler>) {
        let topic = TopicName::new(&config.topic_prefix, topic);
        let group = format!("{}{}", config.topic_prefix, role.as_str());
        self.subscriptions = std::mem::take(&mut self.subscriptions).with(Subscription {
            handler: traced(handler, &topic, &group),
            topic,
            group,
        });
    }

    async fn add_relay(
        &mut self,
        config: &Config,
        secrets: &Resolved,
        queue: Arc<dyn OutboxQueue>,
        wake: Arc<Notify>,
        settings: RelaySettings,
    ) -> anyhow::Result<()> {
        let publisher = publisher(config, secrets).await?;
        let relay = Relay::new(queue, publisher, wake, settings);
        let status = relay.status();
        let probe = Probe::new(Component::Publishing, bus_name(config), move || {
            let answer = if status.is_failing() {
                Err("the last attempt to publish failed; the outbox keeps the events".to_owned())
            } else {
                Ok(())
            };
            std::future::ready(answer)
        });
        self.probes.push(probe);
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

    fn watch_state(&mut self, name: &str, store: &Arc<dyn StateStore>) -> anyhow::Result<()> {
        // Nobody writes it: that it is absent is an answer.
        let key = Key::new("health").context("failed to name the entry that health asks for")?;
        let store = Arc::clone(store);
        self.probes
            .push(Probe::new(Component::State, name, move || {
                let (store, key) = (Arc::clone(&store), key.clone());
                async move {
                    let answer = store.get(&key).await;
                    answer.map(drop).map_err(|error| chain(&error))
                }
            }));
        Ok(())
    }

    fn watch_api(&mut self, invoker: &Arc<dyn Invoker>) -> anyhow::Result<()> {
        let api = Role::Api.as_str();
        let live = Target::app(api, Method::GET, "/health/live")
            .context("failed to name the endpoint that health asks")?;
        let invoker = Arc::clone(invoker);
        self.probes
            .push(Probe::new(Component::Invocation, api, move || {
                let (invoker, live) = (Arc::clone(&invoker), live.clone());
                async move {
                    let context = CallContext::within(LIVE_WITHIN);
                    match invoker.invoke(&live, Bytes::new(), &context).await {
                        Ok(answer) if answer.status.is_success() => Ok(()),
                        Ok(answer) => Err(format!("{api} answers {}", answer.status)),
                        Err(error) => Err(chain(&error)),
                    }
                }
            }));
        Ok(())
    }

    fn add_chore<F>(&mut self, name: &'static str, purge: impl Fn(u32) -> F + Send + Sync + 'static)
    where
        F: Future<Output = Result<u64, gauntlet_ports::PortError>> + Send + 'static,
    {
        let upkeep = Upkeep::new(Chore::new(name, purge));
        let stop = self.stop_relaying.clone();
        self.background.push(Background {
            name: "the upkeep",
            run: Box::pin(async move {
                upkeep.run(stop).await;
                Ok(())
            }),
        });
    }
}
