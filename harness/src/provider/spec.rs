use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use gauntlet_reports::Provenance;
use serde::{Deserialize, Serialize};

use super::{Probe, Signal};

/// Names a service within a stack: `kafka`, or `dapr-kafka/api` for one that belongs to a lane.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ServiceId(String);

impl ServiceId {
    /// A service that all lanes share.
    pub fn shared(name: &str) -> Self {
        Self(name.to_owned())
    }

    /// A service of one lane.
    pub fn of_lane(lane: &str, name: &str) -> Self {
        Self(format!("{lane}/{name}"))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name as one path element.
    pub fn file_stem(&self) -> String {
        self.0.replace('/', ".")
    }
}

impl fmt::Display for ServiceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Where a service listens, for people and for `describe`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// What is spoken there: `http`, `kafka`, `postgres` …
    pub name: String,
    pub url: String,
}

impl Endpoint {
    pub fn new(name: &str, url: impl Into<String>) -> Self {
        Self {
            name: name.to_owned(),
            url: url.into(),
        }
    }
}

/// The user that a service runs as, where that is not the harness's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunAs {
    pub uid: u32,
    pub gid: u32,
}

impl RunAs {
    /// In whose name services run for a harness that is root, where they are not to be or refuse to be.
    pub const NOBODY: Self = Self {
        uid: 65_534,
        gid: 65_534,
    };
}

/// The signal that asks a service to end in good order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopSignal {
    Term,
    /// Postgres waits for its clients on SIGTERM; SIGINT ends their sessions and shuts down cleanly.
    Interrupt,
}

impl StopSignal {
    pub(crate) fn signal(self) -> Signal {
        match self {
            Self::Term => Signal::Term,
            Self::Interrupt => Signal::Interrupt,
        }
    }
}

/// A path of this machine that a service has to see. In a container it lies at the same place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    pub path: PathBuf,
    pub writable: bool,
}

impl Mount {
    pub fn read_only(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            writable: false,
        }
    }

    pub fn writable(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            writable: true,
        }
    }
}

/// What a container may take of its host.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// Beyond it the kernel kills the container's largest process.
    pub memory_bytes: u64,
    /// Cores' worth of time, such as 0.5; None: no limit.
    pub cpus: Option<f64>,
}

impl Limits {
    pub const fn memory_mib(mib: u64) -> Self {
        Self {
            memory_bytes: mib * 1024 * 1024,
            cpus: None,
        }
    }
}

/// What is needed to run a program as a container, beyond what a process needs.
#[derive(Debug, Clone, PartialEq)]
pub struct Package {
    /// The image that holds the program, as the engine knows it.
    pub image: String,
    pub mounts: Vec<Mount>,
    /// Ports that the harness connects to: published on 127.0.0.1 under the same number.
    pub ports: Vec<u16>,
    pub limits: Limits,
}

/// The plan of one service: everything that is needed to start it, and to start it again.
#[derive(Debug, Clone)]
pub struct ServiceSpec {
    pub id: ServiceId,
    /// A file of this machine; of the image where there is a `package`.
    pub program: PathBuf,
    /// None: the program is a file of this machine.
    pub package: Option<Package>,
    pub args: Vec<String>,
    /// Beside these a process sees only what every program needs (`PATH`, `HOME`, locale, `TMPDIR`), a
    /// container what its image sets.
    pub env: Vec<(String, String)>,
    pub working_dir: PathBuf,
    /// None: the harness's own user.
    pub run_as: Option<RunAs>,
    pub endpoints: Vec<Endpoint>,
    pub readiness: Arc<dyn Probe>,
    /// How long a start may take before it counts as failed.
    pub ready_within: Duration,
    pub stop_signal: StopSignal,
    pub provenance: Option<Provenance>,
}
