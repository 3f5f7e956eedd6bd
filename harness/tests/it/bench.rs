//! A place to start stand-in services at.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use gauntlet_harness::error::StackError;
use gauntlet_harness::provider::process::{Launcher, ProcessProvider};
use gauntlet_harness::provider::{
    Endpoint, Instance, OneShot, Package, PortSlot, Probe, Provider, RunContext, ServiceId,
    ServiceSpec, StateDir, StopSignal, until,
};
use tempfile::TempDir;

use crate::parts;

/// Generous, because the machine may be compiling beside the tests.
pub(crate) const SOON: Duration = Duration::from_secs(20);

/// Ends when it is asked to, as any decent service does. By itself the kernel ends a process that knows
/// nothing of the signal, but not the first one of a container.
pub(crate) const OBEDIENT: &str = "trap 'exit 0' TERM; touch $READY; sleep 1000 & wait";
/// Has to be killed.
pub(crate) const STUBBORN: &str = "trap '' TERM; touch $READY; while :; do sleep 1; done";

/// One run on one provider.
pub(crate) struct Bench {
    pub(crate) run: Arc<RunContext>,
    pub(crate) provider: Arc<dyn Provider>,
    /// What a stand-in is run from; None: from the files of this machine.
    package: Option<Package>,
    ports: PortSlot,
    dir: TempDir,
}

impl Drop for Bench {
    fn drop(&mut self) {
        // The sweep that would see to a run that was not closed looks into a folder that goes with this.
        let _ = self.run.close();
    }
}

impl Bench {
    pub(crate) fn on_processes() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let run = open_run(&state_in(dir.path()), dir.path());
        Self::at(dir, run, Arc::new(ProcessProvider::new(launcher())), None)
    }

    pub(crate) fn at(
        dir: TempDir,
        run: Arc<RunContext>,
        provider: Arc<dyn Provider>,
        package: Option<Package>,
    ) -> Self {
        if let Some(user) = provider.run_as() {
            std::os::unix::fs::chown(dir.path(), Some(user.uid), Some(user.gid)).unwrap();
        }
        Self {
            run,
            provider,
            package,
            ports: PortSlot::acquire().unwrap(),
            dir,
        }
    }

    /// Says that all went well: the provider has to agree.
    pub(crate) async fn close(self) {
        self.provider.close().await.unwrap();
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Starts `sh -c script`. It is ready when it has made the file `$READY`.
    pub(crate) async fn shell(&self, name: &str, script: &str) -> Arc<dyn Instance> {
        self.start(self.spec(name, script)).await.unwrap()
    }

    /// The same, and it is ready.
    pub(crate) async fn ready_shell(&self, name: &str, script: &str) -> Arc<dyn Instance> {
        let service = self.shell(name, script).await;
        service.ready(SOON).await.unwrap();
        service
    }

    /// Takes the sign of readiness away, so that only a new start can give it again.
    pub(crate) fn forget_ready(&self, name: &str) {
        std::fs::remove_file(self.path(&format!("{name}.ready"))).unwrap();
    }

    pub(crate) async fn start(&self, spec: ServiceSpec) -> Result<Arc<dyn Instance>, StackError> {
        self.provider.start(spec, &self.run).await
    }

    pub(crate) fn spec(&self, name: &str, script: &str) -> ServiceSpec {
        let ready = self.path(&format!("{name}.ready"));
        ServiceSpec {
            id: ServiceId::shared(name),
            program: "/bin/sh".into(),
            package: self.package.clone(),
            args: vec!["-c".into(), script.into()],
            env: vec![("READY".into(), ready.display().to_string())],
            working_dir: self.dir.path().to_owned(),
            run_as: self.provider.run_as(),
            endpoints: Vec::new(),
            readiness: Arc::new(FileProbe(ready)),
            ready_within: SOON,
            stop_signal: StopSignal::Term,
            provenance: None,
        }
    }

    /// A service that greets everybody who connects to its one port.
    pub(crate) fn listener(&self, name: &str) -> (ServiceSpec, u16) {
        let port = self.ports.take(name).unwrap();
        let mut spec = self.spec(name, "");
        (spec.program, spec.args) = parts::command(parts::LISTENER);
        let address = format!("{}:{port}", self.provider.bind_ip());
        spec.env = vec![(parts::ADDRESS.into(), address)];
        spec.endpoints = vec![Endpoint::new("tcp", format!("tcp://127.0.0.1:{port}"))];
        spec.readiness = Arc::new(parts::Greeting::at(port));
        if let Some(package) = &mut spec.package {
            package.ports = vec![port];
        }
        (spec, port)
    }

    /// Runs `sh -c script` to its end.
    pub(crate) fn shot(&self, what: &str, script: &str) -> OneShot {
        OneShot {
            what: what.into(),
            program: "/bin/sh".into(),
            package: self.package.clone(),
            args: vec!["-c".into(), script.into()],
            env: Vec::new(),
            working_dir: self.dir.path().to_owned(),
            run_as: self.provider.run_as(),
            log: self.path("shot.log"),
            within: SOON,
        }
    }

    pub(crate) async fn run_once(&self, shot: OneShot) -> Result<(), StackError> {
        self.provider.run_once(shot, &self.run).await
    }
}

pub(crate) fn launcher() -> Launcher {
    Launcher {
        shim: env!("CARGO_BIN_EXE_exec-child").into(),
    }
}

pub(crate) fn state_in(dir: &Path) -> StateDir {
    StateDir::at(dir.join("state"))
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

pub(crate) async fn until_gone(pids: &[u32]) {
    let all_gone = || std::future::ready(pids.iter().try_for_each(|pid| is_gone(*pid)));
    until("the processes to end", SOON, all_gone).await.unwrap();
}

/// The processes that this one has started, as this machine numbers them.
pub(crate) fn children_of(pid: u32) -> Vec<u32> {
    let path = format!("/proc/{pid}/task/{pid}/children");
    let text = std::fs::read_to_string(path).unwrap();
    text.split_whitespace()
        .map(|pid| pid.parse().unwrap())
        .collect()
}

/// Process ids that a script has written into a file, one a line.
pub(crate) fn pids_in(path: &Path) -> Vec<u32> {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines()
        .map(|line| line.trim().parse().unwrap())
        .collect()
}
