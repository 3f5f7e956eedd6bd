//! What must not be written down: one store, and a search through several.

mod search;
mod secret;
mod store;

pub use search::{FallbackFor, Found, Missing, Outage, Secrets, SecretsError};
pub use secret::{InvalidSecretName, Secret, SecretName};
pub use store::SecretStore;
