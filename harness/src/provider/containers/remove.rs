use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use futures::future::join_all;
use testcontainers::bollard::errors::Error as EngineError;
use testcontainers::bollard::query_parameters::{
    ListContainersOptionsBuilder, ListNetworksOptionsBuilder, ListVolumesOptionsBuilder,
    RemoveContainerOptionsBuilder, RemoveVolumeOptions,
};

use super::engine::{Engine, refused};
use super::names::RUN_LABEL;
use crate::error::{StackError, StackErrorKind};
use crate::provider::until;

/// A dozen containers go in a second or two; an engine that is busy building takes longer.
const GONE_WITHIN: Duration = Duration::from_secs(30);

const NOT_FOUND: u16 = 404;

/// What of a run is in the engine, by name or id.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Belongings {
    pub(crate) containers: Vec<String>,
    pub(crate) networks: Vec<String>,
    pub(crate) volumes: Vec<String>,
}

impl Belongings {
    /// Everything that carries the run's id.
    pub(crate) async fn of_run(engine: &Engine, run_id: &str) -> Result<Self, StackError> {
        let docker = engine.quick();
        let label = format!("{RUN_LABEL}={run_id}");
        let filters = HashMap::from([("label", vec![label.as_str()])]);
        let containers = ListContainersOptionsBuilder::new()
            .all(true)
            .filters(&filters);
        let containers = docker
            .list_containers(Some(containers.build()))
            .await
            .map_err(|error| refused("list the run's containers", error))?;
        let networks = ListNetworksOptionsBuilder::new().filters(&filters);
        let networks = docker
            .list_networks(Some(networks.build()))
            .await
            .map_err(|error| refused("list the run's networks", error))?;
        let volumes = ListVolumesOptionsBuilder::new().filters(&filters);
        let volumes = docker
            .list_volumes(Some(volumes.build()))
            .await
            .map_err(|error| refused("list the run's volumes", error))?;
        let volumes = volumes.volumes.unwrap_or_default();
        Ok(Self {
            containers: containers.into_iter().filter_map(|it| it.id).collect(),
            networks: networks.into_iter().filter_map(|it| it.name).collect(),
            volumes: volumes.into_iter().map(|it| it.name).collect(),
        })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.containers.is_empty() && self.networks.is_empty() && self.volumes.is_empty()
    }

    /// Removes containers first: a network or volume in use stays.
    async fn remove(&self, engine: &Engine) {
        let docker = engine.quick();
        let containers = self
            .containers
            .iter()
            .map(|id| remove_container(engine, id));
        note(join_all(containers).await);
        note(join_all(self.networks.iter().map(|name| docker.remove_network(name))).await);
        let volumes = self
            .volumes
            .iter()
            .map(|name| docker.remove_volume(name, None::<RemoveVolumeOptions>));
        note(join_all(volumes).await);
    }
}

/// With the volumes that it made for itself; by force where it runs. One that is gone is fine.
pub(super) async fn remove_container(engine: &Engine, id: &str) -> Result<(), EngineError> {
    let options = RemoveContainerOptionsBuilder::new().force(true).v(true);
    let docker = engine.quick();
    gone_is_fine(docker.remove_container(id, Some(options.build())).await)
}

/// What something was asked of may be gone already.
pub(super) fn gone_is_fine(outcome: Result<(), EngineError>) -> Result<(), EngineError> {
    match outcome {
        Err(EngineError::DockerResponseServerError {
            status_code: NOT_FOUND,
            ..
        }) => Ok(()),
        other => other,
    }
}

impl fmt::Display for Belongings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} containers, {} networks, {} volumes",
            self.containers.len(),
            self.networks.len(),
            self.volumes.len()
        )
    }
}

/// What was not removed is seen by the next look; why is for whoever debugs.
fn note(results: Vec<Result<(), EngineError>>) {
    for error in results.into_iter().filter_map(Result::err) {
        tracing::debug!(%error, "not removed yet");
    }
}

/// Removes everything that carries the run's id, and looks again until nothing is left. Returns what was
/// there at first.
pub(crate) async fn remove_run(engine: &Engine, run_id: &str) -> Result<Belongings, StackError> {
    let found = Belongings::of_run(engine, run_id).await?;
    let gone = until("the run's containers to be gone", GONE_WITHIN, || async {
        let left = Belongings::of_run(engine, run_id)
            .await
            .map_err(|error| error.to_string())?;
        if left.is_empty() {
            return Ok(());
        }
        left.remove(engine).await;
        Err(format!("{left} are left"))
    })
    .await;
    gone.map_err(|waited| {
        StackError::new(
            StackErrorKind::Engine,
            format!("remove the containers of run {run_id}"),
            format!("remove what `docker ps -a --filter label={RUN_LABEL}={run_id}` lists"),
        )
        .because(waited)
    })?;
    Ok(found)
}
