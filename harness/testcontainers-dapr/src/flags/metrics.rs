use super::line::Line;

/// What becomes of the metrics, which every executable of Dapr's offers on a port of its own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Metrics {
    /// No flag: on, port 9090 of every interface.
    #[default]
    Unsaid,
    Off,
    /// On. Scheduler and placement take the address and listen on every interface all the same (1.16.5).
    At {
        port: u16,
        listen_address: Option<String>,
    },
}

impl Metrics {
    pub(super) fn write(&self, line: &mut Line) {
        match self {
            Self::Unsaid => {}
            Self::Off => line.flag("enable-metrics", false),
            Self::At {
                port,
                listen_address,
            } => {
                line.flag("metrics-port", port);
                line.maybe("metrics-listen-address", listen_address.as_ref());
            }
        }
    }

    /// The port, if there is to be one.
    pub fn port(&self) -> Option<u16> {
        match self {
            Self::Unsaid => Some(crate::ports::METRICS),
            Self::Off => None,
            Self::At { port, .. } => Some(*port),
        }
    }
}
