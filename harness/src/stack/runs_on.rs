use std::path::Path;
use std::sync::Arc;

use crate::error::StackError;
use crate::image::Images;
use crate::provider::containers::ContainerProvider;
use crate::provider::process::{Launcher, ProcessProvider};
use crate::provider::{Provider, RunContext};

/// What a stack's services run on.
#[derive(Debug, Clone)]
pub enum RunsOn {
    /// Children of the harness.
    Processes,
    /// Containers of the engine that has these images.
    Containers(Arc<Images>),
}

/// What a service means by 127.0.0.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Network {
    /// The harness's machine.
    Hosts,
    /// Itself alone.
    Own,
}

impl RunsOn {
    /// The network that services are on.
    pub fn network(&self) -> Network {
        match self {
            Self::Processes => Network::Hosts,
            Self::Containers(_) => Network::Own,
        }
    }

    /// The provider's name in reports.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Processes => ProcessProvider::NAME,
            Self::Containers(_) => ContainerProvider::NAME,
        }
    }

    /// A provider for one run. `shim` is the executable that answers to the harness's inner subcommands.
    pub(super) async fn provider(
        &self,
        shim: &Path,
        run: &RunContext,
    ) -> Result<Arc<dyn Provider>, StackError> {
        match self {
            Self::Processes => {
                let shim = shim.to_owned();
                Ok(Arc::new(ProcessProvider::new(Launcher { shim })))
            }
            Self::Containers(images) => {
                let engine = images.engine().clone();
                let provider = ContainerProvider::open(engine, shim, run).await?;
                Ok(Arc::new(provider))
            }
        }
    }
}
