use std::path::Path;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use futures::future::join_all;
use gauntlet_contract::UserId;
use gauntlet_reports::Provenance;
use gauntlet_reports::evidence::Timing;

use super::describe::{LaneDescription, ServiceDescription, StackDescription};
use super::keys::Keys;
use super::lane::RunningLane;
use super::roster::{Roster, StopReport};
use super::starter::Starter;
use super::topology::{StateBackend, Topology};
use crate::error::{StackError, StackErrorKind};
use crate::fault::{Fault, FaultGuard};
use crate::provider::{Health, Instance, PortSlot, RunContext, ServiceId, UnexpectedExit};

/// A stack that is up. It has to be stopped: dropping it kills everything, and says so loudly.
#[derive(Debug)]
pub struct Stack {
    topology: Topology,
    run: Arc<RunContext>,
    roster: Arc<Roster>,
    lanes: Vec<RunningLane>,
    keys: Keys,
    provenance: Vec<Provenance>,
    timings: Vec<Timing>,
    /// Held, so that no other run takes the ports.
    _ports: Arc<PortSlot>,
}

impl Stack {
    pub(super) fn assemble(
        topology: Topology,
        starter: &Starter,
        keys: Keys,
        mut lanes: Vec<RunningLane>,
    ) -> Self {
        // They became ready in any order; reports want the one that was asked for.
        let place = |lane: &RunningLane| {
            topology
                .lanes()
                .iter()
                .position(|asked| asked == lane.lane())
        };
        lanes.sort_by_key(place);
        let provenance = starter.programs.provenance();
        let timings = starter
            .timings
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        Self {
            topology,
            run: Arc::clone(&starter.site.run),
            roster: Arc::clone(&starter.roster),
            lanes,
            keys,
            provenance,
            timings,
            _ports: Arc::clone(&starter.site.ports),
        }
    }

    pub fn topology(&self) -> &Topology {
        &self.topology
    }

    /// A lane by name, such as `dapr-kafka`.
    pub fn lane(&self, name: &str) -> Result<&RunningLane, StackError> {
        self.lanes
            .iter()
            .find(|lane| lane.name() == name)
            .ok_or_else(|| {
                let names: Vec<_> = self.lanes.iter().map(RunningLane::name).collect();
                let mend = format!("name one of {}", names.join(", "));
                StackError::new(StackErrorKind::Config, format!("find lane {name}"), mend)
            })
    }

    pub fn lanes(&self) -> &[RunningLane] {
        &self.lanes
    }

    /// Any service by id.
    pub fn service(&self, id: &ServiceId) -> Result<Arc<dyn Instance>, StackError> {
        self.roster.find(id).ok_or_else(|| {
            let what = format!("find service {id} in the stack");
            StackError::new(
                StackErrorKind::Config,
                what,
                "see `gauntlet status` for their names",
            )
        })
    }

    /// All services, infrastructure first.
    pub fn services(&self) -> Vec<Arc<dyn Instance>> {
        self.roster.all()
    }

    /// What took how long at the start, in the order of completion.
    pub fn timings(&self) -> &[Timing] {
        &self.timings
    }

    /// Where each component, and the system itself, came from.
    pub fn provenance(&self) -> &[Provenance] {
        &self.provenance
    }

    /// Data that goes with the stack.
    pub fn temp(&self) -> &Path {
        self.run.temp()
    }

    /// A token that makes its bearer `user` for `ttl`.
    pub fn token_for(&self, user: UserId, ttl: Duration) -> Result<String, StackError> {
        self.keys.token_for(user, ttl)
    }

    /// Services that ended though nobody had asked them to, oldest first.
    pub fn unexpected_exits(&self) -> Vec<UnexpectedExit> {
        self.run.unexpected_exits()
    }

    /// Returns as soon as a service ends unasked: for a `select!` beside the load, whatever that
    /// borrows.
    pub fn until_unexpected_exit(&self) -> impl Future<Output = UnexpectedExit> + use<> {
        let run = Arc::clone(&self.run);
        async move { run.until_unexpected_exit().await }
    }

    /// Asks every service how it is.
    pub async fn health(&self) -> Vec<(ServiceId, Health)> {
        let services = self.services();
        join_all(
            services
                .iter()
                .map(async |service| (service.id().clone(), service.health().await)),
        )
        .await
    }

    pub async fn describe(&self) -> StackDescription {
        let services = self.services();
        let services = join_all(
            services
                .iter()
                .map(|service| ServiceDescription::of(service.as_ref())),
        )
        .await;
        let lane = |lane: &RunningLane| LaneDescription {
            lane: lane.lane().clone(),
            api_url: lane.api_url(),
            audit_url: lane.audit_url(),
            database_url: lane.database_url().to_owned(),
        };
        StackDescription {
            run_id: self.run.run_id().to_owned(),
            kind: self.topology.kind(),
            services,
            lanes: self.lanes.iter().map(lane).collect(),
        }
    }

    /// Starts what keeps state in a lane without sidecars again, with its state in another backend.
    pub async fn exchange_state(
        &mut self,
        lane: &str,
        state: StateBackend,
    ) -> Result<(), StackError> {
        self.lane(lane)?;
        match self.lanes.iter_mut().find(|it| it.name() == lane) {
            Some(lane) => lane.exchange_state(state).await,
            None => Ok(()),
        }
    }

    /// Strikes the stack. The guard heals it.
    pub async fn inject(&self, fault: Fault) -> Result<FaultGuard, StackError> {
        let targets: Vec<_> = fault
            .targets()
            .iter()
            .map(|id| self.service(id))
            .collect::<Result<_, _>>()?;
        FaultGuard::strike(fault, targets).await
    }

    /// Stops everything: the system first, infrastructure last. Temporary files go, logs stay.
    pub async fn stop(self, grace: Duration) -> Result<StopReport, StackError> {
        self.roster.stop(grace).await
    }
}
