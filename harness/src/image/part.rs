use std::fmt;
use std::str::FromStr;

use crate::error::{StackError, StackErrorKind};
use crate::store::ComponentId;

/// What an image is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    Component(ComponentId),
    /// The system under test.
    System,
}

impl Part {
    /// Every part, small images first.
    pub const ALL: [Self; 7] = [
        Self::Component(ComponentId::Redis),
        Self::Component(ComponentId::Postgres),
        Self::Component(ComponentId::Kafka),
        Self::Component(ComponentId::Placement),
        Self::Component(ComponentId::Scheduler),
        Self::Component(ComponentId::Daprd),
        Self::System,
    ];

    /// The lower-case name, as on the command line and in references.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Component(id) => id.as_str(),
            Self::System => "todo",
        }
    }

    /// The environment variable that names an image to use.
    pub const fn variable(self) -> &'static str {
        match self {
            Self::Component(ComponentId::Kafka) => "GAUNTLET_KAFKA_IMAGE",
            Self::Component(ComponentId::Postgres) => "GAUNTLET_POSTGRES_IMAGE",
            Self::Component(ComponentId::Redis) => "GAUNTLET_REDIS_IMAGE",
            Self::Component(ComponentId::Daprd) => "GAUNTLET_DAPRD_IMAGE",
            Self::Component(ComponentId::Scheduler) => "GAUNTLET_SCHEDULER_IMAGE",
            Self::Component(ComponentId::Placement) => "GAUNTLET_PLACEMENT_IMAGE",
            Self::System => "GAUNTLET_TODO_IMAGE",
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Part {
    type Err = StackError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|part| part.as_str() == name);
        found.ok_or_else(|| {
            StackError::new(
                StackErrorKind::Config,
                format!("find a part called '{name}'"),
                format!("name one of {}", Self::ALL.map(Self::as_str).join(", ")),
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_is_found_by_its_name_and_has_a_variable_of_its_own() {
        for part in Part::ALL {
            assert_eq!(part.as_str().parse::<Part>().unwrap(), part);
            let variable = format!("GAUNTLET_{}_IMAGE", part.as_str().to_uppercase());
            assert_eq!(part.variable(), variable);
        }
        assert!("sentry".parse::<Part>().is_err());
    }
}
