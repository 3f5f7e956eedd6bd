use std::fmt;

use gauntlet_contract::config::Role;

/// One process of a lane: its role, and which of the role's replicas it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Member {
    pub role: Role,
    /// From 0. Only the api has more than one.
    pub replica: u8,
}

impl From<Role> for Member {
    /// The first of the role's replicas, which is the only one of most.
    fn from(role: Role) -> Self {
        Self { role, replica: 0 }
    }
}

/// `api`, `api-2`: a role that has one replica goes by the role's name.
impl fmt::Display for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.role.as_str())?;
        match self.replica {
            0 => Ok(()),
            further => write!(f, "-{}", u16::from(further) + 1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_replica_has_the_name_of_its_role() {
        assert_eq!(Member::from(Role::Api).to_string(), "api");
        let third = Member {
            role: Role::Api,
            replica: 2,
        };
        assert_eq!(third.to_string(), "api-3");
    }
}
