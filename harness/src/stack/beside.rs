//! What a scenario stands beside a lane's own processes: a sidecar to be asked, or one that is to refuse.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use gauntlet_contract::config::Role;

use super::environment::Environment;
use super::lane::RunningLane;
use super::lane_start::Building;
use super::roster::Layer;
use super::topology::StateBackend;
use crate::component::dapr::{self, ClientPlan, SidecarPlan};
use crate::component::{Listener, system};
use crate::error::{StackError, StackErrorKind};
use crate::provider::{Instance, OneShot, ServiceId, ServiceSpec};

/// A sidecar gives up on a component that does not start after 5 s, an app that is told no secret at once; one
/// of the system first waits for its sidecar. On a busy machine either takes a few times as long.
const REFUSED_WITHIN: Duration = Duration::from_secs(30);
/// What a password becomes that is to be wrong.
const WRONG: &str = "not-the-password";

/// A sidecar beside those of a lane.
#[derive(Debug, Clone, Copy)]
pub struct Beside {
    /// The service's name in the lane.
    pub name: &'static str,
    /// By which Dapr knows it: the scopes of components go by this.
    pub app_id: &'static str,
    pub state: StateBackend,
    pub kind: BesideKind,
}

/// What is different of a sidecar beside the lane's own. But for the last two, its names are its own: no other
/// finds it, and it finds none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BesideKind {
    /// Nothing.
    Sound,
    /// Its environment lacks this variable.
    Without(&'static str),
    /// It is given a wrong password for the database that state is kept in.
    WrongPassword,
    /// It finds the lane's sidecars.
    AmongOthers,
    /// It stands before the api, as another app, lets nobody call it, and is found by the lane's sidecars.
    Guarded,
}

/// A sidecar that stands.
#[derive(Debug)]
pub struct StandingBeside {
    pub instance: Arc<dyn Instance>,
    http: Listener,
}

/// What became of a program that was to refuse its start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// It ended with an error. Its last lines of output, oldest first.
    Refused(Vec<String>),
    /// It ended, and found nothing wrong.
    InPeace,
    /// It still ran when it was given up, and was killed.
    StillThere,
}

impl RunningLane {
    /// Starts a sidecar, and waits until it is ready. It ends with the stack.
    pub async fn stand_beside(&self, beside: Beside) -> Result<StandingBeside, StackError> {
        let building = &self.building;
        let (spec, http) = self.beside(beside).await?;
        let instance = building.starter.bring_up(Layer::Sidecar, spec).await?;
        Ok(StandingBeside { instance, http })
    }

    /// Starts a sidecar that is to refuse, and waits for its end.
    pub async fn sidecar_end(&self, beside: Beside) -> Result<Ended, StackError> {
        let (spec, _) = self.beside(beside).await?;
        self.building.end_of(spec).await
    }

    /// Starts one more process of a role, that is to refuse, and waits for its end. `sidecar` is what it is told of
    /// where the lane has sidecars; `without` is a variable that it is not told.
    pub async fn app_end(
        &self,
        role: Role,
        sidecar: Option<&StandingBeside>,
        without: Option<&str>,
    ) -> Result<Ended, StackError> {
        let building = &self.building;
        // A log of its own: what another one refused is no word of this one.
        let beside = sidecar.map(|sidecar| sidecar.instance.id().file_stem());
        let lacks = without.map(str::to_lowercase).or(beside);
        let name = format!("{}-without-{}", role.as_str(), lacks.unwrap_or_default());
        let id = ServiceId::of_lane(self.name(), &name);
        let http = building.starter.site.listener(&id, "an app")?;
        let database_url = building.database_of_peers().await;
        let surroundings = building.surroundings(&self.lane, &database_url).await?;
        let mut env = surroundings.of_app(role, sidecar.map(|sidecar| sidecar.http.peers.as_str()));
        env.retain(|(name, _)| Some(name.as_str()) != without);
        let plan = building.app_plan(id, role, http, env);
        let site = &building.starter.site;
        let spec = system::app(&building.starter.programs.system, plan, site);
        building.end_of(spec).await
    }

    async fn beside(&self, beside: Beside) -> Result<(ServiceSpec, Listener), StackError> {
        let building = &self.building;
        let site = &building.starter.site;
        let id = ServiceId::of_lane(self.name(), beside.name);
        let http = site.listener(&id, "a sidecar")?;
        let database_url = building.database_of_peers().await;
        let surroundings = building.surroundings(&self.lane, &database_url).await?;
        let env = changed(surroundings.of_sidecar(Role::Recurring), beside.kind);
        let control = building.control_plane().await?;
        let components = &building.starter.components;
        let plan = ClientPlan {
            id,
            app_id: beside.app_id.to_owned(),
            http: http.clone(),
            resources: components.without_broker(beside.state),
            config: components.config(),
            env,
            working_dir: building.names_of(self.name(), beside)?,
            scheduler: control.scheduler,
            placement: control.placement,
        };
        let daprd = building.daprd()?;
        let spec = match beside.kind {
            BesideKind::Guarded => {
                let app = building.places.of(Role::Api).app.clone();
                let config = components.guarded_config();
                dapr::sidecar(daprd, before(app, ClientPlan { config, ..plan }), site)?
            }
            _ => dapr::client_sidecar(daprd, plan, site)?,
        };
        Ok((spec, http))
    }
}

impl Building {
    fn names_of(&self, lane: &str, beside: Beside) -> Result<PathBuf, StackError> {
        match beside.kind {
            BesideKind::AmongOthers | BesideKind::Guarded => Ok(self.working_dir.clone()),
            BesideKind::Sound | BesideKind::Without(_) | BesideKind::WrongPassword => {
                let name = format!("beside-{lane}-{}", beside.name);
                self.starter.site.writable_dir(&name)
            }
        }
    }

    /// Runs it as what it is to be, a program that ends by itself: nobody takes its end for a death.
    async fn end_of(&self, spec: ServiceSpec) -> Result<Ended, StackError> {
        let site = &self.starter.site;
        let shot = OneShot {
            what: format!("start {}", spec.id),
            log: site.run.log_file(&spec.id),
            program: spec.program,
            package: spec.package,
            args: spec.args,
            env: spec.env,
            working_dir: spec.working_dir,
            run_as: spec.run_as,
            within: REFUSED_WITHIN,
        };
        match site.provider.run_once(shot, &site.run).await {
            Ok(()) => Ok(Ended::InPeace),
            Err(error) => match error.kind() {
                StackErrorKind::Died => Ok(Ended::Refused(error.last_output().to_vec())),
                StackErrorKind::NotReady => Ok(Ended::StillThere),
                _ => Err(error),
            },
        }
    }
}

fn before(app: Listener, plan: ClientPlan) -> SidecarPlan {
    SidecarPlan {
        id: plan.id,
        app_id: plan.app_id,
        app,
        http: plan.http,
        resources: plan.resources,
        config: plan.config,
        env: plan.env,
        working_dir: plan.working_dir,
        scheduler: plan.scheduler,
        placement: plan.placement,
    }
}

fn changed(mut env: Environment, kind: BesideKind) -> Environment {
    match kind {
        BesideKind::Without(lacking) => env.retain(|(name, _)| name != lacking),
        BesideKind::WrongPassword => {
            for (name, value) in &mut env {
                if name == "STATE_DATABASE_URL" {
                    *value = with_wrong_password(value);
                }
            }
        }
        BesideKind::Sound | BesideKind::AmongOthers | BesideKind::Guarded => {}
    }
    env
}

/// Of `postgres://user:password@host…`.
fn with_wrong_password(url: &str) -> String {
    let parts = url.rsplit_once('@').and_then(|(credentials, place)| {
        let (user, _) = credentials.rsplit_once(':')?;
        Some((user, place))
    });
    parts.map_or_else(
        || url.to_owned(),
        |(user, place)| format!("{user}:{WRONG}@{place}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env() -> Environment {
        [
            (
                "STATE_DATABASE_URL",
                "postgres://gauntlet:hunter2@127.0.0.1:1/lane",
            ),
            ("SERVICE_TOKEN", "hunter2"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
    }

    #[test]
    fn planted_flaws_are_what_they_say_and_no_more() {
        let wrong = changed(env(), BesideKind::WrongPassword);
        assert_eq!(
            wrong[0].1,
            "postgres://gauntlet:not-the-password@127.0.0.1:1/lane"
        );
        assert_eq!(wrong[1], env()[1]);
        let without = changed(env(), BesideKind::Without("SERVICE_TOKEN"));
        assert_eq!(without, env()[..1]);
        assert_eq!(changed(env(), BesideKind::Sound), env());
    }
}
