//! Secrets: the in-memory fake, and the contract of `SecretStore`.

mod memory;
mod suite;
#[cfg(test)]
mod tests;

pub use memory::MemorySecretStore;
pub use suite::{KEPT_SECRETS, SecretBackend, secret_store_suite, still_secret_store_suite};
