use std::borrow::Cow;
use std::path::PathBuf;

use testcontainers::core::{
    CmdWaitFor, ContainerPort, ContainerState, CopyToContainer, ExecCommand, WaitFor,
};
use testcontainers::{Image, TestcontainersError};

use crate::{flags, ports};

/// The official image of the sidecar.
pub const DAPRD_IMAGE: &str = "daprio/daprd";

const PROGRAM: &str = "/daprd";
const RESOURCES: &str = "/dapr/resources";
const CONFIG: &str = "/dapr/config.yaml";

/// The line before the sidecar waits for its app. `/v1.0/healthz/outbound` answers 204 from here on.
const AWAITS_APP: &str = "waiting on port";
/// The last line of the start. `/v1.0/healthz` answers 204 from here on.
const INITIALIZED: &str = "dapr initialized. Status: Running.";
/// What `daprd --wait` ends with once `/v1.0/healthz/outbound` has answered. It exits with 0 otherwise, too.
const ANSWERS: &str = "Dapr is outbound ready!";

/// A Dapr sidecar.
///
/// Without an app the start ends when components are loaded and the APIs answer. With one it ends there as well,
/// before the app has answered, since most apps want their sidecar first; [`Daprd::until_app_answers`] waits
/// longer. A component that cannot be loaded ends the sidecar, and so the start, with an error.
///
/// Ready is first a line of the log at level `info`, which a `--log-level` above it would hide. But 1.16.5 writes
/// the same line just before it gives up on a component. So the health API is asked next, by `daprd --wait` inside
/// the container: the HTTP API must listen on 127.0.0.1 there, and a memory limit must bear a second `daprd` for a
/// tenth of a second (80 MB, most of it the program file).
///
/// ```no_run
/// use testcontainers::ImageExt;
/// use testcontainers_dapr::Daprd;
///
/// let sidecar = Daprd::new("orders")
///     .with_app("orders-app", 8080)
///     .with_placement("placement:50005")
///     .with_scheduler("scheduler:50006")
///     .with_env_var("REDIS_PASSWORD", "secret")
///     .with_network("orders");
/// # drop(sidecar);
/// ```
#[derive(Debug, Clone)]
pub struct Daprd {
    flags: flags::Sidecar,
    files: Vec<CopyToContainer>,
    exposed: Vec<ContainerPort>,
    until_app_answers: bool,
}

impl Daprd {
    /// A sidecar on Dapr's default ports, without an app.
    pub fn new(app_id: impl Into<String>) -> Self {
        flags::Sidecar::new(app_id).into()
    }

    /// The app, by its name or address in the network that both share, and its port there.
    #[must_use]
    pub fn with_app(mut self, host: impl Into<String>, port: u16) -> Self {
        self.flags.app_channel_address = Some(host.into());
        self.flags.app_port = Some(port);
        self
    }

    /// What the app speaks. Dapr's default is HTTP.
    #[must_use]
    pub fn with_app_protocol(mut self, protocol: flags::AppProtocol) -> Self {
        self.flags.app_protocol = Some(protocol);
        self
    }

    /// Also for subscriptions and resiliency policies, which live in the same folder. `name` is that of the file,
    /// without the ending; of two with one name the later one stands. Not together with a read-only root file
    /// system, into which the engine copies nothing.
    #[must_use]
    pub fn with_component(mut self, name: impl AsRef<str>, yaml: impl Into<String>) -> Self {
        let resources = PathBuf::from(RESOURCES);
        if !self.flags.resources_paths.contains(&resources) {
            self.flags.resources_paths.push(resources);
        }
        let target = format!("{RESOURCES}/{}.yaml", name.as_ref());
        self.copy(yaml, target)
    }

    /// The one file of the kind `Configuration`.
    #[must_use]
    pub fn with_configuration(mut self, yaml: impl Into<String>) -> Self {
        self.flags.config = Some(CONFIG.into());
        self.copy(yaml, CONFIG.to_owned())
    }

    /// One more placement service, as `host:port`.
    #[must_use]
    pub fn with_placement(mut self, address: impl Into<String>) -> Self {
        self.flags.placement_host_addresses.push(address.into());
        self
    }

    /// One more scheduler, as `host:port`.
    #[must_use]
    pub fn with_scheduler(mut self, address: impl Into<String>) -> Self {
        self.flags.scheduler_host_addresses.push(address.into());
        self
    }

    /// The start ends only when the app listens, and never where it waits for this sidecar first.
    #[must_use]
    pub fn until_app_answers(mut self) -> Self {
        self.until_app_answers = true;
        self
    }

    /// What the sidecar will be told.
    pub fn flags(&self) -> &flags::Sidecar {
        &self.flags
    }

    fn copy(mut self, yaml: impl Into<String>, target: String) -> Self {
        let bytes = yaml.into().into_bytes();
        self.files.push(CopyToContainer::new(bytes, target));
        self
    }
}

impl Default for Daprd {
    fn default() -> Self {
        Self::new("app")
    }
}

/// For flags that have no method here. Paths in them are paths in the container.
impl From<flags::Sidecar> for Daprd {
    fn from(flags: flags::Sidecar) -> Self {
        let apis = [
            flags.http_port.unwrap_or(ports::HTTP),
            flags.grpc_port.unwrap_or(ports::GRPC),
        ];
        let exposed = apis.into_iter().chain(flags.metrics.port());
        Self {
            exposed: exposed.map(ContainerPort::Tcp).collect(),
            files: Vec::new(),
            until_app_answers: false,
            flags,
        }
    }
}

impl Image for Daprd {
    fn name(&self) -> &str {
        DAPRD_IMAGE
    }

    fn tag(&self) -> &str {
        crate::TAG
    }

    fn ready_conditions(&self) -> Vec<WaitFor> {
        let line = if self.flags.app_port.is_some() && !self.until_app_answers {
            AWAITS_APP
        } else {
            INITIALIZED
        };
        vec![WaitFor::message_on_stdout(line)]
    }

    fn copy_to_sources(&self) -> impl IntoIterator<Item = &CopyToContainer> {
        &self.files
    }

    fn entrypoint(&self) -> Option<&str> {
        Some(PROGRAM)
    }

    fn cmd(&self) -> impl IntoIterator<Item = impl Into<Cow<'_, str>>> {
        self.flags.args()
    }

    fn expose_ports(&self) -> &[ContainerPort] {
        &self.exposed
    }

    fn exec_after_start(&self, _: ContainerState) -> Result<Vec<ExecCommand>, TestcontainersError> {
        let port = self.flags.http_port.unwrap_or(ports::HTTP);
        let ask = [
            PROGRAM.to_owned(),
            "--wait".to_owned(),
            format!("--dapr-http-port={port}"),
        ];
        let answered = CmdWaitFor::message_on_stderr(ANSWERS);
        Ok(vec![
            ExecCommand::new(ask).with_cmd_ready_condition(answered),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flags::Metrics;

    fn command(image: &Daprd) -> Vec<String> {
        let words = image.cmd().into_iter().map(|word| {
            let word: Cow<'_, str> = word.into();
            word.into_owned()
        });
        words.collect()
    }

    fn awaited(image: &Daprd) -> String {
        format!("{:?}", image.ready_conditions())
    }

    #[test]
    fn the_official_image_runs_with_what_was_asked_for() {
        let image = Daprd::new("orders")
            .with_app("orders-app", 8080)
            .with_app_protocol(flags::AppProtocol::Grpc)
            .with_component("store", "kind: Component")
            .with_component("pubsub", "kind: Component")
            .with_configuration("kind: Configuration")
            .with_placement("placement:50005")
            .with_scheduler("scheduler:50006");
        assert_eq!((image.name(), image.tag()), ("daprio/daprd", "1.16.5"));
        assert_eq!(image.entrypoint(), Some("/daprd"));
        let expected = [
            "--app-id=orders",
            "--app-port=8080",
            "--app-channel-address=orders-app",
            "--app-protocol=grpc",
            "--config=/dapr/config.yaml",
            "--placement-host-address=placement:50005",
            "--scheduler-host-address=scheduler:50006",
            "--resources-path=/dapr/resources",
        ];
        assert_eq!(command(&image), expected);
        assert_eq!(image.copy_to_sources().into_iter().count(), 3);
    }

    #[test]
    fn a_folder_that_nothing_is_copied_into_is_not_named() {
        assert_eq!(command(&Daprd::default()), ["--app-id=app"]);
    }

    #[test]
    fn ports_are_those_of_the_flags() {
        let tcp = |ports: &[u16]| {
            ports
                .iter()
                .copied()
                .map(ContainerPort::Tcp)
                .collect::<Vec<_>>()
        };
        assert_eq!(Daprd::default().expose_ports(), tcp(&[3500, 50_001, 9090]));
        let moved = Daprd::from(flags::Sidecar {
            http_port: Some(6001),
            grpc_port: Some(6002),
            metrics: Metrics::Off,
            ..flags::Sidecar::new("orders")
        });
        assert_eq!(moved.expose_ports(), tcp(&[6001, 6002]));
    }

    #[test]
    fn a_sidecar_with_an_app_does_not_wait_for_it_unless_told_to() {
        let initialized = awaited(&Daprd::default());
        let with_app = Daprd::default().with_app("orders-app", 8080);
        assert_ne!(awaited(&with_app), initialized);
        assert_eq!(awaited(&with_app.until_app_answers()), initialized);
    }
}
