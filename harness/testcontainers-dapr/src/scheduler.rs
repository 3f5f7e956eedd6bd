use std::borrow::Cow;

use testcontainers::Image;
use testcontainers::core::{ContainerPort, Mount, WaitFor};

use crate::{flags, ports};

/// The official image of the scheduler.
pub const SCHEDULER_IMAGE: &str = "daprio/scheduler";

const PROGRAM: &str = "/scheduler";
const DATA: &str = "/dapr/etcd";
/// Its etcd elects itself first, about a second after the port listens; jobs are refused until then.
const READY: &str = "Cron is ready";
/// The image runs as a user other than root, whom a new mount would shut out.
const WRITABLE_BY_ALL: i64 = 0o1777;

/// Dapr's scheduler, which keeps jobs and reminders.
///
/// Its data is in memory, some 64 MB at the start, and gone when the container stops: the folder that is its
/// default cannot be written by the user that the official image runs as.
///
/// Sidecars are told to call the address that the container has in its network, which is right for sidecars in
/// the same network. For others set `override_broadcast_host_port` in [`flags::Scheduler`].
#[derive(Debug, Clone)]
pub struct Scheduler {
    flags: flags::Scheduler,
    exposed: Vec<ContainerPort>,
    data: Mount,
}

impl Default for Scheduler {
    fn default() -> Self {
        flags::Scheduler::default().into()
    }
}

/// Paths are paths in the container.
impl From<flags::Scheduler> for Scheduler {
    fn from(mut flags: flags::Scheduler) -> Self {
        let data = flags.etcd_data_dir.get_or_insert_with(|| DATA.into());
        let data = Mount::tmpfs_mount(data.display().to_string()).with_mode(WRITABLE_BY_ALL);
        let services = [
            flags.port.unwrap_or(ports::SCHEDULER),
            flags.healthz_port.unwrap_or(ports::HEALTHZ),
        ];
        let exposed = services.into_iter().chain(flags.metrics.port());
        Self {
            exposed: exposed.map(ContainerPort::Tcp).collect(),
            data,
            flags,
        }
    }
}

impl Image for Scheduler {
    fn name(&self) -> &str {
        SCHEDULER_IMAGE
    }

    fn tag(&self) -> &str {
        crate::TAG
    }

    fn ready_conditions(&self) -> Vec<WaitFor> {
        vec![WaitFor::message_on_stdout(READY)]
    }

    fn mounts(&self) -> impl IntoIterator<Item = &Mount> {
        [&self.data]
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
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flags::Metrics;

    #[test]
    fn the_official_image_writes_where_its_user_may() {
        let image = Scheduler::default();
        assert_eq!((image.name(), image.tag()), ("daprio/scheduler", "1.16.5"));
        assert_eq!(image.entrypoint(), Some("/scheduler"));
        assert_eq!(image.flags.args(), ["--etcd-data-dir=/dapr/etcd"]);
        assert_eq!(image.cmd().into_iter().count(), 1);
        assert_eq!(image.data.target(), Some("/dapr/etcd"));
        let options = image.data.tmpfs_options().unwrap();
        assert_eq!(options.mode, Some(0o1777));
    }

    #[test]
    fn ports_and_mount_are_those_of_the_flags() {
        let image = Scheduler::from(flags::Scheduler {
            port: Some(6001),
            healthz_port: Some(6002),
            metrics: Metrics::Off,
            etcd_data_dir: Some("/jobs".into()),
            ..flags::Scheduler::default()
        });
        let expected = [6001, 6002].map(ContainerPort::Tcp);
        assert_eq!(image.expose_ports(), expected);
        assert_eq!(image.data.target(), Some("/jobs"));
        let by_default = [50_006, 8080, 9090].map(ContainerPort::Tcp);
        assert_eq!(Scheduler::default().expose_ports(), by_default);
    }
}
