use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::tree;
use crate::error::StackError;
use crate::provider::{PortSlot, Provider, RunContext, ServiceId};

/// Where a component is about to stand: its run, its ports, and who runs it.
#[derive(Debug, Clone)]
pub struct Site {
    pub run: Arc<RunContext>,
    pub ports: Arc<PortSlot>,
    pub provider: Arc<dyn Provider>,
    /// Prepared data directories of earlier runs.
    pub templates: PathBuf,
}

/// One port of a service, as each side has to name it. The number is the same for all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listener {
    /// What the service itself listens on.
    pub bind: SocketAddr,
    /// Where the other services of the stack find it, `host:port`.
    pub peers: String,
    /// Where the harness finds it.
    pub harness: SocketAddr,
}

impl Listener {
    /// The host part of `peers`.
    pub fn peer_host(&self) -> &str {
        self.peers.rsplit_once(':').map_or("", |(host, _)| host)
    }

    pub fn port(&self) -> u16 {
        self.harness.port()
    }
}

impl Site {
    /// A free port for a service that others connect to. `purpose` is for errors alone.
    pub(crate) fn listener(
        &self,
        service: &ServiceId,
        purpose: &str,
    ) -> Result<Listener, StackError> {
        let port = self.ports.take(purpose)?;
        Ok(Listener {
            bind: SocketAddr::from((self.provider.bind_ip(), port)),
            peers: format!("{}:{port}", self.provider.host_of(service)),
            harness: SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
        })
    }

    /// An address that a service alone connects to, such as that of its own etcd.
    pub(crate) fn private_address(&self, purpose: &str) -> Result<SocketAddr, StackError> {
        let port = self.ports.take(purpose)?;
        Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
    }

    /// A directory of the run that the services may write to.
    pub(crate) fn writable_dir(&self, name: &str) -> Result<PathBuf, StackError> {
        let dir = self.run.temp_dir(name)?;
        tree::own(&dir, self.provider.run_as())
            .map_err(|error| StackError::io("hand over", &dir, error))?;
        Ok(dir)
    }
}

/// Writes a file that a component reads at its start.
pub(crate) fn write(path: &Path, text: impl AsRef<[u8]>) -> Result<(), StackError> {
    std::fs::write(path, text).map_err(|error| StackError::io("write", path, error))
}
