use std::collections::HashMap;

use testcontainers::bollard::models::{HostConfig, PortBinding};
use testcontainers::core::ContainerPort;

const LOOPBACK: &str = "127.0.0.1";

/// Publishes these ports on 127.0.0.1 only, each at a free port of the host.
///
/// Left alone, testcontainers publishes every exposed port on all interfaces, where the whole network may call a
/// sidecar that asks for no password. Hand the result to `with_host_config_modifier`, which runs last: ports that
/// are not named here are then not published at all.
///
/// ```no_run
/// use testcontainers::ImageExt;
/// use testcontainers_dapr::{Daprd, on_loopback, ports};
///
/// let sidecar = Daprd::new("orders").with_host_config_modifier(on_loopback(&[ports::HTTP]));
/// # drop(sidecar);
/// ```
pub fn on_loopback<P>(ports: &[P]) -> impl Fn(&mut HostConfig) + Send + Sync + 'static
where
    P: Into<ContainerPort> + Copy,
{
    let ports: Vec<ContainerPort> = ports.iter().map(|port| (*port).into()).collect();
    move |config| {
        let binding = PortBinding {
            host_ip: Some(LOOPBACK.to_owned()),
            // The engine takes a free one.
            host_port: Some("0".to_owned()),
        };
        let bindings: HashMap<_, _> = ports
            .iter()
            .map(|port| (port.to_string(), Some(vec![binding.clone()])))
            .collect();
        config.publish_all_ports = Some(false);
        config.port_bindings = Some(bindings);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planted_binding_on_every_interface_is_replaced() {
        let everywhere = PortBinding {
            host_ip: None,
            host_port: Some("8080".to_owned()),
        };
        let mut config = HostConfig {
            publish_all_ports: Some(true),
            port_bindings: Some(HashMap::from([(
                "9090/tcp".to_owned(),
                Some(vec![everywhere]),
            )])),
            ..HostConfig::default()
        };
        on_loopback(&[3500_u16])(&mut config);
        assert_eq!(config.publish_all_ports, Some(false));
        let bindings = config.port_bindings.unwrap();
        assert_eq!(bindings.keys().collect::<Vec<_>>(), ["3500/tcp"]);
        let bound = bindings["3500/tcp"].as_ref().unwrap();
        assert_eq!(bound[0].host_ip.as_deref(), Some("127.0.0.1"));
    }
}
