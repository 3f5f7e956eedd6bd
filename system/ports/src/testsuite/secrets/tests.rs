//! The fake keeps the contract, stores that break it are found out, and a search through several
//! stores takes no secret that it must not take.

use std::collections::BTreeMap;
use std::error::Error as _;
use std::sync::Arc;

use async_trait::async_trait;

use super::{MemorySecretStore, SecretBackend, secret_store_suite};
use crate::error::{PortError, PortErrorKind};
use crate::secrets::{FallbackFor, Secret, SecretName, SecretStore, Secrets, SecretsError};

#[tokio::test]
async fn the_memory_store_keeps_the_contract() {
    secret_store_suite(&mut MemorySecretStore::default()).await;
}

/// Remembers the first answer to each question.
#[derive(Default)]
struct Remembering {
    store: MemorySecretStore,
    remembered: tokio::sync::Mutex<BTreeMap<SecretName, Option<Secret>>>,
}

#[async_trait]
impl SecretStore for Remembering {
    async fn get(&self, name: &SecretName) -> Result<Option<Secret>, PortError> {
        let mut remembered = self.remembered.lock().await;
        if let Some(secret) = remembered.get(name) {
            return Ok(secret.clone());
        }
        let secret = self.store.get(name).await?;
        remembered.insert(name.clone(), secret.clone());
        Ok(secret)
    }

    async fn all(&self) -> Result<BTreeMap<SecretName, Secret>, PortError> {
        self.store.all().await
    }

    fn remedy(&self, name: &SecretName) -> String {
        self.store.remedy(name)
    }
}

#[async_trait]
impl SecretBackend for Remembering {
    async fn keep(&mut self, name: &SecretName, value: &str) {
        self.store.set(name, value);
    }

    fn store(&self) -> &dyn SecretStore {
        self
    }
}

#[tokio::test]
#[should_panic(expected = "an old value was remembered")]
async fn planted_memory_of_old_values_is_found() {
    secret_store_suite(&mut Remembering::default()).await;
}

/// Takes an empty value for a secret that is anything.
#[derive(Default)]
struct Inventive(MemorySecretStore);

#[async_trait]
impl SecretStore for Inventive {
    async fn get(&self, name: &SecretName) -> Result<Option<Secret>, PortError> {
        Ok(self.0.get(name).await?.or_else(|| Secret::new("changeme")))
    }

    async fn all(&self) -> Result<BTreeMap<SecretName, Secret>, PortError> {
        self.0.all().await
    }

    fn remedy(&self, name: &SecretName) -> String {
        self.0.remedy(name)
    }
}

#[async_trait]
impl SecretBackend for Inventive {
    async fn keep(&mut self, name: &SecretName, value: &str) {
        self.0.set(name, value);
    }

    fn store(&self) -> &dyn SecretStore {
        self
    }
}

#[tokio::test]
#[should_panic(expected = "counts as a secret")]
async fn planted_defaults_are_found() {
    secret_store_suite(&mut Inventive::default()).await;
}

fn name(text: &str) -> SecretName {
    SecretName::new(text).unwrap()
}

fn holding(text: &str, value: &str) -> Arc<MemorySecretStore> {
    let store = MemorySecretStore::default();
    store.set(&name(text), value);
    Arc::new(store)
}

fn failing(kind: PortErrorKind) -> Arc<MemorySecretStore> {
    let store = holding("KEY", "out of reach");
    store.plant(Some(kind));
    store
}

fn empty() -> Arc<MemorySecretStore> {
    Arc::default()
}

#[tokio::test]
async fn the_first_store_that_has_it_answers() {
    let secrets = Secrets::nowhere()
        .then("vault", empty())
        .then("files", holding("KEY", "of files"))
        .then("more files", holding("KEY", "of more files"))
        .fallback("environment", holding("KEY", "of env"), FallbackFor::Outage);
    let found = secrets.find(&name("KEY")).await.unwrap().unwrap();
    assert_eq!(found.secret.reveal(), "of files");
    assert_eq!(found.store, "files");
    assert!(found.outage.is_none());
}

#[tokio::test]
async fn the_fallback_has_what_all_others_lack() {
    for when in [FallbackFor::Absence, FallbackFor::Outage] {
        let secrets = Secrets::nowhere().then("vault", empty()).fallback(
            "environment",
            holding("KEY", "of env"),
            when,
        );
        let found = secrets.find(&name("KEY")).await.unwrap().unwrap();
        assert_eq!(found.store, "environment");
        assert!(found.outage.is_none());
    }
}

#[tokio::test]
async fn a_store_that_fails_ends_the_search() {
    for kind in [
        PortErrorKind::Unavailable,
        PortErrorKind::Timeout,
        PortErrorKind::Invalid,
    ] {
        let secrets = Secrets::nowhere()
            .then("vault", failing(kind))
            .then("files", holding("KEY", "another secret"))
            .fallback(
                "environment",
                holding("KEY", "a third"),
                FallbackFor::Absence,
            );
        let failed = secrets.require(&name("KEY")).await.unwrap_err();
        assert_eq!(failed.to_string(), "find the secret KEY");
        let outage = failed.source().unwrap();
        assert_eq!(outage.to_string(), "ask the secret store vault");
        assert!(outage.source().is_some());
    }
}

#[tokio::test]
async fn only_a_fallback_that_is_meant_for_it_stands_in_for_a_store_that_is_down() {
    let secrets = |kind| {
        Secrets::nowhere()
            .then("vault", failing(kind))
            .then("files", holding("KEY", "another secret"))
            .fallback("environment", holding("KEY", "of env"), FallbackFor::Outage)
    };
    let down = secrets(PortErrorKind::Unavailable);
    let found = down.find(&name("KEY")).await.unwrap().unwrap();
    assert_eq!(found.secret.reveal(), "of env");
    assert_eq!(found.store, "environment");
    let outage = found.outage.expect("it is told");
    assert_eq!(outage.store, "vault");

    // A store that denies the secret is not down.
    let denied = secrets(PortErrorKind::Invalid).find(&name("KEY")).await;
    assert!(matches!(denied, Err(SecretsError::Failed { .. })));
}

#[tokio::test]
async fn what_the_fallback_lacks_stays_the_failed_stores_error() {
    for fallback in [empty(), failing(PortErrorKind::Internal)] {
        let secrets = Secrets::nowhere()
            .then("vault", failing(PortErrorKind::Unavailable))
            .fallback("environment", fallback, FallbackFor::Outage);
        match secrets.find(&name("KEY")).await {
            Err(SecretsError::Failed { source, .. }) => assert_eq!(source.store, "vault"),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_missing_secret_is_named_with_who_was_asked_and_what_to_do() {
    let secrets = Secrets::nowhere().then("vault", empty()).fallback(
        "environment",
        empty(),
        FallbackFor::Absence,
    );
    let missing = secrets.require(&name("KEY")).await.unwrap_err();
    assert_eq!(
        missing.to_string(),
        "find the secret KEY: it is not in vault, environment; remember KEY, or remember KEY"
    );
    let nowhere = Secrets::nowhere().require(&name("KEY")).await.unwrap_err();
    assert_eq!(
        nowhere.to_string(),
        "find the secret KEY: there is no store to ask, configure one"
    );
}

#[tokio::test]
async fn every_missing_secret_is_told_at_once() {
    let secrets = Secrets::nowhere().then("files", holding("B", "2"));
    let names = ["A", "B", "C"].map(name);
    match secrets.require_all(&names).await {
        Err(SecretsError::Missing(missing)) => {
            let missing: Vec<_> = missing.into_iter().map(|missing| missing.name).collect();
            assert_eq!(missing, [name("A"), name("C")]);
        }
        other => panic!("{other:?}"),
    }
    let found = secrets.require_all(&names[1..2]).await.unwrap();
    assert_eq!(found[&name("B")].reveal(), "2");
    assert_eq!(
        format!("{secrets:?}"),
        "Secrets { stores: [\"files\"], fallback: None }"
    );
}
