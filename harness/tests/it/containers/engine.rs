//! What the engine says, asked past the provider.

use std::collections::HashMap;
use std::time::Duration;

use gauntlet_harness::provider::until;
use testcontainers::bollard::Docker;
use testcontainers::bollard::models::{ContainerInspectResponse, NetworkInspect};
use testcontainers::bollard::query_parameters::{
    InspectContainerOptions, InspectNetworkOptions, ListContainersOptionsBuilder,
    ListNetworksOptionsBuilder, ListVolumesOptionsBuilder,
};
use testcontainers::core::client::docker_client_instance;

use crate::bench::SOON;

/// The promise to users.
const GONE_WITHIN: Duration = Duration::from_secs(10);

/// One run's containers, networks and volumes.
pub(crate) struct Things {
    docker: Docker,
    label: String,
}

impl Things {
    pub(crate) async fn of_run(run_id: &str) -> Self {
        Self {
            docker: docker_client_instance().await.unwrap(),
            label: format!("gauntlet.run={run_id}"),
        }
    }

    fn filters(&self) -> HashMap<String, Vec<String>> {
        HashMap::from([("label".to_owned(), vec![self.label.clone()])])
    }

    async fn container_ids(&self) -> Vec<String> {
        let options = ListContainersOptionsBuilder::new()
            .all(true)
            .filters(&self.filters());
        let containers = self
            .docker
            .list_containers(Some(options.build()))
            .await
            .unwrap();
        containers.into_iter().filter_map(|it| it.id).collect()
    }

    pub(crate) async fn containers(&self) -> Vec<ContainerInspectResponse> {
        let mut inspected = Vec::new();
        for id in self.container_ids().await {
            let asked = self
                .docker
                .inspect_container(&id, None::<InspectContainerOptions>);
            inspected.push(asked.await.unwrap());
        }
        inspected
    }

    pub(crate) async fn networks(&self) -> Vec<NetworkInspect> {
        let options = ListNetworksOptionsBuilder::new().filters(&self.filters());
        let networks = self
            .docker
            .list_networks(Some(options.build()))
            .await
            .unwrap();
        let mut inspected = Vec::new();
        for name in networks.into_iter().filter_map(|it| it.name) {
            let asked = self
                .docker
                .inspect_network(&name, None::<InspectNetworkOptions>);
            inspected.push(asked.await.unwrap());
        }
        inspected
    }

    /// How many containers, networks and volumes there are, in this order.
    pub(crate) async fn count(&self) -> (usize, usize, usize) {
        let networks = ListNetworksOptionsBuilder::new().filters(&self.filters());
        let networks = self
            .docker
            .list_networks(Some(networks.build()))
            .await
            .unwrap();
        let volumes = ListVolumesOptionsBuilder::new().filters(&self.filters());
        let volumes = self
            .docker
            .list_volumes(Some(volumes.build()))
            .await
            .unwrap();
        (
            self.container_ids().await.len(),
            networks.len(),
            volumes.volumes.unwrap_or_default().len(),
        )
    }

    /// Waits until there are so many containers, networks and volumes.
    pub(crate) async fn until(&self, count: (usize, usize, usize)) {
        self.counted(count, SOON).await;
    }

    /// Waits until nothing is left, for as long as was promised.
    pub(crate) async fn until_gone(&self) {
        self.counted((0, 0, 0), GONE_WITHIN).await;
    }

    async fn counted(&self, wanted: (usize, usize, usize), within: Duration) {
        let counted = || async {
            let found = self.count().await;
            let told = format!("{found:?} containers, networks, volumes");
            if found == wanted { Ok(()) } else { Err(told) }
        };
        until(format!("{wanted:?}"), within, counted).await.unwrap();
    }
}
