use std::fmt;

use serde::{Deserialize, Serialize};

use crate::provider::ServiceId;

/// A fault as data, so that a plan of them can be drawn from a seed, written down and replayed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "fault", content = "services", rename_all = "snake_case")]
pub enum Fault {
    /// SIGKILL, all at once. Healing starts them again.
    Kill(Vec<ServiceId>),
    /// SIGSTOP: connections stay open and nothing answers. Healing continues them.
    Pause(Vec<ServiceId>),
    /// An orderly stop and a start. Healing waits until they are ready.
    Restart(Vec<ServiceId>),
}

impl Fault {
    pub fn targets(&self) -> &[ServiceId] {
        match self {
            Self::Kill(services) | Self::Pause(services) | Self::Restart(services) => services,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let deed = match self {
            Self::Kill(_) => "SIGKILL of",
            Self::Pause(_) => "pause of",
            Self::Restart(_) => "restart of",
        };
        let names: Vec<_> = self.targets().iter().map(ServiceId::as_str).collect();
        write!(f, "{deed} {}", names.join(" and "))
    }
}
