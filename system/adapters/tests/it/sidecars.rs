//! Two sidecars for the ports that need no broker, in front of one app that tells what it was sent.

use std::error::Error;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use gauntlet_harness::component::dapr::{SidecarPlan, sidecar};
use gauntlet_harness::component::postgres::Postgres;
use gauntlet_harness::component::redis::Redis;
use gauntlet_harness::component::{Listener, Runnable, Site};
use gauntlet_harness::provider::ServiceId;
use gauntlet_harness::store::ComponentId;
use gauntlet_ports::testsuite::invocation::echo_router;
use gauntlet_ports::testsuite::secrets::KEPT_SECRETS;
use tokio::net::TcpListener;

use crate::components::Ground;

type BoxError = Box<dyn Error + Send + Sync>;

/// Apps that the component files are meant for; the one app answers for both.
pub(crate) const API: &str = "api";
pub(crate) const AUDIT: &str = "audit";
/// The secret store that holds what the suite asks for.
pub(crate) const SECRETS: &str = "file";
/// The files that the system's own sidecars are given.
const COMPONENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../components/local");
/// No app here has actors or jobs, and with no address at all a sidecar does not wait for either service.
const NO_CONTROL_PLANE: &str = "";

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
        let daprd = ground.obtain(ComponentId::Daprd).await?;
        let daprd = Runnable::of_artifact(&daprd);
        let app = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let echo = app.local_addr()?;
        tokio::spawn(axum::serve(app, echo_router()).into_future());
        let home = ground.site.run.temp_dir("sidecars")?;
        let env = vec![
            ("STATE_DATABASE_URL".to_owned(), postgres.url("postgres")),
            ("REDIS_HOST".to_owned(), redis.peers().to_owned()),
        ];
        let common = PathBuf::from(COMPONENTS).join("common");
        let state = PathBuf::from(COMPONENTS).join("state");
        let mut urls = Vec::new();
        for (app_id, resources) in [
            (API, vec![common.clone(), state, secrets(&home)?]),
            (AUDIT, vec![common, redis_as_statestore(&home)?]),
        ] {
            let http = listener(&ground.site, "a sidecar's HTTP")?;
            urls.push(format!("http://{}", http.harness));
            let plan = SidecarPlan {
                id: ServiceId::shared(&format!("daprd-{app_id}")),
                app_id: app_id.to_owned(),
                app: at(echo),
                http,
                resources,
                config: PathBuf::from(COMPONENTS).join("config.yaml"),
                env: env.clone(),
                working_dir: home.clone(),
                scheduler: NO_CONTROL_PLANE.to_owned(),
                placement: NO_CONTROL_PLANE.to_owned(),
            };
            ground
                .bring_up(&sidecar(&daprd, plan, &ground.site)?)
                .await?;
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

/// A folder with the system's Redis component under the name of its Postgres component: that is how one is
/// exchanged for the other.
fn redis_as_statestore(home: &Path) -> Result<PathBuf, BoxError> {
    let redis = fs::read_to_string(Path::new(COMPONENTS).join("state/redis.yaml"))?;
    let renamed = redis.replace("name: cache", "name: statestore");
    folder(home, "resources-redis", &renamed)
}

fn folder(home: &Path, name: &str, component: &str) -> Result<PathBuf, BoxError> {
    let folder = home.join(name);
    fs::create_dir(&folder)?;
    fs::write(folder.join("component.yaml"), component)?;
    Ok(folder)
}
