//! Identifiers. All are UUIDs; task and event ids are version 7, so that they sort by creation.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// A fresh, time-ordered identifier.
            pub fn generate() -> Self {
                Self(Uuid::now_v7())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::parse_str(text).map(Self)
            }
        }
    };
}

uuid_id!(
    /// Identifies a task. It is the partition key of the task's events.
    TaskId
);
uuid_id!(
    /// Identifies one event. Consumers deduplicate on (consumer, source, event id).
    EventId
);
uuid_id!(
    /// Identifies a tag or a category.
    LabelId
);
uuid_id!(
    /// Identifies a series of recurring tasks.
    SeriesId
);
uuid_id!(
    /// Identifies whatever an event is about. It is the event's partition key, and the order of events
    /// is kept for each of these.
    EntityId
);
uuid_id!(
    /// Identifies a user: the `sub` claim of a token.
    UserId
);

macro_rules! entity {
    ($($name:ident),+) => {
        $(impl From<$name> for EntityId {
            fn from(id: $name) -> Self {
                Self(id.0)
            }
        })+
    };
}

entity!(TaskId, LabelId, SeriesId, EventId);
