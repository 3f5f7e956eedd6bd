use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use super::runs_on::RunsOn;
use crate::component::ComponentFiles;
use crate::component::system::SystemSource;
use crate::provider::StateDir;
use crate::store::{Progress, Store};

/// What a stack is started with, beside its topology.
#[derive(Clone)]
pub struct StackContext {
    /// Unique among the stacks that live at the same time; names the temporary directory.
    pub run_id: String,
    /// Keeps the logs; outlives the stack.
    pub run_dir: PathBuf,
    pub state: StateDir,
    /// The executable that answers to `exec-child`: the `gauntlet` binary.
    pub shim: PathBuf,
    pub runs_on: RunsOn,
    pub store: Arc<Store>,
    /// The Dapr component files to mount.
    pub components: ComponentFiles,
    pub system: SystemSource,
    /// Told of fetches and builds of components.
    pub progress: Arc<dyn Progress>,
    /// Told, line by line, what is going on besides.
    pub notes: Arc<dyn Fn(&str) + Send + Sync>,
}

impl fmt::Debug for StackContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StackContext")
            .field("run_id", &self.run_id)
            .field("run_dir", &self.run_dir)
            .field("state", &self.state)
            .field("shim", &self.shim)
            .field("runs_on", &self.runs_on)
            .field("components", &self.components)
            .field("system", &self.system)
            .finish_non_exhaustive()
    }
}
