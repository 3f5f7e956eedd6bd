//! The start itself: each step runs as soon as the values that it needs are there.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::task::{JoinError, JoinSet};

use super::context::StackContext;
use super::keys::{Keys, ServiceToken};
use super::lane::RunningLane;
use super::lane_start::{self, Beyond, Ground};
use super::programs::{BeyondLight, Programs};
use super::promise::{Promise, promise};
use super::roster::{Layer, Roster};
use super::running::Stack;
use super::starter::Starter;
use super::topology::Topology;
use crate::component::dapr::{self, ControlService};
use crate::component::kafka::Kafka;
use crate::component::postgres::Postgres;
use crate::component::redis::Redis;
use crate::component::{Site, site};
use crate::error::{StackError, StackErrorKind};
use crate::provider::{PortSlot, RunContext, Support};

/// A start that failed has nothing to drain.
const GRACE_AFTER_FAILURE: Duration = Duration::from_secs(3);

type Steps = JoinSet<Result<Option<RunningLane>, StackError>>;

impl Stack {
    /// Brings the whole topology up; where one part fails, everything is stopped again.
    ///
    /// Components that are not on this machine are obtained first, however long that takes.
    pub async fn start(topology: Topology, context: &StackContext) -> Result<Self, StackError> {
        topology.validate()?;
        if let Support::Unavailable { reason } = topology.support_on(context.runs_on.network()) {
            let what = format!("start the stack: it needs {reason}");
            let mend = "run it with --provider process";
            return Err(StackError::new(StackErrorKind::Config, what, mend));
        }
        let began = Instant::now();
        let programs = Programs::obtain(topology.kind(), context).await?;
        let obtained = Instant::now();

        let run = Arc::new(RunContext::open(
            &context.state,
            &context.run_id,
            &context.run_dir,
        )?);
        let keys = Keys::generate()?;
        let jwks = run.temp().join("jwks.json");
        site::write(&jwks, keys.jwks())?;
        let provider = context.runs_on.provider(&context.shim, &run).await?;
        let site = Site {
            run: Arc::clone(&run),
            ports: Arc::new(PortSlot::acquire()?),
            provider: Arc::clone(&provider),
            templates: context.state.templates(),
        };
        let starter = Arc::new(Starter {
            site,
            programs,
            components: context.components.mount(run.temp())?,
            jwks,
            service_token: ServiceToken::generate()?,
            collects_traces: topology.collects_traces(),
            roster: Arc::new(Roster::new(Arc::clone(&run), provider)),
            timings: Mutex::new(Vec::new()),
        });
        starter.took("components and system in place", began);
        match run_steps(&topology, &starter).await {
            Ok(lanes) => {
                starter.took(format!("{} stack ready", topology.kind()), obtained);
                Ok(Self::assemble(topology, &starter, keys, lanes))
            }
            Err(error) => {
                if let Err(second) = starter.roster.stop(GRACE_AFTER_FAILURE).await {
                    tracing::error!(error = %second, "failed to stop what had been started");
                }
                Err(error)
            }
        }
    }
}

async fn run_steps(
    topology: &Topology,
    starter: &Arc<Starter>,
) -> Result<Vec<RunningLane>, StackError> {
    let mut steps = Steps::new();
    let ground = lay_ground(starter, &mut steps)?;
    for lane in topology.lanes() {
        let (starter, lane, ground) = (Arc::clone(starter), lane.clone(), ground.clone());
        steps.spawn(async move { lane_start::start(starter, lane, ground).await.map(Some) });
    }
    let mut lanes = Vec::new();
    while let Some(step) = steps.join_next().await {
        match step.unwrap_or_else(|error| Err(cut_off(error))) {
            Ok(lane) => lanes.extend(lane),
            Err(error) => {
                // Only when no step runs any more is everything that was started on the roster.
                steps.shutdown().await;
                return Err(error);
            }
        }
    }
    Ok(lanes)
}

fn cut_off(cause: JoinError) -> StackError {
    let what = "start the stack: a step of it was cut off";
    StackError::new(StackErrorKind::Died, what, "report this as a defect").because(cause)
}

fn lay_ground(starter: &Arc<Starter>, steps: &mut Steps) -> Result<Ground, StackError> {
    let (postgres_up, postgres) = promise();
    steps.spawn(start_postgres(Arc::clone(starter), postgres_up));
    let (redis_up, redis) = promise();
    steps.spawn(start_redis(Arc::clone(starter), redis_up));
    let Some(full) = &starter.programs.beyond_light else {
        return Ok(Ground {
            postgres,
            redis,
            beyond_light: None,
        });
    };
    let (kafka_up, kafka) = promise();
    steps.spawn(start_kafka(Arc::clone(starter), full.clone(), kafka_up));
    let (scheduler_up, scheduler) = promise();
    let plan = dapr::scheduler(&full.scheduler, &starter.site)?;
    steps.spawn(start_control(Arc::clone(starter), plan, scheduler_up));
    let (placement_up, placement) = promise();
    let plan = dapr::placement(&full.placement, &starter.site)?;
    steps.spawn(start_control(Arc::clone(starter), plan, placement_up));
    let beyond_light = Some(Beyond {
        kafka,
        scheduler,
        placement,
    });
    Ok(Ground {
        postgres,
        redis,
        beyond_light,
    })
}

async fn start_postgres(
    starter: Arc<Starter>,
    up: Promise<Postgres>,
) -> Result<Option<RunningLane>, StackError> {
    let began = Instant::now();
    let postgres = Postgres::plan(&starter.programs.postgres, &starter.site).await?;
    starter.took("postgres: data directory", began);
    starter
        .bring_up(Layer::Infrastructure, postgres.spec().clone())
        .await?;
    up.keep(postgres);
    Ok(None)
}

async fn start_redis(
    starter: Arc<Starter>,
    up: Promise<Redis>,
) -> Result<Option<RunningLane>, StackError> {
    let redis = Redis::plan(&starter.programs.redis, &starter.site)?;
    starter
        .bring_up(Layer::Infrastructure, redis.spec().clone())
        .await?;
    up.keep(redis);
    Ok(None)
}

async fn start_kafka(
    starter: Arc<Starter>,
    programs: BeyondLight,
    up: Promise<Kafka>,
) -> Result<Option<RunningLane>, StackError> {
    let began = Instant::now();
    let kafka = Kafka::plan(&programs.kafka, &programs.java, &starter.site).await?;
    starter.took("kafka: data directory", began);
    starter
        .bring_up(Layer::Infrastructure, kafka.spec().clone())
        .await?;
    up.keep(kafka);
    Ok(None)
}

async fn start_control(
    starter: Arc<Starter>,
    service: ControlService,
    up: Promise<ControlService>,
) -> Result<Option<RunningLane>, StackError> {
    starter
        .bring_up(Layer::Infrastructure, service.spec.clone())
        .await?;
    up.keep(service);
    Ok(None)
}
