use std::collections::BTreeMap;

use async_trait::async_trait;
use gauntlet_ports::{PortError, Secret, SecretName, SecretStore};

/// Secrets of the environment: each is the variable of its name. The values are those of the process's
/// start, because that is when an environment is read; an empty one counts as none.
#[derive(Clone, Debug, Default)]
pub struct EnvSecrets(BTreeMap<SecretName, Secret>);

impl EnvSecrets {
    /// Of these variables: only `main` reads the environment. A variable whose name is no secret's is
    /// left out.
    pub fn of(variables: impl IntoIterator<Item = (String, String)>) -> Self {
        let secret = |(name, value): (String, String)| {
            Some((SecretName::new(name).ok()?, Secret::new(value)?))
        };
        Self(variables.into_iter().filter_map(secret).collect())
    }
}

#[async_trait]
impl SecretStore for EnvSecrets {
    async fn get(&self, name: &SecretName) -> Result<Option<Secret>, PortError> {
        Ok(self.0.get(name).cloned())
    }

    async fn all(&self) -> Result<BTreeMap<SecretName, Secret>, PortError> {
        Ok(self.0.clone())
    }

    fn remedy(&self, name: &SecretName) -> String {
        format!("set the environment variable {name} and start again")
    }
}
