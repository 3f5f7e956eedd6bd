//! Sidecars: two for the ports that need no broker, in front of one app that tells what it was sent, and
//! those that deliver events.

mod bulk;
mod bus;
mod delivery;
mod doomed;

use std::error::Error;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use gauntlet_harness::component::dapr::{SidecarPlan, sidecar};
use gauntlet_harness::component::postgres::Postgres;
use gauntlet_harness::component::redis::Redis;
use gauntlet_harness::component::{Listener, Runnable, Site};
use gauntlet_harness::provider::{ServiceId, ServiceSpec};
use gauntlet_harness::store::ComponentId;
use gauntlet_ports::testsuite::invocation::echo_router;
use gauntlet_ports::testsuite::secrets::KEPT_SECRETS;
use libtest_mimic::Trial;
use tokio::net::TcpListener;

use crate::components::{Components, Ground};

pub(crate) use bulk::Bulk;
pub(crate) use bus::{Broker, Bus};
pub(crate) use delivery::Deliveries;
pub(crate) use doomed::Doomed;

type BoxError = Box<dyn Error + Send + Sync>;

/// Apps that the component files are meant for; the one app answers for both.
pub(crate) const API: &str = "api";
pub(crate) const AUDIT: &str = "audit";
/// An app that consumes as well.
const RECURRING: &str = "recurring";
/// The component of events, on each broker.
pub(crate) const PUBSUB: &str = "pubsub";
/// The secret store that holds what the suite asks for.
pub(crate) const SECRETS: &str = "file";
/// The files that the system's own sidecars are given.
const COMPONENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../components/local");
/// What the sidecars show their apps.
pub(crate) const TOKEN: &str = "an-app-api-token-of-32-characters";
/// No app here has actors or jobs, and with no address at all a sidecar does not wait for either service.
const NO_CONTROL_PLANE: &str = "";

pub(crate) fn trials(components: &Arc<Components>) -> Vec<Trial> {
    let mut trials = delivery::trials(components);
    trials.extend(bulk::trials(components));
    trials
}

/// The sidecars' URLs, and whom else they can call.
#[derive(Clone)]
pub(crate) struct Sidecars {
    /// Of `api`, with the system's own components: `statestore` is Postgres, `cache` Redis.
    pub(crate) api: String,
    /// Of `audit`, where `statestore` is Redis.
    pub(crate) audit: String,
    /// The app itself.
    pub(crate) echo: String,
    /// A URL where nobody listens.
    pub(crate) nobody: String,
}

impl Sidecars {
    pub(crate) async fn start(
        ground: &Ground,
        postgres: &Postgres,
        redis: &Redis,
    ) -> Result<Self, BoxError> {
        let app = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let echo = app.local_addr()?;
        tokio::spawn(axum::serve(app, echo_router()).into_future());
        let home = ground.site.run.temp_dir("sidecars")?;
        let env = vec![
            ("STATE_DATABASE_URL".to_owned(), postgres.url("postgres")),
            ("REDIS_HOST".to_owned(), redis.peers().to_owned()),
            ("APP_API_TOKEN".to_owned(), TOKEN.to_owned()),
        ];
        let [state, exchanged] = ["state", "state-redis"].map(|it| Path::new(COMPONENTS).join(it));
        let mut urls = Vec::new();
        for (app_id, resources) in [
            (API, vec![common(), state, secrets(&home)?]),
            (AUDIT, vec![common(), exchanged]),
        ] {
            let seat = Seat {
                name: app_id.to_owned(),
                app_id,
                app: echo,
                resources,
                env: env.clone(),
                home: &home,
            };
            urls.push(seat.take(ground).await?);
        }
        let nobody = listener(&ground.site, "nobody")?;
        let [api, audit] = urls.try_into().map_err(|_| "two sidecars")?;
        Ok(Self {
            api,
            audit,
            echo: format!("http://{echo}"),
            nobody: format!("http://{}", nobody.harness),
        })
    }
}

/// One sidecar.
struct Seat<'a> {
    /// No other sidecar's.
    name: String,
    app_id: &'a str,
    app: SocketAddr,
    resources: Vec<PathBuf>,
    env: Vec<(String, String)>,
    /// Shared with those that it is to find.
    home: &'a Path,
}

impl Seat<'_> {
    /// Starts the sidecar. Answers its URL.
    async fn take(self, ground: &Ground) -> Result<String, BoxError> {
        let (plan, url) = self.plan(ground).await?;
        ground.bring_up(&plan).await?;
        Ok(url)
    }

    /// What is to be started, and the URL that it will have.
    async fn plan(self, ground: &Ground) -> Result<(ServiceSpec, String), BoxError> {
        let daprd = ground.obtain(ComponentId::Daprd).await?;
        let daprd = Runnable::of_artifact(&daprd);
        let http = listener(&ground.site, "a sidecar's HTTP")?;
        let url = format!("http://{}", http.harness);
        let plan = SidecarPlan {
            id: ServiceId::shared(&format!("daprd-{}", self.name)),
            app_id: self.app_id.to_owned(),
            app: at(self.app),
            http,
            resources: self.resources,
            config: PathBuf::from(COMPONENTS).join("config.yaml"),
            env: self.env,
            working_dir: self.home.to_owned(),
            scheduler: NO_CONTROL_PLANE.to_owned(),
            placement: NO_CONTROL_PLANE.to_owned(),
        };
        Ok((sidecar(&daprd, plan, &ground.site)?, url))
    }
}

/// Resiliency policies, and secrets of the sidecar's environment.
fn common() -> PathBuf {
    PathBuf::from(COMPONENTS).join("common")
}

fn listener(site: &Site, purpose: &str) -> Result<Listener, BoxError> {
    let port = site.ports.take(purpose)?;
    Ok(at(SocketAddr::from((Ipv4Addr::LOCALHOST, port))))
}

fn at(address: SocketAddr) -> Listener {
    Listener {
        bind: address,
        peers: address.to_string(),
        harness: address,
    }
}

/// A folder with a store of secrets in it.
fn secrets(home: &Path) -> Result<PathBuf, BoxError> {
    let kept: std::collections::BTreeMap<_, _> = KEPT_SECRETS.into_iter().collect();
    let file = home.join("secrets.json");
    fs::write(&file, serde_json::to_vec(&kept)?)?;
    let component = format!(
        "apiVersion: dapr.io/v1alpha1\n\
         kind: Component\n\
         metadata:\n  name: {SECRETS}\n\
         spec:\n  type: secretstores.local.file\n  version: v1\n  metadata:\n    \
         - name: secretsFile\n      value: {}\n",
        file.display()
    );
    folder(home, "resources-secrets", &component)
}

fn folder(home: &Path, name: &str, component: &str) -> Result<PathBuf, BoxError> {
    let folder = home.join(name);
    fs::create_dir(&folder)?;
    fs::write(folder.join("component.yaml"), component)?;
    Ok(folder)
}
