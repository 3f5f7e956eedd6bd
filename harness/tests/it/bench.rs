//! A place to start stand-in services at.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use gauntlet_harness::error::StackError;
use gauntlet_harness::provider::process::{Launcher, ProcessProvider};
use gauntlet_harness::provider::{
    Instance, Probe, Provider, RunContext, ServiceId, ServiceSpec, StateDir, StopSignal,
};
use tempfile::TempDir;

/// Generous, because the machine may be compiling beside the tests.
pub(crate) const SOON: Duration = Duration::from_secs(20);

pub(crate) struct Bench {
    pub(crate) run: Arc<RunContext>,
    provider: ProcessProvider,
    dir: TempDir,
}

impl Bench {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let state = StateDir::at(dir.path().join("state"));
        let run = open_run(&state, dir.path());
        Self {
            run,
            provider: ProcessProvider::new(launcher()),
            dir,
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Starts `sh -c script`. It is ready when it has made the file `$READY`.
    pub(crate) async fn shell(&self, name: &str, script: &str) -> Arc<dyn Instance> {
        self.start(self.spec(name, script)).await.unwrap()
    }

    pub(crate) async fn start(&self, spec: ServiceSpec) -> Result<Arc<dyn Instance>, StackError> {
        self.provider.start(spec, &self.run).await
    }

    pub(crate) fn spec(&self, name: &str, script: &str) -> ServiceSpec {
        let ready = self.path(&format!("{name}.ready"));
        ServiceSpec {
            id: ServiceId::shared(name),
            program: "/bin/sh".into(),
            args: vec!["-c".into(), script.into()],
            env: vec![("READY".into(), ready.display().to_string())],
            working_dir: self.dir.path().to_owned(),
            run_as: None,
            endpoints: Vec::new(),
            readiness: Arc::new(FileProbe(ready)),
            ready_within: SOON,
            stop_signal: StopSignal::Term,
            provenance: None,
        }
    }
}

pub(crate) fn launcher() -> Launcher {
    Launcher {
        shim: env!("CARGO_BIN_EXE_exec-child").into(),
    }
}

pub(crate) fn open_run(state: &StateDir, dir: &Path) -> Arc<RunContext> {
    let run_id = uuid::Uuid::new_v4().simple().to_string();
    Arc::new(RunContext::open(state, &run_id, dir).unwrap())
}

/// Ready when a file is there.
#[derive(Debug)]
struct FileProbe(PathBuf);

#[async_trait]
impl Probe for FileProbe {
    fn target(&self) -> String {
        self.0.display().to_string()
    }

    async fn ask(&self) -> Result<(), String> {
        self.0
            .exists()
            .then_some(())
            .ok_or_else(|| "no such file yet".to_owned())
    }
}

/// The letter that the kernel has for the state of a process; none where it is gone.
pub(crate) fn state_of(pid: u32) -> Option<char> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name of the program stands before, in brackets, and may hold anything.
    stat.rsplit(") ").next()?.chars().next()
}

pub(crate) fn is_gone(pid: u32) -> Result<(), String> {
    match state_of(pid) {
        None | Some('Z' | 'X') => Ok(()),
        Some(state) => Err(format!("process {pid} is in state {state}")),
    }
}

/// Process ids that a script has written into a file, one a line.
pub(crate) fn pids_in(path: &Path) -> Vec<u32> {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines()
        .map(|line| line.trim().parse().unwrap())
        .collect()
}
