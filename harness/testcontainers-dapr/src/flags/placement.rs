use super::Metrics;
use super::line::Line;

/// The name that `placement` gives itself.
const OWN_ID: &str = "dapr-placement-0";

/// Flags of `placement`, as one instance that is its own leader.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Placement {
    /// Where sidecars call. Dapr's default is [`ports::PLACEMENT`](crate::ports::PLACEMENT).
    pub port: Option<u16>,
    pub listen_address: Option<String>,
    /// Dapr's default is [`ports::HEALTHZ`](crate::ports::HEALTHZ).
    pub healthz_port: Option<u16>,
    /// 1.16.5 takes it and listens on every interface all the same.
    pub healthz_listen_address: Option<String>,
    pub metrics: Metrics,
    pub id: Option<String>,
    /// The `host:port` where Raft listens for peers, of which there are none.
    pub raft_address: Option<String>,
    /// Further flags, passed on as they are.
    pub extra: Vec<String>,
}

impl Placement {
    /// The arguments, without the name of the executable.
    pub fn args(&self) -> Vec<String> {
        let mut line = Line::default();
        line.maybe("port", self.port.as_ref());
        line.maybe("listen-address", self.listen_address.as_ref());
        line.maybe("healthz-port", self.healthz_port.as_ref());
        line.maybe(
            "healthz-listen-address",
            self.healthz_listen_address.as_ref(),
        );
        self.metrics.write(&mut line);
        line.maybe("id", self.id.as_ref());
        if let Some(raft) = &self.raft_address {
            let id = self.id.as_deref().unwrap_or(OWN_ID);
            line.flag("initial-cluster", format_args!("{id}={raft}"));
        }
        line.done(&self.extra)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_writes_its_flag_in_the_documented_order() {
        let flags = Placement {
            port: Some(6001),
            listen_address: Some("127.0.0.1".to_owned()),
            healthz_port: Some(6002),
            healthz_listen_address: Some("127.0.0.1".to_owned()),
            metrics: Metrics::Off,
            id: Some("placement-0".to_owned()),
            raft_address: Some("127.0.0.1:6003".to_owned()),
            extra: vec!["--log-as-json".to_owned()],
        };
        let expected = [
            "--port=6001",
            "--listen-address=127.0.0.1",
            "--healthz-port=6002",
            "--healthz-listen-address=127.0.0.1",
            "--enable-metrics=false",
            "--id=placement-0",
            "--initial-cluster=placement-0=127.0.0.1:6003",
            "--log-as-json",
        ];
        assert_eq!(flags.args(), expected);
    }

    #[test]
    fn what_is_unsaid_writes_no_flag() {
        assert!(Placement::default().args().is_empty());
    }

    #[test]
    fn a_peer_without_a_name_gets_the_name_that_dapr_would_use() {
        let flags = Placement {
            raft_address: Some("localhost:8201".to_owned()),
            ..Placement::default()
        };
        assert_eq!(
            flags.args(),
            ["--initial-cluster=dapr-placement-0=localhost:8201"]
        );
    }
}
