use std::path::PathBuf;

use super::Metrics;
use super::line::Line;

/// The name that `scheduler` gives itself.
const OWN_ID: &str = "dapr-scheduler-server-0";

/// Flags of `scheduler`, as one instance with its etcd inside.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scheduler {
    /// Where sidecars call. Dapr's default is [`ports::SCHEDULER`](crate::ports::SCHEDULER).
    pub port: Option<u16>,
    pub listen_address: Option<String>,
    /// The `host:port` that sidecars are told to call, if it is not the one that the scheduler sees itself.
    pub override_broadcast_host_port: Option<String>,
    /// Dapr's default is [`ports::HEALTHZ`](crate::ports::HEALTHZ).
    pub healthz_port: Option<u16>,
    /// 1.16.5 takes it and listens on every interface all the same.
    pub healthz_listen_address: Option<String>,
    pub metrics: Metrics,
    pub id: Option<String>,
    pub etcd_data_dir: Option<PathBuf>,
    pub etcd_client_port: Option<u16>,
    /// The `host:port` where the etcd inside is called by its peers, of which it has none.
    pub etcd_peer_address: Option<String>,
    /// Further flags, passed on as they are.
    pub extra: Vec<String>,
}

impl Scheduler {
    /// The arguments, without the name of the executable.
    pub fn args(&self) -> Vec<String> {
        let mut line = Line::default();
        line.maybe("port", self.port.as_ref());
        line.maybe("listen-address", self.listen_address.as_ref());
        line.maybe(
            "override-broadcast-host-port",
            self.override_broadcast_host_port.as_ref(),
        );
        line.maybe("healthz-port", self.healthz_port.as_ref());
        line.maybe(
            "healthz-listen-address",
            self.healthz_listen_address.as_ref(),
        );
        self.metrics.write(&mut line);
        line.maybe("id", self.id.as_ref());
        let data = self.etcd_data_dir.as_ref().map(|path| path.display());
        line.maybe("etcd-data-dir", data.as_ref());
        line.maybe("etcd-client-port", self.etcd_client_port.as_ref());
        if let Some(peer) = &self.etcd_peer_address {
            let id = self.id.as_deref().unwrap_or(OWN_ID);
            line.flag("etcd-initial-cluster", format_args!("{id}=http://{peer}"));
        }
        line.done(&self.extra)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_writes_its_flag_in_the_documented_order() {
        let flags = Scheduler {
            port: Some(6001),
            listen_address: Some("127.0.0.1".to_owned()),
            override_broadcast_host_port: Some("127.0.0.1:6001".to_owned()),
            healthz_port: Some(6002),
            healthz_listen_address: Some("127.0.0.1".to_owned()),
            metrics: Metrics::Off,
            id: Some("scheduler-0".to_owned()),
            etcd_data_dir: Some("data/etcd".into()),
            etcd_client_port: Some(6003),
            etcd_peer_address: Some("127.0.0.1:6004".to_owned()),
            extra: vec!["--log-as-json".to_owned()],
        };
        let expected = [
            "--port=6001",
            "--listen-address=127.0.0.1",
            "--override-broadcast-host-port=127.0.0.1:6001",
            "--healthz-port=6002",
            "--healthz-listen-address=127.0.0.1",
            "--enable-metrics=false",
            "--id=scheduler-0",
            "--etcd-data-dir=data/etcd",
            "--etcd-client-port=6003",
            "--etcd-initial-cluster=scheduler-0=http://127.0.0.1:6004",
            "--log-as-json",
        ];
        assert_eq!(flags.args(), expected);
    }

    #[test]
    fn what_is_unsaid_writes_no_flag() {
        assert!(Scheduler::default().args().is_empty());
    }

    #[test]
    fn a_peer_without_a_name_gets_the_name_that_dapr_would_use() {
        let flags = Scheduler {
            etcd_peer_address: Some("localhost:6004".to_owned()),
            ..Scheduler::default()
        };
        assert_eq!(
            flags.args(),
            ["--etcd-initial-cluster=dapr-scheduler-server-0=http://localhost:6004"]
        );
    }
}
