//! The closed set of components that the harness can obtain.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::error::StoreError;

/// One real component. The names are those of the command line and of `components.toml`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ComponentId {
    Kafka,
    Postgres,
    /// Redis or Valkey: whichever server the sources yield.
    Redis,
    Daprd,
    Scheduler,
    Placement,
}

impl ComponentId {
    /// Every component, small ones first: the order in which they are fetched.
    pub const ALL: [Self; 6] = [
        Self::Redis,
        Self::Postgres,
        Self::Kafka,
        Self::Placement,
        Self::Scheduler,
        Self::Daprd,
    ];

    /// The lower-case name, as on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Kafka => "kafka",
            Self::Postgres => "postgres",
            Self::Redis => "redis",
            Self::Daprd => "daprd",
            Self::Scheduler => "scheduler",
            Self::Placement => "placement",
        }
    }

    /// The environment variable that names a path to use instead of fetching.
    pub const fn path_variable(self) -> &'static str {
        match self {
            Self::Kafka => "GAUNTLET_KAFKA_PATH",
            Self::Postgres => "GAUNTLET_POSTGRES_PATH",
            Self::Redis => "GAUNTLET_REDIS_PATH",
            Self::Daprd => "GAUNTLET_DAPRD_PATH",
            Self::Scheduler => "GAUNTLET_SCHEDULER_PATH",
            Self::Placement => "GAUNTLET_PLACEMENT_PATH",
        }
    }
}

impl fmt::Display for ComponentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for ComponentId {
    type Err = StoreError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|id| id.as_str() == name)
            .ok_or_else(|| StoreError::unknown_component(name))
    }
}
