use std::sync::Arc;
use std::time::Duration;

use gauntlet_adapters::dapr::{DaprSecretSettings, DaprSecretStore};
use gauntlet_ports::testsuite::secrets::still_secret_store_suite;
use gauntlet_ports::{PortErrorKind, SecretName, SecretStore as _};
use libtest_mimic::Trial;

use crate::components::Components;
use crate::sidecars::{SECRETS, Sidecars};
use crate::trials::trials;

pub(crate) fn trials(components: &Arc<Components>) -> Vec<Trial> {
    trials!(components, Components::sidecars =>
        dapr_keeps_the_secret_contract,
        what_dapr_denies_is_an_error_and_not_a_lack,
        a_sidecar_gives_away_no_token_of_its_app,
        a_secret_store_that_dapr_does_not_have_is_invalid,
    )
}

fn store(sidecars: &Sidecars, name: &str) -> DaprSecretStore {
    DaprSecretStore::new(&DaprSecretSettings {
        http_url: sidecars.api.clone(),
        store: name.to_owned(),
        timeout: Duration::from_secs(10),
    })
    .unwrap()
}

async fn dapr_keeps_the_secret_contract(sidecars: Sidecars) {
    still_secret_store_suite(&store(&sidecars, SECRETS)).await;
}

/// `components/local/config.yaml` denies apps what the environment's store holds.
async fn what_dapr_denies_is_an_error_and_not_a_lack(sidecars: Sidecars) {
    let store = store(&sidecars, "env");
    let name = SecretName::new("STATE_DATABASE_URL").unwrap();
    let denied = store.get(&name).await.unwrap_err();
    assert_eq!(denied.kind, PortErrorKind::Invalid, "{}", denied.source);
    assert_eq!(store.all().await.unwrap().get(&name), None);
}

/// That it is lacking there and no error leaves a place for it to come from: the app's own environment.
async fn a_sidecar_gives_away_no_token_of_its_app(sidecars: Sidecars) {
    let store = store(&sidecars, "env");
    let name = SecretName::new("APP_API_TOKEN").unwrap();
    assert_eq!(store.get(&name).await.unwrap(), None);
    assert_eq!(store.all().await.unwrap().get(&name), None);
}

async fn a_secret_store_that_dapr_does_not_have_is_invalid(sidecars: Sidecars) {
    let store = store(&sidecars, "nowhere");
    let name = SecretName::new("KEY").unwrap();
    let refused = store.get(&name).await.unwrap_err();
    assert_eq!(refused.kind, PortErrorKind::Invalid, "{}", refused.source);
}
