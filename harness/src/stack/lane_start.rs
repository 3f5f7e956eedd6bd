//! How one lane comes up on the infrastructure that the others share.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use futures::future::{try_join, try_join_all};
use gauntlet_contract::config::{Broker, Role};

use super::environment::Surroundings;
use super::keys::ServiceToken;
use super::lane::{Instances, Place, Places, RunningLane};
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
use crate::error::{StackError, StackErrorKind};
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

/// A lane in the making.
struct Building {
    starter: Arc<Starter>,
    lane: Lane,
    ground: Ground,
    places: Places,
    app_api_token: ServiceToken,
    working_dir: PathBuf,
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
    let places = Places::find(|role| place(&starter, &lane, role))?;
    let building = Building {
        starter,
        lane,
        ground,
        places,
        app_api_token: ServiceToken::generate()?,
        working_dir,
    };
    let (database_url, apps, sidecars) = building.build().await?;
    let kafka_brokers = match &building.ground.beyond_light {
        Some(beyond) => Some(beyond.kafka.get().await.brokers()),
        None => None,
    };
    let redis_url = building.ground.redis.get().await.url();
    Ok(RunningLane {
        lane: building.lane,
        places: building.places,
        database_url,
        kafka_brokers,
        redis_url,
        apps,
        sidecars,
    })
}

fn place(starter: &Starter, lane: &Lane, role: Role) -> Result<Place, StackError> {
    let app = starter.site.listener(&app_id(lane, role), "an app")?;
    let sidecar = match lane.mode() {
        Mode::Dapr => {
            let id = sidecar_id(lane, role);
            Some(starter.site.listener(&id, "a sidecar")?)
        }
        Mode::Direct => None,
    };
    Ok(Place { app, sidecar })
}

fn app_id(lane: &Lane, role: Role) -> ServiceId {
    ServiceId::of_lane(lane.name(), role.as_str())
}

fn sidecar_id(lane: &Lane, role: Role) -> ServiceId {
    ServiceId::of_lane(lane.name(), &format!("{}-sidecar", role.as_str()))
}

impl Building {
    async fn build(&self) -> Result<(String, Instances, Instances), StackError> {
        // The database is made while the broker's topics are.
        let (database_url, ()) = try_join(self.database(), self.topics()).await?;
        let surroundings = self.surroundings(&database_url.peers).await?;
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
        let starts = Role::ALL.map(|role| {
            let place = self.places.of(role);
            let sidecar = place.sidecar.as_ref();
            let env = surroundings.of_app(role, sidecar.map(|sidecar| sidecar.peers.as_str()));
            let plan = AppPlan {
                id: app_id(&self.lane, role),
                role,
                http: place.app.clone(),
                env,
                jwks: self.starter.jwks.clone(),
                working_dir: self.working_dir.clone(),
            };
            let spec = system::app(&self.starter.programs.system, plan, &self.starter.site);
            self.bring_up(role, Layer::of(role), spec)
        });
        Ok(try_join_all(starts).await?.into_iter().collect())
    }

    async fn sidecars(&self, surroundings: &Surroundings<'_>) -> Result<Instances, StackError> {
        if self.lane.mode() == Mode::Direct {
            return Ok(Instances::new());
        }
        let beyond = self.beyond()?;
        let beyond_light = self.starter.programs.beyond_light.as_ref();
        let daprd = &beyond_light.ok_or_else(|| self.needs_full())?.daprd;
        let (scheduler, placement) = (beyond.scheduler.get().await, beyond.placement.get().await);
        if let Some(program) = &daprd.on_disk {
            page_cache::forget(program).map_err(|error| {
                StackError::io("have the kernel forget the pages of", program, error)
            })?;
        }
        let mut started = Instances::new();
        // One after the other: sidecars that find their state store's tables missing all create them,
        // and all but one of them end with "already exists".
        for role in Role::ALL {
            let place = self.places.of(role);
            let Some(http) = place.sidecar.clone() else {
                continue;
            };
            let plan = SidecarPlan {
                id: sidecar_id(&self.lane, role),
                app_id: role.as_str().to_owned(),
                app: place.app.clone(),
                http,
                resources: self.starter.components.resources(self.lane.broker()),
                config: self.starter.components.config(),
                env: surroundings.of_sidecar(role),
                working_dir: self.working_dir.clone(),
                scheduler: scheduler.address.clone(),
                placement: placement.address.clone(),
            };
            let spec = dapr::sidecar(daprd, plan, &self.starter.site)?;
            let (role, sidecar) = self.bring_up(role, Layer::Sidecar, spec).await?;
            started.insert(role, sidecar);
        }
        Ok(started)
    }

    async fn bring_up(
        &self,
        role: Role,
        layer: Layer,
        spec: ServiceSpec,
    ) -> Result<(Role, Arc<dyn Instance>), StackError> {
        Ok((role, self.starter.bring_up(layer, spec).await?))
    }

    /// Waits for whatever the lane's processes are to reach.
    async fn surroundings<'a>(
        &'a self,
        database_url: &'a str,
    ) -> Result<Surroundings<'a>, StackError> {
        let needs_kafka = self.lane.mode() == Mode::Dapr || self.lane.broker() == Broker::Kafka;
        let kafka = if needs_kafka {
            Some(self.beyond()?.kafka.get().await.peers().to_owned())
        } else {
            None
        };
        Ok(Surroundings {
            lane: &self.lane,
            database_url,
            service_token: &self.starter.service_token,
            app_api_token: &self.app_api_token,
            api: &self.places.of(Role::Api).app.peers,
            kafka,
            redis: self.ground.redis.get().await.peers().to_owned(),
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
