use std::collections::BTreeMap;

use async_trait::async_trait;

use super::{Secret, SecretName};
use crate::error::PortError;

/// A place where secrets are kept. Every call is bounded in time.
///
/// A store that answers "none" has been asked and lacks the secret; one that could not be asked, or that
/// denies the answer, is an error. Nothing is remembered between two calls, so that a rotated
/// secret is seen at the next.
#[async_trait]
pub trait SecretStore: Send + Sync {
    async fn get(&self, name: &SecretName) -> Result<Option<Secret>, PortError>;

    /// Every secret that may be read. What has a name that is no [`SecretName`] is left out.
    async fn all(&self) -> Result<BTreeMap<SecretName, Secret>, PortError>;

    /// What a person does so that this store has the secret: a phrase in the imperative.
    fn remedy(&self, name: &SecretName) -> String;
}
