use std::collections::BTreeSet;
use std::fmt;

use gauntlet_contract::config::{Broker, Role};
use gauntlet_contract::{Topic, TopicName};
use serde::{Deserialize, Serialize};

use crate::component::kafka::NewTopic;
use crate::error::{StackError, StackErrorKind};
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

/// One way of running the system: mode, broker, and a name that sets its topics and database apart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lane {
    name: String,
    mode: Mode,
    broker: Broker,
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
}

impl Topology {
    /// The whole infrastructure, and no lane yet.
    pub fn full() -> Self {
        Self {
            kind: StackKind::Full,
            lanes: Vec::new(),
        }
    }

    /// Postgres and Redis with the one lane that runs on them.
    pub fn light() -> Self {
        Self {
            kind: StackKind::Light,
            lanes: vec![Lane::direct(Broker::Redis)],
        }
    }

    #[must_use]
    pub fn lane(mut self, lane: Lane) -> Self {
        self.lanes.push(lane);
        self
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
    }
}
