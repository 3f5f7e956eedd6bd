use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::StackError;
use crate::provider::process::Launcher;
use crate::provider::{PortSlot, RunContext};

/// Where a component is about to stand: its run, its ports, and the means to prepare its files.
#[derive(Debug, Clone)]
pub struct Site {
    pub run: Arc<RunContext>,
    pub ports: Arc<PortSlot>,
    pub launcher: Launcher,
    /// Prepared data directories of earlier runs.
    pub templates: PathBuf,
}

impl Site {
    /// A free address of this run on the loopback interface.
    pub(crate) fn address(&self, purpose: &str) -> Result<SocketAddr, StackError> {
        Ok(SocketAddr::from((
            Ipv4Addr::LOCALHOST,
            self.ports.take(purpose)?,
        )))
    }

    pub(crate) fn temp_dir(&self, name: &str) -> Result<PathBuf, StackError> {
        self.run.temp_dir(name)
    }
}

/// Writes a file that a component reads at its start.
pub(crate) fn write(path: &Path, text: impl AsRef<[u8]>) -> Result<(), StackError> {
    std::fs::write(path, text).map_err(|error| StackError::io("write", path, error))
}
