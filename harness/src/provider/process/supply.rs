use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;

use super::Launcher;
use super::instance::ProcessInstance;
use crate::error::StackError;
use crate::provider::{
    Instance, OneShot, Provider, RunAs, RunContext, ServiceId, ServiceSpec, Support,
};

/// Runs services as children of the harness.
#[derive(Debug, Clone)]
pub struct ProcessProvider {
    launcher: Launcher,
}

impl ProcessProvider {
    /// Its name in reports.
    pub const NAME: &'static str = "process";

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
        Self::NAME
    }

    fn bind_ip(&self) -> Ipv4Addr {
        Ipv4Addr::LOCALHOST
    }

    fn host_of(&self, _service: &ServiceId) -> String {
        Ipv4Addr::LOCALHOST.to_string()
    }

    fn run_as(&self) -> Option<RunAs> {
        None
    }

    async fn run_once(&self, shot: OneShot, _run: &Arc<RunContext>) -> Result<(), StackError> {
        self.launcher.run(&shot).await
    }

    async fn close(&self) -> Result<(), StackError> {
        Ok(())
    }

    async fn probe(&self, spec: &ServiceSpec) -> Support {
        if !cfg!(target_os = "linux") {
            let reason = "the process provider needs Linux (parent-death signals)".to_owned();
            return Support::Unavailable { reason };
        }
        if let Some(package) = &spec.package {
            let reason = format!(
                "{} of image {} is no file of this machine",
                spec.program.display(),
                package.image
            );
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
