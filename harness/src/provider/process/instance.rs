use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use gauntlet_reports::Provenance;
use tokio::process::Child;
use tokio::sync::watch;

use super::command::{Launcher, Program};
use super::output;
use super::proctable::{Identity, deliver, family, kill_all};
use crate::error::{StackError, StackErrorKind};
use crate::provider::{
    Endpoint, Exit, Health, Instance, RunContext, ServiceId, ServiceSpec, Signal, Stopped,
    UnexpectedExit, micros_since_epoch, until,
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
    life: Mutex<Life>,
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
struct Life {
    identity: Identity,
    end: watch::Receiver<Option<Exit>>,
    /// Set before a signal that ends it is sent.
    asked_to_end: Arc<AtomicBool>,
}

impl ProcessInstance {
    pub(super) async fn start(
        spec: ServiceSpec,
        launcher: Launcher,
        run: Arc<RunContext>,
    ) -> Result<Self, StackError> {
        let log = run.log_file(&spec.id);
        let life = Life::begin(&spec, &launcher, &run, &log).await?;
        let (life, changing) = (Mutex::new(life), tokio::sync::Mutex::new(Stage::InUse));
        Ok(Self {
            spec,
            launcher,
            run,
            log,
            life,
            changing,
        })
    }

    fn life(&self) -> Life {
        self.life
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn died(&self, exit: Exit) -> StackError {
        StackError::new(
            StackErrorKind::Died,
            format!("start {}, it ended with {exit}", self.spec.id),
            format!("see {}", self.log.display()),
        )
        .with_exit(exit)
        .with_output(output::last_lines(&self.log))
    }

    /// Ends the present process, and whatever it leaves behind.
    async fn end(&self, grace: Duration) -> Result<Stopped, StackError> {
        let life = self.life();
        if life.exit().is_some() {
            return Ok(Stopped::AlreadyGone);
        }
        let members = family(life.identity);
        self.send(&life, self.spec.stop_signal.signal())?;
        // A paused process takes no request; continuing one that runs does nothing.
        self.send(&life, Signal::Resume)?;
        let mut how = Stopped::InGoodOrder;
        if tokio::time::timeout(grace, life.ended()).await.is_err() {
            how = Stopped::ByForce;
            tracing::warn!(service = %self.spec.id, grace_seconds = grace.as_secs_f64(), "did not end when asked, killing it");
            self.send(&life, Signal::Kill)?;
            if tokio::time::timeout(KILL_WITHIN, life.ended())
                .await
                .is_err()
            {
                let what = format!("end {} (pid {})", self.spec.id, life.identity.pid);
                let mend = "it does not even answer SIGKILL: look for a stuck disk with `dmesg`";
                return Err(StackError::new(StackErrorKind::NotReady, what, mend));
            }
        }
        kill_all(&members);
        Ok(how)
    }

    fn send(&self, life: &Life, signal: Signal) -> Result<(), StackError> {
        if signal.ends() {
            life.asked_to_end.store(true, Ordering::Release);
        }
        deliver(life.identity, signal).map_err(|error| {
            let what = format!("send {signal:?} to {}", self.spec.id);
            StackError::new(StackErrorKind::Io, what, "see the cause").because(error)
        })
    }

    fn stopped_for_good(&self) -> StackError {
        let what = format!("restart {}, which was stopped for good", self.spec.id);
        StackError::new(
            StackErrorKind::Stopped,
            what,
            "heal faults before stopping the stack",
        )
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
        let life = self.life();
        if life.exit().is_some() {
            return None;
        }
        u32::try_from(life.identity.pid).ok()
    }

    fn exit(&self) -> Option<Exit> {
        self.life().exit()
    }

    fn ready_within(&self) -> Duration {
        self.spec.ready_within
    }

    async fn ready(&self, within: Duration) -> Result<Duration, StackError> {
        let life = self.life();
        let probe = Arc::clone(&self.spec.readiness);
        let what = format!("{} at {}", self.spec.id, probe.target());
        tokio::select! {
            exit = life.ended() => Err(self.died(exit)),
            answer = until(what, within, || probe.ask()) => match answer {
                Ok(((), took)) => Ok(took),
                Err(waited) => Err(StackError::new(
                    StackErrorKind::NotReady,
                    format!("start {}", self.spec.id),
                    format!("see {}", self.log.display()),
                )
                .because(waited)
                .with_output(output::last_lines(&self.log))),
            },
        }
    }

    async fn health(&self) -> Health {
        if let Some(exit) = self.exit() {
            return Health::Exited(exit);
        }
        match self.spec.readiness.ask().await {
            Ok(()) => Health::Healthy,
            Err(status) => self
                .exit()
                .map_or(Health::Unhealthy(status), Health::Exited),
        }
    }

    async fn signal(&self, signal: Signal) -> Result<(), StackError> {
        self.send(&self.life(), signal)
    }

    async fn ended(&self) -> Exit {
        self.life().ended().await
    }

    async fn restart(&self) -> Result<(), StackError> {
        let stage = self.changing.lock().await;
        if *stage == Stage::StoppedForGood {
            return Err(self.stopped_for_good());
        }
        self.end(RESTART_GRACE).await?;
        let life = Life::begin(&self.spec, &self.launcher, &self.run, &self.log).await?;
        *self.life.lock().unwrap_or_else(PoisonError::into_inner) = life;
        Ok(())
    }

    async fn stop(&self, grace: Duration) -> Result<Stopped, StackError> {
        let mut stage = self.changing.lock().await;
        *stage = Stage::StoppedForGood;
        self.end(grace).await
    }

    fn abandon(&self) {
        let life = self.life();
        if life.exit().is_none() {
            life.asked_to_end.store(true, Ordering::Release);
            kill_all(&family(life.identity));
        }
    }
}

impl Life {
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
        let (sender, end) = watch::channel(None);
        let asked_to_end = Arc::new(AtomicBool::new(false));
        let watcher = Watcher {
            service: spec.id.clone(),
            run: Arc::clone(run),
            log: log.to_owned(),
            asked_to_end: Arc::clone(&asked_to_end),
        };
        tokio::spawn(watcher.watch(child, sender));
        Ok(Self {
            identity,
            end,
            asked_to_end,
        })
    }

    fn exit(&self) -> Option<Exit> {
        *self.end.borrow()
    }

    async fn ended(&self) -> Exit {
        let mut end = self.end.clone();
        match end.wait_for(Option::is_some).await {
            Ok(exit) => exit.unwrap_or(Exit::Code(-1)),
            // The watcher ends without a word only with the runtime, which kills the child.
            Err(_) => Exit::Signal(nix::sys::signal::Signal::SIGKILL as i32),
        }
    }
}

/// Waits for one process and tells whoever has to know.
struct Watcher {
    service: ServiceId,
    run: Arc<RunContext>,
    log: PathBuf,
    asked_to_end: Arc<AtomicBool>,
}

impl Watcher {
    async fn watch(self, mut child: Child, end: watch::Sender<Option<Exit>>) {
        let exit = match child.wait().await {
            Ok(status) => Exit::from(status),
            Err(error) => {
                tracing::error!(service = %self.service, %error, "failed to wait for a child");
                Exit::Code(-1)
            }
        };
        if !self.asked_to_end.load(Ordering::Acquire) {
            tracing::warn!(service = %self.service, %exit, "ended unexpectedly");
            self.run.record_unexpected(UnexpectedExit {
                service: self.service,
                exit,
                at_micros: micros_since_epoch(),
                last_output: output::last_lines(&self.log),
            });
        }
        end.send_replace(Some(exit));
    }
}
