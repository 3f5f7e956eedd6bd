use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use gauntlet_reports::Provenance;
use testcontainers::TestcontainersError;
use testcontainers::bollard::errors::Error as EngineError;
use testcontainers::bollard::query_parameters::{
    InspectContainerOptions, KillContainerOptionsBuilder, StartContainerOptions,
};
use testcontainers::core::error::ClientError;
use testcontainers::runners::AsyncRunner;

use super::engine::{Engine, refused};
use super::names::Names;
use super::output::{Output, watch};
use super::remove::{gone_is_fine, remove_container};
use super::request::Plan;
use crate::error::{StackError, StackErrorKind};
use crate::provider::life::{self, Life, Witness, stopped_for_good};
use crate::provider::{
    Endpoint, Exit, Health, Instance, Package, RunContext, ServiceId, ServiceSpec, Signal, Stopped,
};

/// What a restart grants a service that still runs before it is killed.
const RESTART_GRACE: Duration = Duration::from_secs(10);
/// SIGKILL takes effect at once; the engine then takes its time to tear the network down.
const KILL_WITHIN: Duration = Duration::from_secs(20);
/// What the engine answers where a container does not run, or is paused already.
const CONFLICT: u16 = 409;

/// One container, over all its restarts.
#[derive(Debug)]
pub(super) struct ContainerInstance {
    spec: ServiceSpec,
    engine: Engine,
    run: Arc<RunContext>,
    log: PathBuf,
    id: String,
    present: Mutex<Present>,
    /// Restart and stop exclude each other: a heal must not bring back what a stop just ended.
    changing: tokio::sync::Mutex<Stage>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    InUse,
    StoppedForGood,
}

/// The container between a start and its end.
#[derive(Debug, Clone)]
struct Present {
    life: Life,
    /// On this machine; None where its processes cannot be seen here.
    pid: Option<u32>,
}

impl ContainerInstance {
    pub(super) async fn start(
        spec: ServiceSpec,
        package: &Package,
        engine: Engine,
        names: &Names,
        users: &Path,
        run: Arc<RunContext>,
    ) -> Result<Self, StackError> {
        let request = Plan::of_service(&spec, package).request(names, users);
        let container = match request.start().await {
            Ok(container) => container,
            Err(error) => {
                if was_made(&error) {
                    let name = names.container(&spec.id);
                    // Another try needs the name. What is not removed here is removed with the run.
                    let _ = remove_container(&engine, &name).await;
                }
                return Err(not_started(&spec.id, &package.image, error));
            }
        };
        let id = container.id().to_owned();
        // It would remove the container when it is dropped, and wait for the engine in the midst of whatever
        // drops it. Here a stop removes it, or else the end of the run.
        std::mem::forget(container);
        let log = run.log_file(&spec.id);
        let output = Output::from_the_beginning(&engine, &id);
        let (life, witness) = life::begin(&spec.id, &run, &log);
        let present = Present::of(life, witness, &engine, &id, output, &log).await;
        Ok(Self {
            spec,
            engine,
            run,
            log,
            id,
            present: Mutex::new(present),
            changing: tokio::sync::Mutex::new(Stage::InUse),
        })
    }

    fn present(&self) -> Present {
        self.present
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Ends what runs at present; the container itself stays.
    async fn end(&self, grace: Duration) -> Result<Stopped, StackError> {
        let life = self.present().life;
        if life.exit().is_some() {
            return Ok(Stopped::AlreadyGone);
        }
        self.send(&life, self.spec.stop_signal.signal()).await?;
        // A paused container takes no request; resuming one that runs does nothing.
        self.send(&life, Signal::Resume).await?;
        if tokio::time::timeout(grace, life.ended()).await.is_ok() {
            return Ok(Stopped::InGoodOrder);
        }
        tracing::warn!(service = %self.spec.id, grace_seconds = grace.as_secs_f64(), "did not end when asked, killing it");
        self.send(&life, Signal::Kill).await?;
        if tokio::time::timeout(KILL_WITHIN, life.ended())
            .await
            .is_err()
        {
            return Err(StackError::new(
                StackErrorKind::NotReady,
                format!("end the container of {}", self.spec.id),
                "it does not even answer SIGKILL: see the log of the container engine",
            ));
        }
        Ok(Stopped::ByForce)
    }

    async fn send(&self, life: &Life, signal: Signal) -> Result<(), StackError> {
        if signal.ends() {
            life.expect_end();
        }
        let docker = self.engine.quick();
        let kill = |name: &str| KillContainerOptionsBuilder::new().signal(name).build();
        let sent = match signal {
            Signal::Term => docker.kill_container(&self.id, Some(kill("SIGTERM"))).await,
            Signal::Interrupt => docker.kill_container(&self.id, Some(kill("SIGINT"))).await,
            Signal::Kill => docker.kill_container(&self.id, Some(kill("SIGKILL"))).await,
            Signal::Pause => docker.pause_container(&self.id).await,
            Signal::Resume => self.resume().await,
        };
        nothing_to_do(sent).map_err(|error| {
            refused(
                format!("send {signal:?} to the container of {}", self.spec.id),
                error,
            )
        })
    }

    /// Asked first, because engines call it a failure to resume what is not paused; and after a failure, because
    /// some signals resume a container as well.
    async fn resume(&self) -> Result<(), EngineError> {
        if !self.is_paused().await? {
            return Ok(());
        }
        match self.engine.quick().unpause_container(&self.id).await {
            Err(error) if self.is_paused().await? => Err(error),
            _ => Ok(()),
        }
    }

    async fn is_paused(&self) -> Result<bool, EngineError> {
        let docker = self.engine.quick();
        let asked = docker.inspect_container(&self.id, None::<InspectContainerOptions>);
        let state = asked.await?.state.unwrap_or_default();
        Ok(state.paused == Some(true))
    }

    /// Starts the same container again: its ports are fixed, so they are the same as before.
    async fn begin_again(&self) -> Result<Present, StackError> {
        // Before the start, so that not a line is missed and none is read twice.
        let output = Output::from_now_on(&self.engine, &self.id).await?;
        let (life, witness) = life::begin(&self.spec.id, &self.run, &self.log);
        let started = self
            .engine
            .docker()
            .start_container(&self.id, None::<StartContainerOptions>)
            .await;
        started.map_err(|error| refused(format!("start {} again", self.spec.id), error))?;
        Ok(Present::of(life, witness, &self.engine, &self.id, output, &self.log).await)
    }
}

impl Present {
    /// Of a container that was just started: its log is kept from here on, and its end is told.
    async fn of(
        life: Life,
        witness: Witness,
        engine: &Engine,
        id: &str,
        output: Output,
        log: &Path,
    ) -> Self {
        let (watching, log) = (engine.clone(), log.to_owned());
        tokio::spawn(watch(watching, id.to_owned(), output, log, witness));
        let pid = pid_of(engine, id).await;
        Self { life, pid }
    }
}

/// A signal to what has ended is no error, nor is one that changes nothing.
fn nothing_to_do(sent: Result<(), EngineError>) -> Result<(), EngineError> {
    match gone_is_fine(sent) {
        Err(EngineError::DockerResponseServerError {
            status_code: CONFLICT,
            ..
        }) => Ok(()),
        other => other,
    }
}

/// Whether there is a container, which only could not be started.
fn was_made(error: &TestcontainersError) -> bool {
    let TestcontainersError::Client(error) = error else {
        return false;
    };
    matches!(error, ClientError::StartContainer(_))
}

fn not_started(service: &ServiceId, image: &str, error: TestcontainersError) -> StackError {
    StackError::new(
        StackErrorKind::Spawn,
        format!("start a container of {image} for {service}"),
        "see the cause; `gauntlet images --list` shows where each image is from",
    )
    .because(error)
}

/// The id of the container's first process, where it is one of this machine: an engine in a virtual machine
/// tells numbers that mean somebody else here.
async fn pid_of(engine: &Engine, id: &str) -> Option<u32> {
    let inspected = engine
        .quick()
        .inspect_container(id, None::<InspectContainerOptions>)
        .await;
    let pid = inspected.ok()?.state?.pid?;
    let pid = u32::try_from(pid).ok().filter(|pid| *pid > 0)?;
    let groups = std::fs::read_to_string(format!("/proc/{pid}/cgroup")).ok()?;
    // Engines name a container's cgroup after it.
    groups.contains(id).then_some(pid)
}

#[async_trait]
impl Instance for ContainerInstance {
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
        let present = self.present();
        present.pid.filter(|_| present.life.exit().is_none())
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
        self.send(&self.present().life, signal).await
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
        let present = self.begin_again().await?;
        *self.present.lock().unwrap_or_else(PoisonError::into_inner) = present;
        Ok(())
    }

    async fn stop(&self, grace: Duration) -> Result<Stopped, StackError> {
        let mut stage = self.changing.lock().await;
        *stage = Stage::StoppedForGood;
        let how = self.end(grace).await?;
        remove_container(&self.engine, &self.id)
            .await
            .map_err(|error| refused(format!("remove the container of {}", self.spec.id), error))?;
        Ok(how)
    }

    /// The reaper does it: it is told by the end of the provider, which goes with the last instance.
    fn abandon(&self) {
        self.present().life.expect_end();
    }
}
