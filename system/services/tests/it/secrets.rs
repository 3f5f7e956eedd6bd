use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use gauntlet_contract::config::Role;
use gauntlet_ports::secrets::FallbackFor;
use gauntlet_ports::testsuite::secrets::MemorySecretStore;
use gauntlet_ports::{PortErrorKind, SecretName, Secrets};
use gauntlet_services::health::{ComponentReport, Health, Status};
use gauntlet_services::secrets::{Backend, Need, Resolved, needs, probe, resolve};

const TOKEN: &str = "0123456789abcdef0123456789abcdef";

fn store(entries: &[(&str, &str)]) -> MemorySecretStore {
    let store = MemorySecretStore::default();
    for (name, value) in entries {
        store.set(&SecretName::new(*name).unwrap(), value);
    }
    store
}

/// A vault, and the environment as the fallback.
fn places(vault: &MemorySecretStore, environment: &MemorySecretStore) -> Secrets {
    let environment = Arc::new(environment.clone());
    Secrets::nowhere()
        .then("the vault", Arc::new(vault.clone()))
        .fallback("the environment", environment, FallbackFor::Outage)
}

/// What a process of these roles on Redis gets.
async fn on_redis(roles: &[Role], secrets: &Secrets) -> Result<Resolved, String> {
    let roles = roles.iter().copied().collect();
    let answer = resolve(&roles, &BTreeSet::from([Backend::Redis]), secrets).await;
    answer.map_err(|unready| unready.to_string())
}

async fn with_token(token: &str) -> Result<Resolved, String> {
    let vault = store(&[("SERVICE_TOKEN", token), ("REDIS_URL", "redis://r")]);
    on_redis(&[Role::Recurring], &places(&vault, &store(&[]))).await
}

/// What a role beside a sidecar gets that shows this token.
async fn beside_a_sidecar(token: &str) -> Result<Resolved, String> {
    let vault = store(&[("APP_API_TOKEN", token), ("DATABASE_URL", "postgres://v")]);
    let (roles, backends) = (BTreeSet::from([Role::Audit]), [Backend::Sidecar]);
    let answer = resolve(&roles, &backends.into(), &places(&vault, &store(&[]))).await;
    answer.map_err(|unready| unready.to_string())
}

#[test]
fn a_process_needs_what_its_roles_and_its_backends_need() {
    use Backend::{Postgres, Redis, Sidecar};
    use Need::{AppApiToken, DatabaseUrl, RedisUrl, ServiceToken};
    use Role::{Api, Audit, Recurring};
    for (roles, backends, expected) in [
        (
            &[Api][..],
            &[][..],
            &[(DatabaseUrl, &[Api][..]), (ServiceToken, &[Api])][..],
        ),
        (&[Audit], &[], &[(DatabaseUrl, &[Audit])]),
        (&[Recurring], &[], &[(ServiceToken, &[Recurring])]),
        (
            &[Recurring],
            &[Postgres],
            &[(DatabaseUrl, &[Recurring]), (ServiceToken, &[Recurring])],
        ),
        (
            &[Audit],
            &[Sidecar],
            &[(AppApiToken, &[Audit]), (DatabaseUrl, &[Audit])],
        ),
        (
            &[Audit, Api, Recurring],
            &[Redis],
            &[
                (DatabaseUrl, &[Api, Audit]),
                (RedisUrl, &[Api, Audit, Recurring]),
                (ServiceToken, &[Api, Recurring]),
            ],
        ),
    ] {
        let needed = needs(
            &roles.iter().copied().collect(),
            &backends.iter().copied().collect(),
        );
        let expected = expected
            .iter()
            .map(|(need, roles)| (*need, roles.iter().copied().collect()));
        assert_eq!(needed, expected.collect(), "{roles:?} on {backends:?}");
    }
}

#[tokio::test]
async fn each_secret_comes_from_the_first_place_that_has_it() {
    let vault = store(&[("SERVICE_TOKEN", TOKEN)]);
    let other = TOKEN.replace('0', "x");
    let environment = store(&[
        ("SERVICE_TOKEN", &other),
        ("DATABASE_URL", "postgres://e"),
        ("REDIS_URL", "redis://e"),
    ]);
    let resolved = on_redis(&[Role::Api], &places(&vault, &environment))
        .await
        .unwrap();
    let value = |need| resolved.get(need).map(|secret| secret.reveal().to_owned());
    assert_eq!(value(Need::ServiceToken).as_deref(), Ok(TOKEN));
    assert_eq!(value(Need::DatabaseUrl).as_deref(), Ok("postgres://e"));
    assert_eq!(value(Need::RedisUrl).as_deref(), Ok("redis://e"));
    assert!(!format!("{resolved:?}").contains(TOKEN));
}

#[tokio::test]
async fn every_missing_secret_is_named_with_who_needs_it_where_it_was_looked_for_and_the_mend() {
    let secrets = places(&store(&[]), &store(&[]));
    let complaint = on_redis(&[Role::Api, Role::Recurring], &secrets)
        .await
        .unwrap_err();
    for (name, roles) in [
        ("DATABASE_URL", "needed by api)"),
        ("REDIS_URL", "needed by api, recurring)"),
        ("SERVICE_TOKEN", "needed by api, recurring)"),
    ] {
        let sentence = format!(
            "{name} ({roles} is not in the vault, the environment: \
             remember {name}, or remember {name}"
        );
        assert!(complaint.contains(&sentence), "{complaint}");
    }
    assert!(complaint.starts_with("failed to get the secrets: "));
    assert!(!complaint.contains('\n'), "{complaint}");
}

#[tokio::test]
async fn an_empty_secret_is_a_missing_one() {
    let complaint = with_token("").await.unwrap_err();
    assert!(
        complaint.contains("SERVICE_TOKEN (needed by recurring) is not in"),
        "{complaint}"
    );
}

#[tokio::test]
async fn without_a_store_to_ask_the_complaint_says_so() {
    let complaint = on_redis(&[Role::Audit], &Secrets::nowhere())
        .await
        .unwrap_err();
    for name in ["DATABASE_URL", "REDIS_URL"] {
        let sentence = format!("{name} (needed by audit) cannot be found without a store");
        assert!(complaint.contains(&sentence), "{complaint}");
    }
}

#[tokio::test]
async fn a_service_token_that_could_be_guessed_is_refused() {
    let long_enough = with_token(&TOKEN[..32]).await.unwrap();
    assert_eq!(
        long_enough.get(Need::ServiceToken).unwrap().reveal(),
        &TOKEN[..32]
    );
    let short = &TOKEN[..31];
    let complaint = with_token(short).await.unwrap_err();
    assert!(complaint.contains("is of 31 characters"), "{complaint}");
    assert!(complaint.contains("at least 32"), "{complaint}");
    assert!(!complaint.contains(&TOKEN[..8]), "{complaint}");
}

#[tokio::test]
async fn a_service_token_that_no_header_can_carry_is_refused() {
    for unfit in ["\n", " ", "é"] {
        let token = format!("{TOKEN}{unfit}{TOKEN}");
        let complaint = with_token(&token).await.unwrap_err();
        assert!(complaint.contains("in a header"), "{complaint}");
        assert!(!complaint.contains(TOKEN), "{complaint}");
    }
}

#[tokio::test]
async fn a_sidecars_token_is_held_to_what_every_token_is() {
    let resolved = beside_a_sidecar(TOKEN).await.unwrap();
    assert_eq!(resolved.get(Need::AppApiToken).unwrap().reveal(), TOKEN);
    for (token, fault) in [
        ("", "APP_API_TOKEN (needed by audit) is not in"),
        (&TOKEN[1..], "is of 31 characters"),
        (&format!("{TOKEN} {TOKEN}"), "in a header"),
    ] {
        let complaint = beside_a_sidecar(token).await.unwrap_err();
        assert!(complaint.contains(fault), "{complaint}");
        assert!(!complaint.contains(&TOKEN[..8]), "{complaint}");
    }
}

/// What `/health` says of the stores of a role on Redis, each time that it is asked.
fn health_of_stores(secrets: &Secrets) -> impl AsyncFn() -> (Status, ComponentReport) {
    let (roles, backends) = (BTreeSet::from([Role::Recurring]), [Backend::Redis]);
    let stores = "the vault, the environment";
    let probe = probe(stores, &roles, &backends.into(), secrets.clone());
    let health = Health::new("recurring", vec![probe]);
    async move || {
        let report = health.report().await;
        (report.status, report.components.secrets)
    }
}

#[tokio::test(start_paused = true)]
async fn health_tells_of_the_secret_stores_and_of_their_recovery() {
    let vault = store(&[("SERVICE_TOKEN", TOKEN), ("REDIS_URL", "redis://v")]);
    let secrets = places(&vault, &store(&[]));
    let health = health_of_stores(&secrets);
    let (status, stores) = health().await;
    assert_eq!((status, stores.status), (Status::Healthy, Status::Healthy));
    let named = stores.component.as_deref();
    assert_eq!(named, Some("the vault, the environment"));
    assert!(stores.reachable && stores.detail.is_none());

    vault.plant(Some(PortErrorKind::Unavailable));
    let (status, _) = health().await;
    assert_eq!(status, Status::Healthy, "asked again within ten seconds");
    tokio::time::advance(Duration::from_secs(10)).await;
    let (status, stores) = health().await;
    // What the process needs of them it has.
    assert_eq!(status, Status::Degraded);
    assert_eq!(stores.status, Status::Unhealthy);
    assert!(!stores.reachable);
    let detail = stores.detail.unwrap();
    assert!(detail.contains("the vault"), "{detail}");
    assert!(!detail.contains(TOKEN), "{detail}");

    vault.plant(None);
    tokio::time::advance(Duration::from_secs(10)).await;
    assert_eq!(health().await.0, Status::Healthy);
}

#[tokio::test]
async fn health_tells_of_a_secret_that_is_gone_from_a_store_that_answers() {
    let vault = store(&[("REDIS_URL", "redis://v")]);
    let secrets = places(&vault, &store(&[]));
    let health = health_of_stores(&secrets);
    let (status, stores) = health().await;
    assert_eq!(status, Status::Degraded);
    let detail = stores.detail.unwrap();
    assert!(detail.contains("SERVICE_TOKEN"), "{detail}");
    assert!(!detail.contains("REDIS_URL"), "{detail}");
}

/// The sidecar's own store must not give it away, and says so in its log at each question.
#[tokio::test]
async fn health_does_not_ask_for_the_sidecars_token() {
    let vault = store(&[("DATABASE_URL", "postgres://v")]);
    let (roles, backends) = (BTreeSet::from([Role::Audit]), [Backend::Sidecar]);
    let stores = places(&vault, &store(&[]));
    let probe = probe("the vault", &roles, &backends.into(), stores);
    let report = Health::new("audit", vec![probe]).report().await;
    assert_eq!(report.components.secrets.status, Status::Healthy);
}

#[tokio::test]
async fn a_store_that_refuses_to_answer_is_named_beside_what_is_missing() {
    let vault = store(&[]);
    vault.plant(Some(PortErrorKind::Internal));
    let environment = store(&[("SERVICE_TOKEN", TOKEN)]);
    let complaint = on_redis(&[Role::Recurring], &places(&vault, &environment))
        .await
        .unwrap_err();
    for name in ["REDIS_URL", "SERVICE_TOKEN"] {
        let begin = format!("{name} (needed by recurring) could not be asked for: ");
        assert!(complaint.contains(&begin), "{complaint}");
    }
    assert!(complaint.contains("the vault"), "{complaint}");
}

#[tokio::test]
async fn the_fallback_stands_in_for_a_store_that_is_down() {
    let vault = store(&[]);
    vault.plant(Some(PortErrorKind::Unavailable));
    let environment = store(&[("SERVICE_TOKEN", TOKEN), ("REDIS_URL", "redis://e")]);
    let resolved = on_redis(&[Role::Recurring], &places(&vault, &environment))
        .await
        .unwrap();
    assert_eq!(resolved.get(Need::ServiceToken).unwrap().reveal(), TOKEN);
}

#[tokio::test]
async fn a_secret_that_no_role_needs_is_not_handed_out() {
    let vault = store(&[
        ("SERVICE_TOKEN", TOKEN),
        ("DATABASE_URL", "postgres://v"),
        ("REDIS_URL", "redis://v"),
    ]);
    let resolved = on_redis(&[Role::Audit], &places(&vault, &store(&[])))
        .await
        .unwrap();
    assert!(resolved.get(Need::DatabaseUrl).is_ok());
    let refused = resolved.get(Need::ServiceToken).unwrap_err();
    assert!(refused.to_string().contains("SERVICE_TOKEN"), "{refused}");
}
