use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;

use super::Launcher;
use super::instance::ProcessInstance;
use crate::error::StackError;
use crate::provider::{Instance, Provider, RunContext, ServiceSpec, Support};

/// Runs services as children of the harness.
#[derive(Debug, Clone)]
pub struct ProcessProvider {
    launcher: Launcher,
}

impl ProcessProvider {
    pub fn new(launcher: Launcher) -> Self {
        Self { launcher }
    }

    pub fn launcher(&self) -> &Launcher {
        &self.launcher
    }
}

#[async_trait]
impl Provider for ProcessProvider {
    fn name(&self) -> &'static str {
        "process"
    }

    async fn probe(&self, spec: &ServiceSpec) -> Support {
        if !cfg!(target_os = "linux") {
            let reason = "the process provider needs Linux (parent-death signals)".to_owned();
            return Support::Unavailable { reason };
        }
        if executable(&spec.program) {
            return Support::Available;
        }
        let reason = format!("{} is not an executable file", spec.program.display());
        Support::Unavailable { reason }
    }

    async fn start(
        &self,
        spec: ServiceSpec,
        run: &Arc<RunContext>,
    ) -> Result<Arc<dyn Instance>, StackError> {
        let instance = ProcessInstance::start(spec, self.launcher.clone(), Arc::clone(run)).await?;
        Ok(Arc::new(instance))
    }
}

fn executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata()
        .is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}
