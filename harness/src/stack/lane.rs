use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use gauntlet_contract::config::Role;
use gauntlet_contract::{Topic, TopicName};

use super::lane_start::Building;
use super::member::Member;
use super::topology::{Lane, Mode, StateBackend};
use crate::component::Listener;
use crate::error::{StackError, StackErrorKind};
use crate::observe::TraceCollector;
use crate::provider::Instance;

/// The system drains within 30 s, and what is still at work then is killed.
const EXCHANGE_GRACE: Duration = Duration::from_secs(30);

pub(super) type Instances = BTreeMap<Member, Arc<dyn Instance>>;

/// Where a process of the system and its sidecar listen.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) app: Listener,
    /// None in direct mode.
    pub(super) sidecar: Option<Listener>,
}

/// The places of a lane's members: there is no lane without one of each role.
#[derive(Debug, Clone)]
pub(super) struct Places(BTreeMap<Member, Place>);

impl Places {
    /// Makes a place for each member.
    pub(super) fn find<E>(
        lane: &Lane,
        mut place: impl FnMut(Member) -> Result<Place, E>,
    ) -> Result<Self, E> {
        let places = lane.members().into_iter();
        let places = places.map(|member| Ok((member, place(member)?)));
        places.collect::<Result<_, E>>().map(Self)
    }

    /// The first of a role, or one of its further replicas.
    pub(super) fn of(&self, member: impl Into<Member>) -> &Place {
        &self.0[&member.into()]
    }

    fn of_role(&self, role: Role) -> impl Iterator<Item = &Place> {
        let places = self.0.iter().filter(move |(member, _)| member.role == role);
        places.map(|(_, place)| place)
    }
}

/// One lane of a running stack.
#[derive(Debug)]
pub struct RunningLane {
    pub(super) lane: Lane,
    pub(super) building: Arc<Building>,
    pub(super) places: Places,
    pub(super) database_url: String,
    pub(super) kafka_brokers: Option<String>,
    pub(super) redis_url: String,
    pub(super) apps: Instances,
    pub(super) sidecars: Instances,
}

impl RunningLane {
    pub fn lane(&self) -> &Lane {
        &self.lane
    }

    pub fn name(&self) -> &str {
        self.lane.name()
    }

    /// `http://127.0.0.1:PORT`, without a path: the first replica's.
    pub fn api_url(&self) -> String {
        self.url(Role::Api)
    }

    /// The same of each replica of the api, in their order.
    pub fn api_urls(&self) -> Vec<String> {
        let places = self.places.of_role(Role::Api);
        places
            .map(|place| format!("http://{}", place.app.harness))
            .collect()
    }

    /// `http://127.0.0.1:PORT`, without a path.
    pub fn audit_url(&self) -> String {
        self.url(Role::Audit)
    }

    pub fn url(&self, role: Role) -> String {
        format!("http://{}", self.places.of(role).app.harness)
    }

    /// Where the lane's roles and sidecars report their spans; none where the topology did not ask for it.
    pub fn traces(&self) -> Option<&TraceCollector> {
        self.building.traces.as_ref()
    }

    /// `http://host:port` of a role's process, as the lane's other services name it.
    pub fn peers_url(&self, role: Role) -> String {
        format!("http://{}", self.places.of(role).app.peers)
    }

    /// The lane's own database, with credentials.
    pub fn database_url(&self) -> &str {
        &self.database_url
    }

    /// `host:port`; none on the light stack.
    pub fn kafka_brokers(&self) -> Option<&str> {
        self.kafka_brokers.as_deref()
    }

    pub fn redis_url(&self) -> &str {
        &self.redis_url
    }

    pub fn topic(&self, topic: Topic) -> TopicName {
        self.lane.topic(topic)
    }

    /// The consumer group of a role.
    pub fn group(&self, role: Role) -> String {
        self.lane.group(role)
    }

    /// A role's process: the first, where only the role is named.
    pub fn app(&self, member: impl Into<Member>) -> Result<&Arc<dyn Instance>, StackError> {
        let member = member.into();
        let app = self.apps.get(&member);
        app.ok_or_else(|| self.has_no("app", member))
    }

    /// All processes of the system, without their sidecars.
    pub fn apps(&self) -> impl Iterator<Item = &Arc<dyn Instance>> {
        self.apps.values()
    }

    /// The sidecar of a role's process; an error in direct mode.
    pub fn sidecar(&self, member: impl Into<Member>) -> Result<&Arc<dyn Instance>, StackError> {
        let member = member.into();
        let sidecar = self.sidecars.get(&member);
        sidecar.ok_or_else(|| self.has_no("sidecar", member))
    }

    /// Starts the role that keeps state again, with its state elsewhere. What it knew of events stays behind.
    pub(super) async fn exchange_state(&mut self, state: StateBackend) -> Result<(), StackError> {
        if self.lane.mode() == Mode::Dapr {
            let what = format!("exchange the state store of lane {}", self.name());
            let mend = "name a lane without sidecars: behind one the role accepts Postgres alone";
            return Err(StackError::new(StackErrorKind::Config, what, mend));
        }
        let role = Role::Recurring;
        let before = self.app(role)?;
        before.stop(EXCHANGE_GRACE).await?;
        self.building.starter.roster.remove(before.id());
        let lane = self.lane.exchanged_for(state);
        let after = self.building.app_again(role, &lane).await?;
        self.apps.insert(role.into(), after);
        self.lane = lane;
        Ok(())
    }

    fn has_no(&self, what: &str, member: Member) -> StackError {
        let what = format!("find the {what} of {member} in lane {}", self.name());
        StackError::new(StackErrorKind::Config, what, "name a lane that has one")
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use gauntlet_contract::config::Broker;

    use super::*;

    #[test]
    fn every_member_has_a_place_of_its_own() {
        let mut port = 20_000;
        let lane = Lane::direct(Broker::Redis).api_replicas(2);
        let places = Places::find(&lane, |_| {
            port += 1;
            let address = SocketAddr::from(([127, 0, 0, 1], port));
            let app = Listener {
                bind: address,
                peers: address.to_string(),
                harness: address,
            };
            Ok::<_, StackError>(Place { app, sidecar: None })
        });
        let places = places.unwrap();
        let members = lane.members().into_iter();
        let mut ports: Vec<u16> = members.map(|member| places.of(member).app.port()).collect();
        ports.dedup();
        assert_eq!(ports.len(), Role::ALL.len() + 1);
        let of_api: Vec<u16> = places
            .of_role(Role::Api)
            .map(|place| place.app.port())
            .collect();
        assert_eq!(of_api, ports[..2]);
    }
}
