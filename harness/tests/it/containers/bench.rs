use std::path::Path;
use std::sync::Arc;

use gauntlet_harness::image::{ImageConfig, Images, Part};
use gauntlet_harness::provider::containers::{ContainerProvider, Engine};
use gauntlet_harness::provider::{Limits, Mount, Package, RunContext};

use crate::bench::{Bench, launcher, open_run, state_in};

/// Where a shell and what it calls lie, on this machine and so in the container: images hold no more than
/// their own program needs.
const TOOLS: [&str; 4] = ["/usr", "/bin", "/lib", "/lib64"];
/// A debug build of this test binary fits in well.
const LIMITS: Limits = Limits::memory_mib(256);

impl Bench {
    pub(crate) async fn on_containers() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let run = open_run(&state_in(dir.path()), dir.path());
        let provider = Arc::new(open_provider(&run).await);
        let package = stand_in(dir.path()).await;
        Self::at(dir, run, provider, Some(package))
    }
}

/// Whoever turns `engine` on wants an answer about containers: without an engine there is none to give.
pub(crate) async fn connect() -> Engine {
    let engine = Engine::connect().await;
    engine.unwrap_or_else(|error| panic!("failed to {error}"))
}

pub(crate) async fn open_provider(run: &RunContext) -> ContainerProvider {
    ContainerProvider::open(connect().await, &launcher().shim, run)
        .await
        .unwrap()
}

/// Any image serves: what is tried is the provider.
pub(crate) async fn stand_in(dir: &Path) -> Package {
    let images = Images::open(connect().await, ImageConfig::from_env().unwrap());
    let mut found = None;
    for part in Part::ALL {
        if found.is_none() {
            found = images.look(part).await.unwrap();
        }
    }
    let image =
        found.unwrap_or_else(|| panic!("no image is there: run `cargo xtask images redis`"));
    let tools = TOOLS.iter().filter(|tool| Path::new(tool).exists());
    let mut mounts: Vec<_> = tools.map(Mount::read_only).collect();
    mounts.push(Mount::read_only(std::env::current_exe().unwrap()));
    mounts.push(Mount::writable(dir));
    Package {
        image: image.reference,
        mounts,
        ports: Vec::new(),
        limits: LIMITS,
    }
}
