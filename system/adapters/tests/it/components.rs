//! Kafka, Redis, Postgres and sidecars under the harness's supervision.
//!
//! Each starts when the first trial asks for it. `--list` thus starts nothing, and a filter no more than
//! its tests need. These are components and no stack: nothing here is judged.

use std::error::Error;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::future::join_all;
use gauntlet_harness::component::kafka::Kafka;
use gauntlet_harness::component::postgres::Postgres;
use gauntlet_harness::component::redis::Redis;
use gauntlet_harness::component::{Runnable, Site};
use gauntlet_harness::error::StackError;
use gauntlet_harness::provider::process::{Launcher, ProcessProvider};
use gauntlet_harness::provider::{
    Instance, PortSlot, Provider, RunContext, ServiceSpec, StateDir, sweep,
};
use gauntlet_harness::store::{Artifact, ComponentId, Store};
use libtest_mimic::Failed;
use tokio::runtime::Runtime;
use tokio::sync::OnceCell;
use uuid::Uuid;

use crate::progress::Lines;
use crate::sidecars::{Broker, Bulk, Bus, Deliveries, Doomed, Sidecars};

/// Postgres ends its sessions at once, Kafka takes a second or two.
const GRACE: Duration = Duration::from_secs(10);

/// Folders of evidence begin so; an id that follows orders them by time.
const EVIDENCE: &str = "adapters-";
/// Runs whose evidence stays: the last few, so that none that still goes on loses its logs.
const KEPT: usize = 4;

type BoxError = Box<dyn Error + Send + Sync>;
/// What is started once, or why it could not be: a second try would only fail more slowly.
type Once<T> = OnceCell<Result<T, String>>;

pub(crate) struct Components {
    ground: Once<Arc<Ground>>,
    kafka: Once<Kafka>,
    redis: Once<Redis>,
    postgres: Once<Postgres>,
    sidecars: Once<Sidecars>,
    deliveries: Once<Deliveries>,
    doomed: Once<Doomed>,
    bulk: Once<Bulk>,
    bus_on_kafka: Once<Bus>,
    bus_on_redis: Once<Bus>,
    /// Not that of a trial: children are watched from their start to the end of the last trial.
    runtime: Runtime,
}

impl Components {
    pub(crate) fn none_yet() -> Result<Self, String> {
        let runtime = Runtime::new().map_err(|error| format!("failed to start a runtime: {error}"));
        Ok(Self {
            ground: OnceCell::new(),
            kafka: OnceCell::new(),
            redis: OnceCell::new(),
            postgres: OnceCell::new(),
            sidecars: OnceCell::new(),
            deliveries: OnceCell::new(),
            doomed: OnceCell::new(),
            bulk: OnceCell::new(),
            bus_on_kafka: OnceCell::new(),
            bus_on_redis: OnceCell::new(),
            runtime: runtime?,
        })
    }

    /// The bootstrap address, `host:port`.
    pub(crate) fn kafka(&self) -> Result<String, Failed> {
        Ok(self.kafka_server()?.brokers())
    }

    fn kafka_server(&self) -> Result<Kafka, Failed> {
        self.started(&self.kafka, async |ground| {
            let artifact = ground.obtain(ComponentId::Kafka).await?;
            let java = ground.store.java()?;
            let kafka = Kafka::plan(&Runnable::of_artifact(&artifact), &java, &ground.site).await?;
            ground.bring_up(kafka.spec()).await?;
            Ok(kafka)
        })
    }

    /// The server's URL, `redis://host:port`.
    pub(crate) fn redis(&self) -> Result<String, Failed> {
        Ok(self.redis_server()?.url())
    }

    fn redis_server(&self) -> Result<Redis, Failed> {
        self.started(&self.redis, async |ground| {
            let artifact = ground.obtain(ComponentId::Redis).await?;
            let redis = Redis::plan(&Runnable::of_artifact(&artifact), &ground.site)?;
            ground.bring_up(redis.spec()).await?;
            Ok(redis)
        })
    }

    /// Sidecars whose components are on Postgres and Redis.
    pub(crate) fn sidecars(&self) -> Result<Sidecars, Failed> {
        let (postgres, redis) = (self.postgres()?, self.redis_server()?);
        self.started(&self.sidecars, async |ground| {
            Sidecars::start(ground, &postgres, &redis).await
        })
    }

    /// A sidecar that delivers events.
    pub(crate) fn deliveries(&self) -> Result<Deliveries, Failed> {
        let redis = self.redis_server()?;
        self.started(&self.deliveries, async |ground| {
            Deliveries::start(ground, &redis).await
        })
    }

    /// A sidecar whose app dies of the first call. For one trial.
    pub(crate) fn doomed(&self) -> Result<Doomed, Failed> {
        let redis = self.redis_server()?;
        self.started(&self.doomed, async |ground| {
            Doomed::start(ground, &redis).await
        })
    }

    /// A sidecar that delivers several events at once. For one trial.
    pub(crate) fn bulk(&self) -> Result<Bulk, Failed> {
        let redis = self.redis_server()?;
        self.started(&self.bulk, async |ground| Bulk::start(ground, &redis).await)
    }

    /// Sidecars whose topics are on Kafka.
    pub(crate) fn bus_on_kafka(&self) -> Result<Bus, Failed> {
        let kafka = self.kafka_server()?;
        let broker = Broker {
            folder: "kafka",
            variable: "KAFKA_BROKERS",
            peers: kafka.peers().to_owned(),
            address: kafka.brokers(),
        };
        self.started(&self.bus_on_kafka, async |ground| {
            Bus::start(ground, broker).await
        })
    }

    /// Sidecars whose topics are on Redis.
    pub(crate) fn bus_on_redis(&self) -> Result<Bus, Failed> {
        let redis = self.redis_server()?;
        let broker = Broker {
            folder: "redis",
            variable: "REDIS_HOST",
            peers: redis.peers().to_owned(),
            address: redis.url(),
        };
        self.started(&self.bus_on_redis, async |ground| {
            Bus::start(ground, broker).await
        })
    }

    /// The server, whose superuser the tests are.
    pub(crate) fn postgres(&self) -> Result<Postgres, Failed> {
        self.started(&self.postgres, async |ground| {
            let artifact = ground.obtain(ComponentId::Postgres).await?;
            let postgres = Postgres::plan(&Runnable::of_artifact(&artifact), &ground.site).await?;
            ground.bring_up(postgres.spec()).await?;
            Ok(postgres)
        })
    }

    /// Starts what is not started; trials that ask at the same time wait for the one start.
    fn started<T: Clone>(
        &self,
        once: &Once<T>,
        start: impl AsyncFnOnce(&Arc<Ground>) -> Result<T, BoxError>,
    ) -> Result<T, Failed> {
        let starting = once.get_or_init(async || {
            let opening = self
                .ground
                .get_or_init(async || told(Ground::open().await.map(Arc::new)));
            let ground = opening.await.as_ref().map_err(String::clone)?;
            told(start(ground).await)
        });
        Ok(self.runtime.block_on(starting).clone()?)
    }

    /// Ends whatever was started. Fails where something does not end, or had ended by itself.
    pub(crate) fn stop(&self) -> Result<(), String> {
        let Some(Ok(ground)) = self.ground.get() else {
            return Ok(());
        };
        told(self.runtime.block_on(ground.stop()))
    }
}

fn told<T>(outcome: Result<T, BoxError>) -> Result<T, String> {
    outcome.map_err(|error| format!("failed to {error}"))
}

/// Removes what earlier runs left in `folder`, but for the last of them.
fn remove_old(folder: &Path) -> io::Result<()> {
    let Ok(entries) = fs::read_dir(folder) else {
        // Nothing was ever left.
        return Ok(());
    };
    let is_ours = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str());
        name.is_some_and(|name| name.starts_with(EVIDENCE))
    };
    let paths = entries.flatten().map(|entry| entry.path());
    let mut old: Vec<PathBuf> = paths.filter(is_ours).collect();
    old.sort();
    let surplus = old.len().saturating_sub(KEPT);
    for path in &old[..surplus] {
        match fs::remove_dir_all(path) {
            // Another run was faster.
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            removed => removed?,
        }
    }
    Ok(())
}

/// Where components stand, opened with the first of them.
pub(crate) struct Ground {
    store: Arc<Store>,
    pub(crate) site: Site,
    provider: ProcessProvider,
    running: Mutex<Vec<Arc<dyn Instance>>>,
}

impl Ground {
    async fn open() -> Result<Self, BoxError> {
        let state = StateDir::from_environment(|name| std::env::var_os(name))?;
        // A test binary that was killed could not remove its files.
        sweep(&state).await?;
        let run_id = format!("{EVIDENCE}{}", Uuid::now_v7().simple());
        // The components' logs stay for a look afterwards.
        let evidence = Path::new(env!("CARGO_TARGET_TMPDIR"));
        remove_old(evidence)?;
        let evidence = evidence.join(&run_id);
        let provider = ProcessProvider::new(Launcher {
            shim: std::env::current_exe()?,
        });
        Ok(Self {
            store: Arc::new(Store::from_env()?),
            site: Site {
                run: Arc::new(RunContext::open(&state, &run_id, &evidence)?),
                ports: Arc::new(PortSlot::acquire()?),
                provider: Arc::new(provider.clone()),
                templates: state.templates(),
            },
            provider,
            running: Mutex::default(),
        })
    }

    /// Blocks a thread for minutes where a component has to be fetched.
    pub(crate) async fn obtain(&self, id: ComponentId) -> Result<Artifact, BoxError> {
        let store = Arc::clone(&self.store);
        Ok(tokio::task::spawn_blocking(move || store.obtain(id, &Lines)).await??)
    }

    pub(crate) async fn bring_up(
        &self,
        spec: &ServiceSpec,
    ) -> Result<Arc<dyn Instance>, StackError> {
        let service = self.provider.start(spec.clone(), &self.site.run).await?;
        // Before it is ready: if it never is, it has to be stopped too.
        self.running().push(Arc::clone(&service));
        service.ready(service.ready_within()).await?;
        Ok(service)
    }

    /// Ends one that is not needed until the last trial.
    pub(crate) async fn take_down(&self, service: &Arc<dyn Instance>) -> Result<(), StackError> {
        self.running().retain(|other| !Arc::ptr_eq(other, service));
        service.stop(GRACE).await.map(drop)
    }

    fn running(&self) -> MutexGuard<'_, Vec<Arc<dyn Instance>>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn stop(&self) -> Result<(), BoxError> {
        let services = std::mem::take(&mut *self.running());
        let stops = services.iter().map(|service| service.stop(GRACE));
        let stopped: Result<Vec<_>, _> = join_all(stops).await.into_iter().collect();
        self.site.run.close()?;
        stopped?;
        match self.site.run.unexpected_exits().first() {
            Some(exit) => {
                let (service, how) = (&exit.service, exit.exit);
                Err(format!("keep {service} running to the end: it ended with {how}").into())
            }
            None => Ok(()),
        }
    }
}
