use std::env;
use std::error::Error;
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use reqwest::Client;
use testcontainers::bollard::Docker;
use testcontainers::core::client::docker_client_instance;
use testcontainers::core::{ContainerPort, IntoContainerPort, WaitFor};
use testcontainers::runners::AsyncRunner;
use testcontainers::{ContainerAsync, ContainerRequest, GenericImage, Image, ImageExt};
use testcontainers_dapr::on_loopback;

pub(crate) type Outcome = Result<(), Box<dyn Error>>;

pub(crate) const REDIS_PORT: u16 = 6379;
const CALL_WITHIN: Duration = Duration::from_secs(10);

static RUNS: AtomicU32 = AtomicU32::new(0);

/// One test's part of the engine.
pub(crate) struct Bench {
    /// Also the start of every container's name. Gone with the last container that is on it.
    network: String,
    docker: Docker,
    pub(crate) http: Client,
}

impl Bench {
    pub(crate) async fn new() -> Result<Self, Box<dyn Error>> {
        let mend = "start a container engine, or name its socket in DOCKER_HOST";
        let docker = docker_client_instance()
            .await
            .map_err(|error| format!("failed to find a container engine: {error}; {mend}"))?;
        docker
            .version()
            .await
            .map_err(|error| format!("failed to ask the container engine: {error}; {mend}"))?;
        let run = RUNS.fetch_add(1, Ordering::Relaxed);
        Ok(Self {
            docker,
            network: format!("testcontainers-dapr-{}-{run}", process::id()),
            http: Client::builder().timeout(CALL_WITHIN).build()?,
        })
    }

    /// The container's name, by which others in the network reach it.
    pub(crate) fn host(&self, part: &str) -> String {
        format!("{}-{part}", self.network)
    }

    /// Starts the image that the environment names for this part, else the image's own.
    pub(crate) async fn start<I: Image>(
        &self,
        part: &str,
        image: impl Into<ContainerRequest<I>>,
    ) -> Result<ContainerAsync<I>, Box<dyn Error>> {
        let image: ContainerRequest<I> = image.into();
        let exposed: Vec<ContainerPort> = image.image().expose_ports().to_vec();
        let request = chosen(part, image)
            .with_network(&self.network)
            .with_container_name(self.host(part))
            .with_host_config_modifier(on_loopback(&exposed));
        match request.start().await {
            Ok(container) => Ok(container),
            Err(error) => {
                // One that the engine could not run at all is left behind by testcontainers.
                let _ = self.docker.remove_container(&self.host(part), None).await;
                Err(format!("failed to start {part}: {error}").into())
            }
        }
    }

    pub(crate) async fn redis(&self) -> Result<ContainerAsync<GenericImage>, Box<dyn Error>> {
        let image = GenericImage::new("redis", "8")
            .with_entrypoint("redis-server")
            .with_exposed_port(REDIS_PORT.tcp())
            .with_wait_for(WaitFor::message_on_stdout("Ready to accept connections"))
            .with_cmd(["--save", "", "--protected-mode", "no"]);
        self.start("redis", image).await
    }
}

/// Where a container's port is on this machine.
pub(crate) async fn url<I: Image>(
    container: &ContainerAsync<I>,
    port: u16,
) -> Result<String, Box<dyn Error>> {
    let port = container.get_host_port_ipv4(port.tcp()).await?;
    Ok(format!("http://127.0.0.1:{port}"))
}

/// Applies the variable of this part.
pub(crate) fn chosen<I: Image>(part: &str, image: ContainerRequest<I>) -> ContainerRequest<I> {
    let variable = format!("GAUNTLET_{}_IMAGE", part.to_uppercase());
    match env::var(variable) {
        Ok(reference) => match reference.rsplit_once(':') {
            Some((name, tag)) => image.with_name(name).with_tag(tag),
            None => image.with_name(reference),
        },
        Err(_) => image,
    }
}
