use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use gauntlet_reports::Provenance;
use tokio::process::Child;

use super::command::{Launcher, Program};
use super::proctable::{Identity, deliver, family, kill_all};
use crate::error::{StackError, StackErrorKind};
use crate::provider::life::{self, Life, Witness, stopped_for_good};
use crate::provider::{
    Endpoint, Exit, Health, Instance, RunContext, ServiceId, ServiceSpec, Signal, Stopped,
};

/// What a restart grants a service that still runs before it is killed.
const RESTART_GRACE: Duration = Duration::from_secs(10);
/// SIGKILL takes effect at once; only a process in the midst of disk IO keeps the kernel waiting.
const KILL_WITHIN: Duration = Duration::from_secs(10);

/// One supervised child, over all its restarts.
#[derive(Debug)]
pub(super) struct ProcessInstance {
    spec: ServiceSpec,
    launcher: Launcher,
    run: Arc<RunContext>,
    log: PathBuf,
    present: Mutex<Process>,
    /// Restart and stop exclude each other: a heal must not bring back what a stop just ended.
    changing: tokio::sync::Mutex<Stage>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    InUse,
    StoppedForGood,
}

/// One process, from its start to its end.
#[derive(Debug, Clone)]
struct Process {
    identity: Identity,
    life: Life,
}

impl ProcessInstance {
    pub(super) async fn start(
        spec: ServiceSpec,
        launcher: Launcher,
        run: Arc<RunContext>,
    ) -> Result<Self, StackError> {
        let log = run.log_file(&spec.id);
        let present = Process::begin(&spec, &launcher, &run, &log).await?;
        let (present, changing) = (Mutex::new(present), tokio::sync::Mutex::new(Stage::InUse));
        Ok(Self {
            spec,
            launcher,
            run,
            log,
            present,
            changing,
        })
    }

    fn present(&self) -> Process {
        self.present
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Ends the present process, and whatever it leaves behind.
    async fn end(&self, grace: Duration) -> Result<Stopped, StackError> {
        let process = self.present();
        let life = &process.life;
        if life.exit().is_some() {
            return Ok(Stopped::AlreadyGone);
        }
        let members = family(process.identity);
        self.send(&process, self.spec.stop_signal.signal())?;
        // A paused process takes no request; continuing one that runs does nothing.
        self.send(&process, Signal::Resume)?;
        let mut how = Stopped::InGoodOrder;
        if tokio::time::timeout(grace, life.ended()).await.is_err() {
            how = Stopped::ByForce;
            tracing::warn!(service = %self.spec.id, grace_seconds = grace.as_secs_f64(), "did not end when asked, killing it");
            self.send(&process, Signal::Kill)?;
            if tokio::time::timeout(KILL_WITHIN, life.ended())
                .await
                .is_err()
            {
                let what = format!("end {} (pid {})", self.spec.id, process.identity.pid);
                let mend = "it does not even answer SIGKILL: look for a stuck disk with `dmesg`";
                return Err(StackError::new(StackErrorKind::NotReady, what, mend));
            }
        }
        kill_all(&members);
        Ok(how)
    }

    fn send(&self, process: &Process, signal: Signal) -> Result<(), StackError> {
        if signal.ends() {
            process.life.expect_end();
        }
        deliver(process.identity, signal).map_err(|error| {
            let what = format!("send {signal:?} to {}", self.spec.id);
            StackError::new(StackErrorKind::Io, what, "see the cause").because(error)
        })
    }
}

#[async_trait]
impl Instance for ProcessInstance {
    fn id(&self) -> &ServiceId {
        &self.spec.id
    }

    fn endpoints(&self) -> &[Endpoint] {
        &self.spec.endpoints
    }

    fn provenance(&self) -> Option<&Provenance> {
        self.spec.provenance.as_ref()
    }

    fn logs(&self) -> PathBuf {
        self.log.clone()
    }

    fn pid(&self) -> Option<u32> {
        let process = self.present();
        if process.life.exit().is_some() {
            return None;
        }
        u32::try_from(process.identity.pid).ok()
    }

    fn exit(&self) -> Option<Exit> {
        self.present().life.exit()
    }

    fn ready_within(&self) -> Duration {
        self.spec.ready_within
    }

    async fn ready(&self, within: Duration) -> Result<Duration, StackError> {
        let life = self.present().life;
        life.ready(&self.spec, &self.log, within).await
    }

    async fn health(&self) -> Health {
        self.present().life.health(&self.spec).await
    }

    async fn signal(&self, signal: Signal) -> Result<(), StackError> {
        self.send(&self.present(), signal)
    }

    async fn ended(&self) -> Exit {
        self.present().life.ended().await
    }

    async fn restart(&self) -> Result<(), StackError> {
        let stage = self.changing.lock().await;
        if *stage == Stage::StoppedForGood {
            return Err(stopped_for_good(&self.spec.id));
        }
        self.end(RESTART_GRACE).await?;
        let process = Process::begin(&self.spec, &self.launcher, &self.run, &self.log).await?;
        *self.present.lock().unwrap_or_else(PoisonError::into_inner) = process;
        Ok(())
    }

    async fn stop(&self, grace: Duration) -> Result<Stopped, StackError> {
        let mut stage = self.changing.lock().await;
        *stage = Stage::StoppedForGood;
        self.end(grace).await
    }

    fn abandon(&self) {
        let process = self.present();
        if process.life.exit().is_none() {
            process.life.expect_end();
            kill_all(&family(process.identity));
        }
    }
}

impl Process {
    async fn begin(
        spec: &ServiceSpec,
        launcher: &Launcher,
        run: &Arc<RunContext>,
        log: &std::path::Path,
    ) -> Result<Self, StackError> {
        let program = Program {
            path: &spec.program,
            args: &spec.args,
            env: &spec.env,
            working_dir: &spec.working_dir,
            run_as: spec.run_as,
            log,
        };
        let child = launcher.spawn(&program).await?;
        let pid = child
            .id()
            .and_then(|pid| i32::try_from(pid).ok())
            .ok_or_else(|| {
                let what = format!("learn the process id of {}", spec.id);
                StackError::new(StackErrorKind::Spawn, what, "see the log of the service")
            })?;
        // No start time means that it is dead already; an impossible one keeps signals away from
        // whoever gets its id next.
        let identity = Identity::of(pid).unwrap_or(Identity {
            pid,
            start_ticks: 0,
        });
        run.register(&spec.id, identity)?;
        let (life, witness) = life::begin(&spec.id, run, log);
        tokio::spawn(watch(child, witness));
        Ok(Self { identity, life })
    }
}

async fn watch(mut child: Child, witness: Witness) {
    let exit = match child.wait().await {
        Ok(status) => Exit::from(status),
        Err(error) => {
            tracing::error!(service = %witness.service(), %error, "failed to wait for a child");
            Exit::Code(-1)
        }
    };
    witness.tell(exit);
}
