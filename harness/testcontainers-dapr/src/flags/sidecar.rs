use std::path::PathBuf;

use super::line::Line;
use super::{AppProtocol, Metrics};

/// Flags of `daprd`.
///
/// ```
/// use testcontainers_dapr::flags::Sidecar;
///
/// let flags = Sidecar {
///     app_port: Some(8080),
///     ..Sidecar::new("orders")
/// };
/// assert_eq!(flags.args(), ["--app-id=orders", "--app-port=8080"]);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sidecar {
    pub app_id: String,
    /// None: a sidecar without an app, which is of use to clients only.
    pub app_port: Option<u16>,
    /// Host name or address of the app. Dapr's default is 127.0.0.1.
    pub app_channel_address: Option<String>,
    pub app_protocol: Option<AppProtocol>,
    /// Port of the HTTP API. Dapr's default is [`ports::HTTP`](crate::ports::HTTP).
    pub http_port: Option<u16>,
    /// Port of the gRPC API. Dapr's default is [`ports::GRPC`](crate::ports::GRPC).
    pub grpc_port: Option<u16>,
    /// Port where other sidecars call this one. Dapr takes a free one by default.
    pub internal_grpc_port: Option<u16>,
    /// Where both APIs listen: addresses, those of IPv6 in brackets. Dapr's default is every interface.
    pub listen_addresses: Vec<String>,
    pub internal_grpc_listen_address: Option<String>,
    pub metrics: Metrics,
    /// A file of the kind `Configuration`.
    pub config: Option<PathBuf>,
    /// `host:port` of each. Without one actors are off.
    pub placement_host_addresses: Vec<String>,
    /// `host:port` of each. Without one jobs and reminders are off.
    pub scheduler_host_addresses: Vec<String>,
    /// Calls to the app at once. Dapr's default is no limit.
    pub app_max_concurrency: Option<u32>,
    /// Folders with components, subscriptions and resiliency policies. Dapr parts the value at commas, so that
    /// no path may have one.
    pub resources_paths: Vec<PathBuf>,
    /// Further flags, passed on as they are.
    pub extra: Vec<String>,
}

impl Sidecar {
    /// No app, no resources, and Dapr's defaults for the rest.
    pub fn new(app_id: impl Into<String>) -> Self {
        Self {
            app_id: app_id.into(),
            app_port: None,
            app_channel_address: None,
            app_protocol: None,
            http_port: None,
            grpc_port: None,
            internal_grpc_port: None,
            listen_addresses: Vec::new(),
            internal_grpc_listen_address: None,
            metrics: Metrics::Unsaid,
            config: None,
            placement_host_addresses: Vec::new(),
            scheduler_host_addresses: Vec::new(),
            app_max_concurrency: None,
            resources_paths: Vec::new(),
            extra: Vec::new(),
        }
    }

    /// The arguments, without the name of the executable.
    pub fn args(&self) -> Vec<String> {
        let mut line = Line::default();
        line.flag("app-id", &self.app_id);
        line.maybe("app-port", self.app_port.as_ref());
        line.maybe("app-channel-address", self.app_channel_address.as_ref());
        line.maybe("app-protocol", self.app_protocol.as_ref());
        line.maybe("dapr-http-port", self.http_port.as_ref());
        line.maybe("dapr-grpc-port", self.grpc_port.as_ref());
        line.maybe("dapr-internal-grpc-port", self.internal_grpc_port.as_ref());
        line.list("dapr-listen-addresses", &self.listen_addresses);
        line.maybe(
            "dapr-internal-grpc-listen-address",
            self.internal_grpc_listen_address.as_ref(),
        );
        self.metrics.write(&mut line);
        line.maybe(
            "config",
            self.config.as_ref().map(|path| path.display()).as_ref(),
        );
        line.list("placement-host-address", &self.placement_host_addresses);
        line.list("scheduler-host-address", &self.scheduler_host_addresses);
        line.maybe("app-max-concurrency", self.app_max_concurrency.as_ref());
        for path in &self.resources_paths {
            line.flag("resources-path", path.display());
        }
        line.done(&self.extra)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_writes_its_flag_in_the_documented_order() {
        let flags = Sidecar {
            app_id: "lists".to_owned(),
            app_port: Some(6001),
            app_channel_address: Some("127.0.0.1".to_owned()),
            app_protocol: Some(AppProtocol::Http),
            http_port: Some(6002),
            grpc_port: Some(6003),
            internal_grpc_port: Some(6004),
            listen_addresses: vec!["[::1]".to_owned(), "127.0.0.1".to_owned()],
            internal_grpc_listen_address: Some("127.0.0.1".to_owned()),
            metrics: Metrics::At {
                port: 6005,
                listen_address: Some("127.0.0.1".to_owned()),
            },
            config: Some("config.yaml".into()),
            placement_host_addresses: vec!["127.0.0.1:6006".to_owned()],
            scheduler_host_addresses: vec!["127.0.0.1:6007".to_owned(), "b:6008".to_owned()],
            app_max_concurrency: Some(1),
            resources_paths: vec!["local".into(), "shared".into()],
            extra: vec!["--log-as-json".to_owned()],
        };
        let expected = [
            "--app-id=lists",
            "--app-port=6001",
            "--app-channel-address=127.0.0.1",
            "--app-protocol=http",
            "--dapr-http-port=6002",
            "--dapr-grpc-port=6003",
            "--dapr-internal-grpc-port=6004",
            "--dapr-listen-addresses=[::1],127.0.0.1",
            "--dapr-internal-grpc-listen-address=127.0.0.1",
            "--metrics-port=6005",
            "--metrics-listen-address=127.0.0.1",
            "--config=config.yaml",
            "--placement-host-address=127.0.0.1:6006",
            "--scheduler-host-address=127.0.0.1:6007,b:6008",
            "--app-max-concurrency=1",
            "--resources-path=local",
            "--resources-path=shared",
            "--log-as-json",
        ];
        assert_eq!(flags.args(), expected);
    }

    #[test]
    fn what_is_unsaid_writes_no_flag() {
        assert_eq!(Sidecar::new("lists").args(), ["--app-id=lists"]);
    }

    #[test]
    fn metrics_are_switched_off_by_one_flag() {
        let flags = Sidecar {
            metrics: Metrics::Off,
            ..Sidecar::new("lists")
        };
        assert_eq!(flags.args(), ["--app-id=lists", "--enable-metrics=false"]);
        assert_eq!(flags.metrics.port(), None);
    }

    #[test]
    fn protocols_are_spelled_as_dapr_spells_them() {
        use AppProtocol::{Grpc, Grpcs, H2c, Http, Https};
        let spelled: Vec<_> = [Grpc, Grpcs, Http, Https, H2c]
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(spelled.join(", "), "grpc, grpcs, http, https, h2c");
    }
}
