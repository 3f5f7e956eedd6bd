use std::collections::BTreeSet;
use std::fmt;

use gauntlet_contract::config::{Broker, Role};
use gauntlet_contract::{Topic, TopicName};
use serde::{Deserialize, Serialize};

use super::member::Member;
use super::runs_on::Network;
use crate::component::kafka::NewTopic;
use crate::error::{StackError, StackErrorKind};
use crate::provider::Support;
use crate::store::ComponentId;

/// Enough that three replicas of a consumer all have work, and order per task is really tested.
const TASK_EVENT_PARTITIONS: i32 = 12;
const OTHER_PARTITIONS: i32 = 3;
/// Dead letters are few and read by one.
const DEAD_LETTER_PARTITIONS: i32 = 1;

/// Which infrastructure there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StackKind {
    /// Postgres, Kafka, Redis, and Dapr's scheduler and placement.
    Full,
    /// Postgres and Redis: a minute of set-up, and no more than direct mode.
    Light,
}

impl StackKind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Light => "light",
        }
    }

    /// What has to be obtained for it.
    pub fn components(self) -> &'static [ComponentId] {
        match self {
            Self::Full => &ComponentId::ALL,
            Self::Light => &[ComponentId::Redis, ComponentId::Postgres],
        }
    }
}

impl fmt::Display for StackKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// How the system's processes talk to the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Through a sidecar each.
    Dapr,
    /// By the broker's own client.
    Direct,
}

/// Where the system keeps state that is no truth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StateBackend {
    Postgres,
    Redis,
}

impl StateBackend {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::Redis => "redis",
        }
    }
}

/// One way of running the system: mode, broker, and a name that sets its topics and database apart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lane {
    name: String,
    mode: Mode,
    broker: Broker,
    /// None: where the mode and the broker suggest.
    #[serde(default)]
    state: Option<StateBackend>,
    #[serde(default = "one")]
    api_replicas: u8,
}

/// Older descriptions know of one replica alone.
fn one() -> u8 {
    1
}

impl Lane {
    pub fn dapr(broker: Broker) -> Self {
        Self::of(Mode::Dapr, broker)
    }

    pub fn direct(broker: Broker) -> Self {
        Self::of(Mode::Direct, broker)
    }

    fn of(mode: Mode, broker: Broker) -> Self {
        let mode_name = match mode {
            Mode::Dapr => "dapr",
            Mode::Direct => "direct",
        };
        let broker_name = match broker {
            Broker::Kafka => "kafka",
            Broker::Redis => "redis",
        };
        Self {
            name: format!("{mode_name}-{broker_name}"),
            mode,
            broker,
            state: None,
            api_replicas: one(),
        }
    }

    /// The same with its state elsewhere, under a name of its own: `direct-kafka-state-redis`.
    #[must_use]
    pub fn state_on(self, state: StateBackend) -> Self {
        Self {
            name: format!("{}-state-{}", self.name, state.as_str()),
            ..self.exchanged_for(state)
        }
    }

    /// The same lane with its state elsewhere.
    #[must_use]
    pub(super) fn exchanged_for(&self, state: StateBackend) -> Self {
        Self {
            state: Some(state),
            ..self.clone()
        }
    }

    /// `dapr-kafka`, `direct-redis` …
    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn mode(&self) -> Mode {
        self.mode
    }

    pub fn broker(&self) -> Broker {
        self.broker
    }

    /// Where the lane's state is. By default it lies beside the broker where a direct lane has that in Redis, so
    /// that both kinds are in use, and else in Postgres.
    pub fn state(&self) -> StateBackend {
        let suggested = match (self.mode, self.broker) {
            (Mode::Direct, Broker::Redis) => StateBackend::Redis,
            (Mode::Dapr, _) | (Mode::Direct, Broker::Kafka) => StateBackend::Postgres,
        };
        self.state.unwrap_or(suggested)
    }

    /// The same lane with so many processes of the api, each with a sidecar of its own where there are some.
    /// They share the app id and the database. At least one.
    #[must_use]
    pub fn api_replicas(self, replicas: u8) -> Self {
        Self {
            api_replicas: replicas.max(one()),
            ..self
        }
    }

    /// All processes of the system, role by role.
    pub fn members(&self) -> Vec<Member> {
        let replicas = |role| match role {
            Role::Api => self.api_replicas,
            Role::Recurring | Role::Audit => one(),
        };
        let members = |role| (0..replicas(role)).map(move |replica| Member { role, replica });
        Role::ALL.into_iter().flat_map(members).collect()
    }

    /// Put before each topic, so that lanes on one broker do not hear each other.
    pub fn topic_prefix(&self) -> String {
        format!("{}.", self.name)
    }

    pub fn topic(&self, topic: Topic) -> TopicName {
        TopicName::new(&self.topic_prefix(), topic)
    }

    /// The consumer group of a role.
    pub fn group(&self, role: Role) -> String {
        format!("{}{}", self.topic_prefix(), role.as_str())
    }

    /// Everything that the lane's broker must have before the first event.
    pub(super) fn new_topics(&self) -> Vec<NewTopic> {
        let both = |topic: Topic| {
            let name = self.topic(topic);
            let partitions = match topic {
                Topic::TaskEvents => TASK_EVENT_PARTITIONS,
                _ => OTHER_PARTITIONS,
            };
            let letters = name.dead_letter().as_str().to_owned();
            [
                NewTopic {
                    name: name.as_str().to_owned(),
                    partitions,
                },
                NewTopic {
                    name: letters,
                    partitions: DEAD_LETTER_PARTITIONS,
                },
            ]
        };
        Topic::ALL.into_iter().flat_map(both).collect()
    }
}

/// What to start: infrastructure and lanes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topology {
    kind: StackKind,
    lanes: Vec<Lane>,
    collects_traces: bool,
}

impl Topology {
    /// The whole infrastructure, and no lane yet.
    pub fn full() -> Self {
        Self {
            kind: StackKind::Full,
            lanes: Vec::new(),
            collects_traces: false,
        }
    }

    /// Postgres and Redis with the one lane that runs on them.
    pub fn light() -> Self {
        Self {
            kind: StackKind::Light,
            lanes: vec![Lane::direct(Broker::Redis)],
            collects_traces: false,
        }
    }

    #[must_use]
    pub fn lane(mut self, lane: Lane) -> Self {
        self.lanes.push(lane);
        self
    }

    /// The same with so many processes of the api in every lane, at least one.
    #[must_use]
    pub fn api_replicas(mut self, replicas: u8) -> Self {
        let lanes = self.lanes.into_iter();
        self.lanes = lanes.map(|lane| lane.api_replicas(replicas)).collect();
        self
    }

    /// The same with a collector of traces beside each lane, to which its roles and sidecars report. It is
    /// work that nothing else in a lane's figures accounts for, and is off otherwise.
    #[must_use]
    pub fn traced(mut self) -> Self {
        self.collects_traces = true;
        self
    }

    pub fn collects_traces(&self) -> bool {
        self.collects_traces
    }

    /// Whether services on that network could do what the topology asks of them.
    pub fn support_on(&self, network: Network) -> Support {
        if self.collects_traces && network == Network::Own {
            let reason =
                "services on this machine's own network: its collector of traces is on 127.0.0.1, \
                          where containers do not reach it"
                    .to_owned();
            return Support::Unavailable { reason };
        }
        Support::Available
    }

    pub fn kind(&self) -> StackKind {
        self.kind
    }

    pub fn lanes(&self) -> &[Lane] {
        &self.lanes
    }

    /// Finds what cannot be started before anything is.
    pub(super) fn validate(&self) -> Result<(), StackError> {
        let refused =
            |what: String, mend: &str| Err(StackError::new(StackErrorKind::Config, what, mend));
        let mut names = BTreeSet::new();
        for lane in &self.lanes {
            if !names.insert(lane.name()) {
                return refused(
                    format!("start lane {} twice in one stack", lane.name()),
                    "name each lane once",
                );
            }
            let needs_more = lane.mode == Mode::Dapr || lane.broker == Broker::Kafka;
            if self.kind == StackKind::Light && needs_more {
                return refused(
                    format!("start lane {} on the light stack", lane.name()),
                    "use --stack full",
                );
            }
            if lane.mode == Mode::Dapr && lane.state() == StateBackend::Redis {
                return refused(
                    format!(
                        "start lane {}: recurring refuses its state store, of which Dapr's component \
                             for Redis holds no expectations",
                        lane.name()
                    ),
                    "keep the state of a lane with sidecars in Postgres, or use direct mode",
                );
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lanes_are_told_apart_by_prefix() {
        let lane = Lane::dapr(Broker::Kafka);
        assert_eq!(
            lane.topic(Topic::TaskEvents).as_str(),
            "dapr-kafka.task-events"
        );
        assert_eq!(lane.group(Role::Audit), "dapr-kafka.audit");
        let topics = lane.new_topics();
        let partitions = |name: &str| {
            topics
                .iter()
                .find(|topic| topic.name == name)
                .map(|t| t.partitions)
        };
        assert_eq!(partitions("dapr-kafka.task-events"), Some(12));
        assert_eq!(partitions("dapr-kafka.task-events-dlq"), Some(1));
        assert_eq!(partitions("dapr-kafka.audit-logs"), Some(3));
    }

    #[test]
    fn a_lane_with_its_state_elsewhere_is_another_lane_and_an_exchange_leaves_it_the_same() {
        let lane = Lane::direct(Broker::Kafka);
        assert_eq!(lane.state(), StateBackend::Postgres);
        let other = lane.clone().state_on(StateBackend::Redis);
        assert_eq!(other.name(), "direct-kafka-state-redis");
        assert_eq!(other.state(), StateBackend::Redis);
        let exchanged = lane.exchanged_for(StateBackend::Redis);
        assert_eq!(exchanged.name(), lane.name());
        assert_eq!(exchanged.state(), StateBackend::Redis);
        assert_eq!(Lane::direct(Broker::Redis).state(), StateBackend::Redis);
    }

    #[test]
    fn only_the_api_has_further_replicas_and_the_lane_stays_the_same() {
        let names = |lane: &Lane| -> Vec<String> {
            lane.members().iter().map(ToString::to_string).collect()
        };
        let one = Lane::dapr(Broker::Kafka);
        assert_eq!(names(&one), ["api", "recurring", "audit"]);
        assert_eq!(one.clone().api_replicas(0), one);
        let topology = Topology::light().api_replicas(2);
        let two = &topology.lanes()[0];
        assert_eq!(two.name(), "direct-redis");
        assert_eq!(names(two), ["api", "api-2", "recurring", "audit"]);
    }

    #[test]
    fn traces_are_collected_where_asked_for_and_the_collector_can_be_reached() {
        let traced = Topology::full().traced().lane(Lane::dapr(Broker::Kafka));
        assert!(traced.collects_traces() && !Topology::full().collects_traces());
        assert_eq!(traced.support_on(Network::Hosts), Support::Available);
        assert!(matches!(
            traced.support_on(Network::Own),
            Support::Unavailable { reason } if reason.contains("collector")
        ));
        assert_eq!(
            Topology::light().support_on(Network::Own),
            Support::Available
        );
    }

    #[test]
    fn what_cannot_run_is_refused_before_the_start() {
        let twice = Topology::full()
            .lane(Lane::direct(Broker::Kafka))
            .lane(Lane::direct(Broker::Kafka));
        assert!(twice.validate().is_err());
        let too_much = Topology::light().lane(Lane::dapr(Broker::Redis));
        assert!(
            too_much
                .validate()
                .unwrap_err()
                .mend()
                .contains("--stack full")
        );
        assert!(Topology::light().validate().is_ok());
        let refusing = Lane::dapr(Broker::Kafka).state_on(StateBackend::Redis);
        let refused = Topology::full().lane(refusing).validate().unwrap_err();
        assert!(refused.mend().contains("Postgres"));
    }
}
