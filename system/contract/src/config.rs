//! Configuration of the `todo` binary: names and shapes. Reading the environment is left to main.

use serde::{Deserialize, Serialize};

/// What a process does. Several roles may share a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    Api,
    Recurring,
    Audit,
}

impl Role {
    pub const ALL: [Role; 3] = [Role::Api, Role::Recurring, Role::Audit];

    /// The role's name, which is also its Dapr app id and the tail of its consumer group.
    pub fn as_str(self) -> &'static str {
        match self {
            Role::Api => "api",
            Role::Recurring => "recurring",
            Role::Audit => "audit",
        }
    }
}

/// The broker that direct mode talks to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Broker {
    Kafka,
    Redis,
}
