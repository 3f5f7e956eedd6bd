use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use nix::unistd::{getegid, geteuid};
use testcontainers::bollard::models::NetworkCreateRequest;
use testcontainers::runners::AsyncRunner;

use super::engine::{Engine, refused};
use super::instance::ContainerInstance;
use super::names::Names;
use super::output::{keep_all, wait};
use super::reaper::Reaper;
use super::remove::{remove_container, remove_run};
use super::request::Plan;
use crate::error::{StackError, StackErrorKind};
use crate::provider::{
    Exit, Instance, OneShot, Package, Provider, RunAs, RunContext, ServiceId, ServiceSpec, Support,
    output,
};

/// Runs services as containers on a network of the run's own.
#[derive(Debug)]
pub struct ContainerProvider {
    engine: Engine,
    names: Names,
    run_as: RunAs,
    /// Takes the place of each image's `/etc/passwd`: Postgres refuses a user without a name.
    users: PathBuf,
    reaper: Mutex<Option<Reaper>>,
    shots: AtomicU32,
}

impl ContainerProvider {
    /// Its name in reports.
    pub const NAME: &'static str = "containers";

    /// Makes the run's network. `shim` is the executable that answers to the reaper's subcommand.
    pub async fn open(engine: Engine, shim: &Path, run: &RunContext) -> Result<Self, StackError> {
        let names = Names::of_run(run.run_id());
        // Both before the first thing that would have to be reaped or swept.
        run.expect_containers(engine.id())?;
        let reaper = Reaper::start(shim, run.run_id())?;
        let network = NetworkCreateRequest {
            name: names.network(),
            driver: Some("bridge".to_owned()),
            labels: Some(names.labels()),
            ..NetworkCreateRequest::default()
        };
        engine
            .docker()
            .create_network(network)
            .await
            .map_err(|error| refused("make a network for the run", error))?;
        let (uid, gid) = (geteuid(), getegid());
        let ours = RunAs {
            uid: uid.as_raw(),
            gid: gid.as_raw(),
        };
        let run_as = if uid.is_root() { RunAs::NOBODY } else { ours };
        let users = run.temp().join("passwd");
        std::fs::write(&users, passwd(run_as))
            .map_err(|error| StackError::io("write", &users, error))?;
        Ok(Self {
            engine,
            names,
            run_as,
            users,
            reaper: Mutex::new(Some(reaper)),
            shots: AtomicU32::new(0),
        })
    }
}

impl ContainerProvider {
    async fn run_to_its_end(
        &self,
        shot: &OneShot,
        package: &Package,
        service: ServiceId,
    ) -> Result<Exit, StackError> {
        let container = Plan::of_shot(shot, package, service)
            .request(&self.names, &self.users)
            .start()
            .await
            .map_err(|error| {
                let mend = "see the cause; `gauntlet images --list` shows where each image is from";
                StackError::new(StackErrorKind::Spawn, &shot.what, mend).because(error)
            })?;
        let id = container.id().to_owned();
        // See the instance: it would wait for the engine in the midst of whatever drops it.
        std::mem::forget(container);
        keep_all(&self.engine, &id, &shot.log)
            .await
            .map_err(|error| StackError::io("keep the log", &shot.log, error))?;
        wait(&self.engine, &id)
            .await
            .map_err(|error| refused(&shot.what, error))
    }
}

#[async_trait]
impl Provider for ContainerProvider {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    /// Every interface of the container's own network namespace: which is the run's network alone. Beyond
    /// it stands what is published, on 127.0.0.1.
    fn bind_ip(&self) -> Ipv4Addr {
        Ipv4Addr::UNSPECIFIED
    }

    fn host_of(&self, service: &ServiceId) -> String {
        self.names.container(service)
    }

    fn run_as(&self) -> Option<RunAs> {
        Some(self.run_as)
    }

    async fn probe(&self, spec: &ServiceSpec) -> Support {
        match &spec.package {
            Some(_) => Support::Available,
            None => Support::Unavailable {
                reason: format!("{} is in no image", spec.program.display()),
            },
        }
    }

    async fn run_once(&self, shot: OneShot, _run: &Arc<RunContext>) -> Result<(), StackError> {
        let package = packaged(shot.package.as_ref(), &shot.what)?;
        let number = self.shots.fetch_add(1, Ordering::Relaxed);
        let service = ServiceId::shared(&format!("once-{number}"));
        let name = self.names.container(&service);
        let running = self.run_to_its_end(&shot, package, service);
        let outcome = tokio::time::timeout(shot.within, running).await;
        // Whatever became of it: one that took too long still runs.
        remove_container(&self.engine, &name)
            .await
            .map_err(|error| refused("remove a container", error))?;
        let Ok(ended) = outcome else {
            let what = format!("{} within {} s", shot.what, shot.within.as_secs());
            return Err(failed(StackErrorKind::NotReady, what, &shot));
        };
        match ended? {
            Exit::Code(0) => Ok(()),
            exit => {
                let program = shot.program.display();
                let what = format!("{}: {program} ended with {exit}", shot.what);
                Err(failed(StackErrorKind::Died, what, &shot).with_exit(exit))
            }
        }
    }

    async fn start(
        &self,
        spec: ServiceSpec,
        run: &Arc<RunContext>,
    ) -> Result<Arc<dyn Instance>, StackError> {
        let package = packaged(spec.package.as_ref(), spec.id.as_str())?.clone();
        let (engine, run) = (self.engine.clone(), Arc::clone(run));
        let instance =
            ContainerInstance::start(spec, &package, engine, &self.names, &self.users, run).await?;
        Ok(Arc::new(instance))
    }

    async fn close(&self) -> Result<(), StackError> {
        remove_run(&self.engine, self.names.run_id()).await?;
        let reaper = self
            .reaper
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(reaper) = reaper
            && let Err(error) = reaper.dismiss().await
        {
            // Nothing is left, which was just seen: that it did not go home well changes no verdict.
            tracing::warn!(%error, "the reaper of containers did not end well");
        }
        Ok(())
    }
}

fn passwd(RunAs { uid, gid }: RunAs) -> String {
    format!("root:x:0:0::/:/bin/sh\ngauntlet:x:{uid}:{gid}::/tmp:/bin/sh\n")
}

fn packaged<'a>(package: Option<&'a Package>, what: &str) -> Result<&'a Package, StackError> {
    package.ok_or_else(|| {
        StackError::new(
            StackErrorKind::Config,
            format!("run {what} in a container: it is in no image"),
            "use --provider process",
        )
    })
}

fn failed(kind: StackErrorKind, what: String, shot: &OneShot) -> StackError {
    StackError::new(kind, what, format!("see {}", shot.log.display()))
        .with_output(output::last_lines(&shot.log))
}
