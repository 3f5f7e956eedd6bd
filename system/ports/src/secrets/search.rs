use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::{Secret, SecretName, SecretStore};
use crate::error::{PortError, PortErrorKind};

/// An ordered list of stores, with a fallback at its end.
///
/// The first store that has a secret answers. A store that *lacks* it passes the question on. One that
/// *fails* ends the search with an error, because a later store might have another secret of that
/// name, which must not be taken only because the right one was out of reach for a moment. The
/// exception is a fallback that was configured [`FallbackFor::Outage`]: it is asked then, and no other
/// store is; what it lacks stays the failed store's error.
#[derive(Clone, Default)]
pub struct Secrets {
    stores: Vec<Named>,
    fallback: Option<(Named, FallbackFor)>,
}

#[derive(Clone)]
struct Named {
    name: String,
    store: Arc<dyn SecretStore>,
}

/// When the fallback is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FallbackFor {
    /// When every other store was asked and lacks the secret.
    Absence,
    /// Also when a store is `Unavailable`, or does not answer in time. A store that denies the
    /// secret, or holds something that is none, is an error all the same.
    Outage,
}

/// A secret, and where it came from.
#[derive(Debug)]
pub struct Found {
    pub secret: Secret,
    /// The name of the store that answered.
    pub store: String,
    /// The store that should have answered, where the fallback stood in for it. Worth a warning.
    pub outage: Option<Outage>,
}

/// A store that could not be asked.
#[derive(Debug, thiserror::Error)]
#[error("ask the secret store {store}")]
pub struct Outage {
    pub store: String,
    #[source]
    pub source: PortError,
}

/// A secret that no store has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    pub name: SecretName,
    /// Every store that was asked, and what a person can do so that it has the secret.
    pub asked: Vec<(String, String)>,
}

#[derive(Debug, thiserror::Error)]
pub enum SecretsError {
    #[error("find {}", sentences(.0))]
    Missing(Vec<Missing>),
    #[error("find the secret {name}")]
    Failed {
        name: SecretName,
        #[source]
        source: Outage,
    },
}

impl Secrets {
    /// Nothing is asked yet, and everything is missing.
    pub fn nowhere() -> Self {
        Self::default()
    }

    /// The same, with this store asked after those before it.
    #[must_use]
    pub fn then(mut self, name: impl Into<String>, store: Arc<dyn SecretStore>) -> Self {
        let name = name.into();
        self.stores.push(Named { name, store });
        self
    }

    /// The same, with this store asked in the end.
    #[must_use]
    pub fn fallback(
        mut self,
        name: impl Into<String>,
        store: Arc<dyn SecretStore>,
        when: FallbackFor,
    ) -> Self {
        let name = name.into();
        self.fallback = Some((Named { name, store }, when));
        self
    }

    /// The secret of the first store that has it.
    pub async fn find(&self, name: &SecretName) -> Result<Option<Found>, SecretsError> {
        for named in &self.stores {
            match named.ask(name).await {
                Ok(None) => {}
                Ok(Some(secret)) => return Ok(Some(named.found(secret, None))),
                Err(outage) => return self.despite(outage, name).await.map(Some),
            }
        }
        let Some((fallback, _)) = &self.fallback else {
            return Ok(None);
        };
        let secret = fallback
            .ask(name)
            .await
            .map_err(|outage| failed(name, outage))?;
        Ok(secret.map(|secret| fallback.found(secret, None)))
    }

    /// The secret, or an error that says what a person can do.
    pub async fn require(&self, name: &SecretName) -> Result<Secret, SecretsError> {
        match self.find(name).await? {
            Some(found) => Ok(found.secret),
            None => Err(SecretsError::Missing(vec![self.missing(name)])),
        }
    }

    /// All of them, or an error that names every one that is missing.
    pub async fn require_all(
        &self,
        names: &[SecretName],
    ) -> Result<BTreeMap<SecretName, Secret>, SecretsError> {
        let mut secrets = BTreeMap::new();
        let mut missing = Vec::new();
        for name in names {
            match self.find(name).await? {
                Some(found) => drop(secrets.insert(name.clone(), found.secret)),
                None => missing.push(self.missing(name)),
            }
        }
        if missing.is_empty() {
            Ok(secrets)
        } else {
            Err(SecretsError::Missing(missing))
        }
    }

    /// What the fallback has, where it may stand in for a store that is down.
    async fn despite(&self, outage: Outage, name: &SecretName) -> Result<Found, SecretsError> {
        let is_down = matches!(
            outage.source.kind,
            PortErrorKind::Unavailable | PortErrorKind::Timeout
        );
        if let Some((fallback, FallbackFor::Outage)) = &self.fallback
            && is_down
            && let Ok(Some(secret)) = fallback.ask(name).await
        {
            return Ok(fallback.found(secret, Some(outage)));
        }
        Err(failed(name, outage))
    }

    fn missing(&self, name: &SecretName) -> Missing {
        let fallback = self.fallback.iter().map(|(named, _)| named);
        let all = self.stores.iter().chain(fallback);
        Missing {
            name: name.clone(),
            asked: all
                .map(|named| (named.name.clone(), named.store.remedy(name)))
                .collect(),
        }
    }
}

impl Named {
    async fn ask(&self, name: &SecretName) -> Result<Option<Secret>, Outage> {
        self.store.get(name).await.map_err(|source| Outage {
            store: self.name.clone(),
            source,
        })
    }

    fn found(&self, secret: Secret, outage: Option<Outage>) -> Found {
        Found {
            secret,
            store: self.name.clone(),
            outage,
        }
    }
}

fn failed(name: &SecretName, source: Outage) -> SecretsError {
    SecretsError::Failed {
        name: name.clone(),
        source,
    }
}

fn sentences(missing: &[Missing]) -> String {
    let sentences: Vec<_> = missing.iter().map(ToString::to_string).collect();
    sentences.join("; ")
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the secret {}: ", self.name)?;
        if self.asked.is_empty() {
            return f.write_str("there is no store to ask, configure one");
        }
        let stores: Vec<_> = self.asked.iter().map(|(store, _)| &**store).collect();
        let remedies: Vec<_> = self.asked.iter().map(|(_, remedy)| &**remedy).collect();
        let (stores, remedies) = (stores.join(", "), remedies.join(", or "));
        write!(f, "it is not in {stores}; {remedies}")
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stores: Vec<_> = self.stores.iter().map(|named| &named.name).collect();
        let fallback = self.fallback.as_ref();
        f.debug_struct("Secrets")
            .field("stores", &stores)
            .field(
                "fallback",
                &fallback.map(|(named, when)| (&named.name, when)),
            )
            .finish()
    }
}
