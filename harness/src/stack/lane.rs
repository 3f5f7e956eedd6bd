use std::collections::BTreeMap;
use std::sync::Arc;

use gauntlet_contract::config::Role;
use gauntlet_contract::{Topic, TopicName};

use super::topology::Lane;
use crate::component::Listener;
use crate::error::{StackError, StackErrorKind};
use crate::provider::Instance;

pub(super) type Instances = BTreeMap<Role, Arc<dyn Instance>>;

/// Where the processes of one role listen.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) app: Listener,
    /// None in direct mode.
    pub(super) sidecar: Option<Listener>,
}

/// The places of all roles: there is no lane without one of them.
#[derive(Debug, Clone)]
pub(super) struct Places(BTreeMap<Role, Place>);

impl Places {
    /// Makes a place for each role.
    pub(super) fn find<E>(mut place: impl FnMut(Role) -> Result<Place, E>) -> Result<Self, E> {
        let places = Role::ALL.into_iter();
        let places = places.map(|role| Ok((role, place(role)?)));
        places.collect::<Result<_, E>>().map(Self)
    }

    pub(super) fn of(&self, role: Role) -> &Place {
        &self.0[&role]
    }
}

/// One lane of a running stack.
#[derive(Debug)]
pub struct RunningLane {
    pub(super) lane: Lane,
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

    /// `http://127.0.0.1:PORT`, without a path.
    pub fn api_url(&self) -> String {
        self.url(Role::Api)
    }

    /// `http://127.0.0.1:PORT`, without a path.
    pub fn audit_url(&self) -> String {
        self.url(Role::Audit)
    }

    pub fn url(&self, role: Role) -> String {
        format!("http://{}", self.places.of(role).app.harness)
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

    /// A role's process.
    pub fn app(&self, role: Role) -> Result<&Arc<dyn Instance>, StackError> {
        self.apps.get(&role).ok_or_else(|| self.has_no("app", role))
    }

    /// A role's sidecar; an error in direct mode.
    pub fn sidecar(&self, role: Role) -> Result<&Arc<dyn Instance>, StackError> {
        self.sidecars
            .get(&role)
            .ok_or_else(|| self.has_no("sidecar", role))
    }

    fn has_no(&self, what: &str, role: Role) -> StackError {
        let what = format!(
            "find the {what} of {} in lane {}",
            role.as_str(),
            self.name()
        );
        StackError::new(StackErrorKind::Config, what, "name a lane that has one")
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;

    #[test]
    fn every_role_has_a_place_of_its_own() {
        let mut port = 20_000;
        let places = Places::find(|_| {
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
        let mut ports: Vec<u16> = Role::ALL.map(|role| places.of(role).app.port()).to_vec();
        ports.dedup();
        assert_eq!(ports.len(), Role::ALL.len());
    }
}
