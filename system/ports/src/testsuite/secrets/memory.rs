use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::SecretBackend;
use crate::error::{PortError, PortErrorKind};
use crate::secrets::{Secret, SecretName, SecretStore};

/// Secrets in memory. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct MemorySecretStore(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    secrets: BTreeMap<SecretName, Secret>,
    planted: Option<PortErrorKind>,
}

impl MemorySecretStore {
    /// From now on every call fails in this way; none heals.
    pub fn plant(&self, planted: Option<PortErrorKind>) {
        self.kept().planted = planted;
    }

    /// Puts a secret there, or takes it away with an empty value.
    pub fn set(&self, name: &SecretName, value: &str) {
        let mut kept = self.kept();
        match Secret::new(value) {
            Some(secret) => drop(kept.secrets.insert(name.clone(), secret)),
            None => drop(kept.secrets.remove(name)),
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn secrets(&self, op: &'static str) -> Result<BTreeMap<SecretName, Secret>, PortError> {
        let kept = self.kept();
        match kept.planted {
            Some(kind) => Err(PortError::new(kind, "secret store", op, "planted")),
            None => Ok(kept.secrets.clone()),
        }
    }
}

#[async_trait]
impl SecretStore for MemorySecretStore {
    async fn get(&self, name: &SecretName) -> Result<Option<Secret>, PortError> {
        let mut secrets = self.secrets("read a secret")?;
        Ok(secrets.remove(name))
    }

    async fn all(&self) -> Result<BTreeMap<SecretName, Secret>, PortError> {
        self.secrets("read all secrets")
    }

    fn remedy(&self, name: &SecretName) -> String {
        format!("remember {name}")
    }
}

#[async_trait]
impl SecretBackend for MemorySecretStore {
    async fn keep(&mut self, name: &SecretName, value: &str) {
        self.set(name, value);
    }

    fn store(&self) -> &dyn SecretStore {
        self
    }
}
