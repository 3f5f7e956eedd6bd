//! How one lane comes up on the infrastructure that the others share.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use futures::future::{try_join, try_join_all};
use gauntlet_contract::config::{Broker, Role};

use super::environment::{Environment, Surroundings};
use super::keys::ServiceToken;
use super::lane::{Instances, Place, Places, RunningLane};
use super::member::Member;
use super::promise::Promised;
use super::roster::Layer;
use super::starter::Starter;
use super::topology::{Lane, Mode};
use crate::component::dapr::{self, ControlService, SidecarPlan};
use crate::component::kafka::Kafka;
use crate::component::page_cache;
use crate::component::postgres::Postgres;
use crate::component::redis::Redis;
use crate::component::system::{self, AppPlan};
use crate::component::{Listener, Runnable};
use crate::error::{StackError, StackErrorKind};
use crate::observe::TraceCollector;
use crate::provider::{Instance, ServiceId, ServiceSpec};

/// The infrastructure, as far as it is up.
#[derive(Clone)]
pub(super) struct Ground {
    pub(super) postgres: Promised<Postgres>,
    pub(super) redis: Promised<Redis>,
    pub(super) beyond_light: Option<Beyond>,
}

/// What only the full stack has.
#[derive(Clone)]
pub(super) struct Beyond {
    pub(super) kafka: Promised<Kafka>,
    pub(super) scheduler: Promised<ControlService>,
    pub(super) placement: Promised<ControlService>,
}

/// The lane's database, as each side has to name it. With credentials.
struct DatabaseUrls {
    harness: String,
    peers: String,
}

/// Where sidecars find it, `host:port` each.
pub(super) struct ControlPlane {
    pub(super) scheduler: String,
    pub(super) placement: String,
}

/// What a lane is made with, at its start and when a part of it is exchanged or another is stood beside it.
pub(super) struct Building {
    pub(super) starter: Arc<Starter>,
    lane: Lane,
    ground: Ground,
    pub(super) places: Places,
    app_api_token: ServiceToken,
    /// Name resolution's file lies there.
    pub(super) working_dir: PathBuf,
    /// None where nobody asked for traces.
    pub(super) traces: Option<TraceCollector>,
}

impl std::fmt::Debug for Building {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Building")
            .field("lane", &self.lane)
            .finish_non_exhaustive()
    }
}

/// Starts the lane's processes, each as soon as what it needs is there.
pub(super) async fn start(
    starter: Arc<Starter>,
    lane: Lane,
    ground: Ground,
) -> Result<RunningLane, StackError> {
    let working_dir = starter
        .site
        .writable_dir(&format!("lane-{}", lane.name()))?;
    let places = Places::find(&lane, |member| place(&starter, &lane, member))?;
    let traces = collector(&starter, &lane).await?;
    let building = Building {
        starter,
        lane,
        ground,
        places,
        app_api_token: ServiceToken::generate()?,
        working_dir,
        traces,
    };
    let (database_url, apps, sidecars) = building.build().await?;
    let kafka_brokers = match &building.ground.beyond_light {
        Some(beyond) => Some(beyond.kafka.get().await.brokers()),
        None => None,
    };
    let redis_url = building.ground.redis.get().await.url();
    Ok(RunningLane {
        lane: building.lane.clone(),
        places: building.places.clone(),
        building: Arc::new(building),
        database_url,
        kafka_brokers,
        redis_url,
        apps,
        sidecars,
    })
}

async fn collector(starter: &Starter, lane: &Lane) -> Result<Option<TraceCollector>, StackError> {
    if !starter.collects_traces {
        return Ok(None);
    }
    let collector = TraceCollector::listen().await.map_err(|error| {
        let what = format!("collect the traces of lane {}", lane.name());
        StackError::new(StackErrorKind::NoPort, what, "see the cause").because(error)
    })?;
    Ok(Some(collector))
}

fn place(starter: &Starter, lane: &Lane, member: Member) -> Result<Place, StackError> {
    let app = starter.site.listener(&app_id(lane, member), "an app")?;
    let sidecar = match lane.mode() {
        Mode::Dapr => {
            let id = sidecar_id(lane, member);
            Some(starter.site.listener(&id, "a sidecar")?)
        }
        Mode::Direct => None,
    };
    Ok(Place { app, sidecar })
}

fn app_id(lane: &Lane, member: Member) -> ServiceId {
    ServiceId::of_lane(lane.name(), &member.to_string())
}

fn sidecar_id(lane: &Lane, member: Member) -> ServiceId {
    ServiceId::of_lane(lane.name(), &format!("{member}-sidecar"))
}

impl Building {
    async fn build(&self) -> Result<(String, Instances, Instances), StackError> {
        // The database is made while the broker's topics are.
        let (database_url, ()) = try_join(self.database(), self.topics()).await?;
        let surroundings = self.surroundings(&self.lane, &database_url.peers).await?;
        let apps = self.apps(&surroundings);
        let (apps, sidecars) = try_join(apps, self.sidecars(&surroundings)).await?;
        Ok((database_url.harness, apps, sidecars))
    }

    async fn database(&self) -> Result<DatabaseUrls, StackError> {
        let postgres = self.ground.postgres.get().await;
        let began = Instant::now();
        postgres.create_database(self.lane.name()).await?;
        self.starter
            .took(format!("{}: database", self.lane.name()), began);
        Ok(DatabaseUrls {
            harness: postgres.url(self.lane.name()),
            peers: postgres.peers_url(self.lane.name()),
        })
    }

    /// Streams of Redis come into being with their first entry.
    async fn topics(&self) -> Result<(), StackError> {
        if self.lane.broker() == Broker::Redis {
            self.ground.redis.get().await;
            return Ok(());
        }
        let kafka = self.beyond()?.kafka.get().await;
        let began = Instant::now();
        kafka.create_topics(&self.lane.new_topics()).await?;
        self.starter
            .took(format!("{}: topics", self.lane.name()), began);
        Ok(())
    }

    async fn apps(&self, surroundings: &Surroundings<'_>) -> Result<Instances, StackError> {
        let members = self.lane.members().into_iter();
        let starts = members.map(|member| self.app(member, surroundings));
        Ok(try_join_all(starts).await?.into_iter().collect())
    }

    async fn app(
        &self,
        member: Member,
        surroundings: &Surroundings<'_>,
    ) -> Result<(Member, Arc<dyn Instance>), StackError> {
        let (role, place) = (member.role, self.places.of(member));
        let sidecar = place.sidecar.as_ref();
        let env = surroundings.of_app(role, sidecar.map(|sidecar| sidecar.peers.as_str()));
        let plan = self.app_plan(app_id(&self.lane, member), role, place.app.clone(), env);
        let spec = system::app(&self.starter.programs.system, plan, &self.starter.site);
        self.bring_up(member, Layer::of(role), spec).await
    }

    pub(super) fn app_plan(
        &self,
        id: ServiceId,
        role: Role,
        http: Listener,
        env: Environment,
    ) -> AppPlan {
        AppPlan {
            id,
            role,
            http,
            env,
            jwks: self.starter.jwks.clone(),
            working_dir: self.working_dir.clone(),
        }
    }

    /// The role's process once more, with what `lane` says of its state.
    pub(super) async fn app_again(
        &self,
        role: Role,
        lane: &Lane,
    ) -> Result<Arc<dyn Instance>, StackError> {
        let database_url = self.database_of_peers().await;
        let surroundings = self.surroundings(lane, &database_url).await?;
        Ok(self.app(role.into(), &surroundings).await?.1)
    }

    /// As the services name it. With credentials.
    pub(super) async fn database_of_peers(&self) -> String {
        let postgres = self.ground.postgres.get().await;
        postgres.peers_url(self.lane.name())
    }

    async fn sidecars(&self, surroundings: &Surroundings<'_>) -> Result<Instances, StackError> {
        if self.lane.mode() == Mode::Direct {
            return Ok(Instances::new());
        }
        let daprd = self.daprd()?;
        let control = self.control_plane().await?;
        if let Some(program) = &daprd.on_disk {
            page_cache::forget(program).map_err(|error| {
                StackError::io("have the kernel forget the pages of", program, error)
            })?;
        }
        let mut started = Instances::new();
        // One after the other: sidecars that find their state store's tables missing all create them,
        // and all but one of them end with "already exists".
        for member in self.lane.members() {
            let (role, place) = (member.role, self.places.of(member));
            let Some(http) = place.sidecar.clone() else {
                continue;
            };
            let plan = SidecarPlan {
                id: sidecar_id(&self.lane, member),
                app_id: role.as_str().to_owned(),
                app: place.app.clone(),
                http,
                resources: self.starter.components.resources(self.lane.broker()),
                config: self.starter.components.config(),
                env: surroundings.of_sidecar(role),
                working_dir: self.working_dir.clone(),
                scheduler: control.scheduler.clone(),
                placement: control.placement.clone(),
            };
            let spec = dapr::sidecar(daprd, plan, &self.starter.site)?;
            let (member, sidecar) = self.bring_up(member, Layer::Sidecar, spec).await?;
            started.insert(member, sidecar);
        }
        Ok(started)
    }

    async fn bring_up(
        &self,
        member: Member,
        layer: Layer,
        spec: ServiceSpec,
    ) -> Result<(Member, Arc<dyn Instance>), StackError> {
        Ok((member, self.starter.bring_up(layer, spec).await?))
    }

    /// Waits for whatever the lane's processes are to reach.
    pub(super) async fn surroundings<'a>(
        &'a self,
        lane: &'a Lane,
        database_url: &'a str,
    ) -> Result<Surroundings<'a>, StackError> {
        let needs_kafka = lane.mode() == Mode::Dapr || lane.broker() == Broker::Kafka;
        let kafka = if needs_kafka {
            Some(self.beyond()?.kafka.get().await.peers().to_owned())
        } else {
            None
        };
        Ok(Surroundings {
            lane,
            database_url,
            service_token: &self.starter.service_token,
            app_api_token: &self.app_api_token,
            api: &self.places.of(Role::Api).app.peers,
            kafka,
            redis: self.ground.redis.get().await.peers().to_owned(),
            traces: self.traces.as_ref().map(TraceCollector::endpoint),
        })
    }

    pub(super) fn daprd(&self) -> Result<&Runnable, StackError> {
        let beyond_light = self.starter.programs.beyond_light.as_ref();
        Ok(&beyond_light.ok_or_else(|| self.needs_full())?.daprd)
    }

    pub(super) async fn control_plane(&self) -> Result<ControlPlane, StackError> {
        let beyond = self.beyond()?;
        Ok(ControlPlane {
            scheduler: beyond.scheduler.get().await.address,
            placement: beyond.placement.get().await.address,
        })
    }

    fn beyond(&self) -> Result<&Beyond, StackError> {
        self.ground
            .beyond_light
            .as_ref()
            .ok_or_else(|| self.needs_full())
    }

    fn needs_full(&self) -> StackError {
        let what = format!("start lane {} on the light stack", self.lane.name());
        StackError::new(StackErrorKind::Config, what, "use --stack full")
    }
}
