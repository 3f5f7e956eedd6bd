use std::collections::BTreeMap;

use async_trait::async_trait;

use crate::secrets::{Secret, SecretName, SecretStore};

/// What the suite needs of a backend. It may hold secrets of its own.
#[async_trait]
pub trait SecretBackend: Send + Sync {
    /// Keeps a value under a name, in the way that an operator does; an empty one too.
    async fn keep(&mut self, name: &SecretName, value: &str);

    /// The store over what is kept now.
    fn store(&self) -> &dyn SecretStore;
}

/// What a store has to hold for [`still_secret_store_suite`]: with what quoting, splitting and trimming
/// could break.
pub const KEPT_SECRETS: [(&str, &str); 6] = [
    ("SUITE_PLAIN", "hunter2"),
    ("suite-dashed.name", "p\u{e4}ss = w\"o\\rd'"),
    ("SUITE_BASE64", "c2VjcmV0IQ=="),
    ("SUITE_JSON", "{\"a\": [1, \"b\"]}"),
    ("SUITE_SPACES", "  inside  and around  "),
    (EMPTY, ""),
];
const EMPTY: &str = "SUITE_EMPTY";
const LACKING: &str = "SUITE_LACKING";

/// Runs every case of the contract. Panics at the first promise that is broken.
pub async fn secret_store_suite(backend: &mut impl SecretBackend) {
    for (text, value) in KEPT_SECRETS {
        backend.keep(&name(text), value).await;
    }
    still_secret_store_suite(backend.store()).await;
    a_secret_that_changes_is_seen_changed(backend).await;
}

/// The cases for a store that holds [`KEPT_SECRETS`] and reads them only at its start.
pub async fn still_secret_store_suite(store: &dyn SecretStore) {
    each_secret_is_found_as_it_was_kept(store).await;
    what_is_not_there_and_what_is_empty_is_none(store).await;
    all_are_what_each_is(store).await;
    nothing_that_is_printed_shows_a_value(store).await;
}

/// Those that are not empty.
fn values() -> impl Iterator<Item = (&'static str, &'static str)> {
    KEPT_SECRETS
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
}

fn name(text: &str) -> SecretName {
    SecretName::new(text).expect("a name")
}

async fn get(store: &dyn SecretStore, text: &str) -> Option<String> {
    let secret = store.get(&name(text)).await.expect("get");
    secret.map(|secret| secret.reveal().to_owned())
}

async fn all(store: &dyn SecretStore) -> BTreeMap<SecretName, Secret> {
    store.all().await.expect("all")
}

async fn each_secret_is_found_as_it_was_kept(store: &dyn SecretStore) {
    for (text, value) in values() {
        assert_eq!(get(store, text).await.as_deref(), Some(value), "{text}");
    }
}

async fn what_is_not_there_and_what_is_empty_is_none(store: &dyn SecretStore) {
    for text in [LACKING, EMPTY, "suite_plain", "SUITE_PLAI", "SUITE_PLAIN2"] {
        let found = get(store, text).await;
        assert_eq!(found, None, "{text} counts as a secret");
    }
}

async fn all_are_what_each_is(store: &dyn SecretStore) {
    let all = all(store).await;
    for (text, value) in values() {
        let secret = all.get(&name(text)).map(Secret::reveal);
        assert_eq!(secret, Some(value), "{text} among all");
    }
    for text in [LACKING, EMPTY] {
        assert_eq!(all.get(&name(text)), None, "{text} among all");
    }
}

async fn a_secret_that_changes_is_seen_changed(backend: &mut impl SecretBackend) {
    let (text, _) = KEPT_SECRETS[0];
    for value in ["rotated once", "rotated twice"] {
        backend.keep(&name(text), value).await;
        let found = get(backend.store(), text).await;
        assert_eq!(found.as_deref(), Some(value), "an old value was remembered");
    }
}

async fn nothing_that_is_printed_shows_a_value(store: &dyn SecretStore) {
    let all = all(store).await;
    let printed = format!("{all:?} {:#?}", store.get(&name(KEPT_SECRETS[2].0)).await);
    for (_, value) in values() {
        assert!(!printed.contains(value.trim()), "a value is shown");
    }
    for (text, _) in values() {
        let remedy = store.remedy(&name(text));
        assert!(remedy.contains(text), "{remedy:?} does not name {text}");
    }
}
