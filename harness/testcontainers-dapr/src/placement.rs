use std::borrow::Cow;

use testcontainers::Image;
use testcontainers::core::{ContainerPort, WaitFor};

use crate::{flags, ports};

/// The official image of the placement service.
pub const PLACEMENT_IMAGE: &str = "daprio/placement";

const PROGRAM: &str = "/placement";
/// The port listens before; sidecars are turned away until it leads.
const READY: &str = "placement server leadership acquired";

/// Dapr's placement service, which says where actors are. It keeps nothing on disk.
#[derive(Debug, Clone)]
pub struct Placement {
    flags: flags::Placement,
    exposed: Vec<ContainerPort>,
}

impl Default for Placement {
    fn default() -> Self {
        flags::Placement::default().into()
    }
}

impl From<flags::Placement> for Placement {
    fn from(flags: flags::Placement) -> Self {
        let services = [
            flags.port.unwrap_or(ports::PLACEMENT),
            flags.healthz_port.unwrap_or(ports::HEALTHZ),
        ];
        let exposed = services.into_iter().chain(flags.metrics.port());
        Self {
            exposed: exposed.map(ContainerPort::Tcp).collect(),
            flags,
        }
    }
}

impl Image for Placement {
    fn name(&self) -> &str {
        PLACEMENT_IMAGE
    }

    fn tag(&self) -> &str {
        crate::TAG
    }

    fn ready_conditions(&self) -> Vec<WaitFor> {
        vec![WaitFor::message_on_stdout(READY)]
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
    fn the_official_image_needs_no_flag() {
        let image = Placement::default();
        assert_eq!((image.name(), image.tag()), ("daprio/placement", "1.16.5"));
        assert_eq!(image.entrypoint(), Some("/placement"));
        assert_eq!(image.cmd().into_iter().count(), 0);
        let by_default = [50_005, 8080, 9090].map(ContainerPort::Tcp);
        assert_eq!(image.expose_ports(), by_default);
    }

    #[test]
    fn ports_are_those_of_the_flags() {
        let image = Placement::from(flags::Placement {
            port: Some(6001),
            healthz_port: Some(6002),
            metrics: Metrics::Off,
            ..flags::Placement::default()
        });
        assert_eq!(image.expose_ports(), [6001, 6002].map(ContainerPort::Tcp));
        assert_eq!(image.cmd().into_iter().count(), 3);
    }
}
