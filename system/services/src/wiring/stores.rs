//! What roles keep their secrets and state in, and how they call each other.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use gauntlet_adapters::dapr::{
    DaprInvoker, DaprSecretSettings, DaprSecretStore, DaprSidecar, DaprStateSettings,
    DaprStateStore,
};
use gauntlet_adapters::files::{EnvSecrets, FolderSecrets, JsonSecrets};
use gauntlet_adapters::http::{HttpInvoker, HttpInvokerSettings};
use gauntlet_adapters::postgres::{Database, DatabaseSettings, PostgresStateStore};
use gauntlet_adapters::redis::{RedisStateSettings, RedisStateStore};
use gauntlet_contract::config::Role;
use gauntlet_ports::secrets::FallbackFor;
use gauntlet_ports::{
    Invoker, Persistent, PersistentSettings, PortErrorKind, SecretStore, Secrets, StateStore,
};
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::config::{Bus, Config, SecretSource, State};
use crate::health::Probe;
use crate::secrets::{Need, Resolved, probe, resolve};
use crate::telemetry::chain;

/// How long a state or secret store may take over an answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);
/// A sidecar and its app start at the same time, and the sidecar has its components to connect.
const SIDECAR_WITHIN: Duration = Duration::from_mins(1);
const ASK_EVERY: Duration = Duration::from_millis(50);
/// The stores' name for the environment.
const ENVIRONMENT: &str = "the environment";

/// The secrets that the roles need, and what asks later whether they are still to be had. Where the
/// sidecar keeps some, it is waited for.
pub(super) async fn secrets(
    config: &Config,
    environment: Vec<(String, String)>,
) -> anyhow::Result<(Resolved, Probe)> {
    let (mut secrets, mut names) = (Secrets::nowhere(), Vec::new());
    for source in &config.secret_stores {
        let name = store_name(source);
        secrets = secrets.then(&*name, secret_store(config, source).await?);
        names.push(name);
    }
    let environment: Arc<dyn SecretStore> = Arc::new(EnvSecrets::of(environment));
    // Not when a store is down: the variable may be an old one, and the store is the truth.
    let secrets = secrets.fallback(ENVIRONMENT, environment, FallbackFor::Absence);
    names.push(ENVIRONMENT.to_owned());
    let (roles, backends) = (&config.roles, &config.backends());
    let resolved = resolve(roles, backends, &secrets).await?;
    Ok((resolved, probe(&names.join(", "), roles, backends, secrets)))
}

fn store_name(source: &SecretSource) -> String {
    match source {
        SecretSource::Sidecar(store) => format!("dapr:{store}"),
        SecretSource::Folder(path) => format!("dir:{}", path.display()),
        SecretSource::Json(path) => format!("json:{}", path.display()),
    }
}

async fn secret_store(
    config: &Config,
    source: &SecretSource,
) -> anyhow::Result<Arc<dyn SecretStore>> {
    Ok(match source {
        SecretSource::Sidecar(store) => {
            let Bus::Dapr { http_url, .. } = &config.bus else {
                anyhow::bail!(
                    "failed to reach the secret store dapr:{store}: there is no sidecar without USE_DAPR=true"
                );
            };
            await_sidecar(http_url).await?;
            let settings = DaprSecretSettings {
                http_url: http_url.clone(),
                store: store.clone(),
                timeout: ANSWER_TIMEOUT,
            };
            Arc::new(DaprSecretStore::new(&settings)?)
        }
        SecretSource::Folder(path) => Arc::new(FolderSecrets::at(path)),
        SecretSource::Json(path) => Arc::new(JsonSecrets::at(path)),
    })
}

/// Waits until the sidecar has connected its components.
async fn await_sidecar(http_url: &str) -> anyhow::Result<()> {
    let sidecar = DaprSidecar::new(http_url)?;
    let deadline = Instant::now() + SIDECAR_WITHIN;
    let mut ticks = interval(ASK_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        match sidecar.check_outbound().await {
            Ok(()) => return Ok(()),
            Err(error) if Instant::now() >= deadline => {
                return Err(anyhow::Error::new(error).context(format!(
                    "failed to reach the sidecar at {http_url} within {SIDECAR_WITHIN:?}; is it up, \
                     and does DAPR_HTTP_URL name it?"
                )));
            }
            Err(error) => tracing::debug!(error = chain(&error), "the sidecar is not ready yet"),
        }
    }
}

/// Every role that has tables migrates: whichever starts first does the work, and the others wait for
/// its lock.
pub(super) async fn database(secrets: &Resolved) -> anyhow::Result<Database> {
    let url = secrets.get(Need::DatabaseUrl)?;
    let database = Database::connect(url.reveal(), &DatabaseSettings::default())
        .await
        .context("failed to reach Postgres; is it up, and does DATABASE_URL name it?")?;
    database.migrate().await?;
    Ok(database)
}

/// A state store, and the database that it stands on if it does.
pub(super) struct Kept {
    pub(super) name: String,
    pub(super) store: Arc<dyn StateStore>,
    pub(super) postgres: Option<(Database, PostgresStateStore)>,
}

/// Where a role keeps its state.
pub(super) async fn state(
    config: &Config,
    secrets: &Resolved,
    owner: Role,
) -> anyhow::Result<Kept> {
    let owner = owner.as_str();
    Ok(match (&config.state, &config.bus) {
        (State::Sidecar(store), Bus::Dapr { http_url, .. }) => {
            let settings = DaprStateSettings {
                http_url: http_url.clone(),
                store: store.clone(),
                timeout: ANSWER_TIMEOUT,
            };
            let state = DaprStateStore::new(&settings)?;
            match state.check_expectations().await {
                // A sidecar that is not there yet is one that the probes tell of.
                Err(error) if error.kind == PortErrorKind::Invalid => return Err(error.into()),
                _ => {}
            }
            Kept {
                name: store.clone(),
                store: Arc::new(state),
                postgres: None,
            }
        }
        (State::Sidecar(store), _) => {
            anyhow::bail!("failed to reach the state store {store}: there is no sidecar")
        }
        (State::Postgres, _) => {
            let database = database(secrets).await?;
            let state = PostgresStateStore::new(database.clone(), owner);
            Kept {
                name: "postgres".to_owned(),
                store: Arc::new(state.clone()),
                postgres: Some((database, state)),
            }
        }
        (State::Redis, _) => {
            let settings = RedisStateSettings {
                url: secrets.get(Need::RedisUrl)?.reveal().to_owned(),
                prefix: format!("{}state:{owner}:", config.topic_prefix),
                timeout: ANSWER_TIMEOUT,
            };
            let state = RedisStateStore::connect(&settings)
                .await
                .context("failed to reach Redis; is it up, and does REDIS_URL name it?")?;
            Kept {
                name: "redis".to_owned(),
                store: Arc::new(state),
                postgres: None,
            }
        }
    })
}

/// How other roles are called: through the sidecar by app id, else by their URLs.
pub(super) fn invoker(config: &Config) -> anyhow::Result<Arc<dyn Invoker>> {
    let settings = PersistentSettings::default();
    Ok(match &config.bus {
        Bus::Dapr { http_url, .. } => {
            Arc::new(Persistent::new(DaprInvoker::new(http_url)?, settings))
        }
        Bus::Kafka { .. } | Bus::Redis => {
            let api = (Role::Api.as_str().to_owned(), config.api_url.clone());
            let direct = HttpInvoker::new(&HttpInvokerSettings {
                apps: BTreeMap::from([api]),
                connect_timeout: None,
            })
            .context("failed to understand API_URL; write it like http://host:port")?;
            Arc::new(Persistent::new(direct, settings))
        }
    })
}
