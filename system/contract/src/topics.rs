//! Topics, and how their names are formed.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The topics of the system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Topic {
    TaskEvents,
    TaskReminders,
    TaskRecurrence,
    NotificationEvents,
    AuditLogs,
}

impl Topic {
    pub const ALL: [Topic; 5] = [
        Topic::TaskEvents,
        Topic::TaskReminders,
        Topic::TaskRecurrence,
        Topic::NotificationEvents,
        Topic::AuditLogs,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Topic::TaskEvents => "task-events",
            Topic::TaskReminders => "task-reminders",
            Topic::TaskRecurrence => "task-recurrence",
            Topic::NotificationEvents => "notification-events",
            Topic::AuditLogs => "audit-logs",
        }
    }
}

/// A topic's name on the broker: `<prefix><topic>`, and `-dlq` behind it for its dead letters.
///
/// The prefix lets two installations share a broker without hearing each other.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TopicName(String);

impl TopicName {
    pub fn new(prefix: &str, topic: Topic) -> Self {
        Self(format!("{prefix}{}", topic.as_str()))
    }

    /// A name that was formed by [`new`](Self::new) before and comes back from a store.
    pub fn from_stored(name: String) -> Self {
        Self(name)
    }

    /// Where events of this topic go after their last failed attempt.
    #[must_use]
    pub fn dead_letter(&self) -> Self {
        Self(format!("{}-dlq", self.0))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TopicName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
