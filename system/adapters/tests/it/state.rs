use std::sync::Arc;
use std::time::Duration;

use gauntlet_adapters::dapr::{DaprStateSettings, DaprStateStore};
use gauntlet_adapters::postgres::{Database, DatabaseSettings, PostgresStateStore};
use gauntlet_adapters::redis::{RedisStateSettings, RedisStateStore};
use gauntlet_harness::component::postgres::Postgres;
use gauntlet_ports::PortErrorKind;
use gauntlet_ports::state::{Expect, Key, StateOp, StateStore as _};
use gauntlet_ports::testsuite::state::{state_store_suite, unconditional_state_suite};
use libtest_mimic::Trial;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use uuid::Uuid;

use crate::components::Components;
use crate::sidecars::Sidecars;
use crate::trials::trials;

pub(crate) fn trials(components: &Arc<Components>) -> Vec<Trial> {
    let mut trials = trials!(components, Components::postgres =>
        postgres_keeps_the_state_contract,
        owners_of_state_have_nothing_in_common,
        only_what_has_expired_is_purged,
    );
    trials.extend(trials!(components, Components::redis =>
        redis_keeps_the_state_contract,
        prefixes_of_redis_have_nothing_in_common,
        a_key_of_another_kind_is_refused_and_stays,
    ));
    trials.extend(trials!(components, Components::sidecars =>
        dapr_on_postgres_keeps_the_state_contract,
        dapr_on_redis_keeps_all_but_expectations_and_refuses_those,
        a_state_store_that_dapr_does_not_have_is_invalid,
        daprs_redis_holds_no_expectations,
    ));
    trials
}

const TTL: Duration = Duration::from_millis(200);
const GONE_WITHIN: Duration = Duration::from_secs(10);

/// A schema of the test's own, as for the other storage ports.
async fn fresh_database(server: &Postgres) -> Database {
    let schema = format!("state_{}", Uuid::now_v7().simple());
    let server = server.url("postgres");
    let mut administrator = PgConnection::connect(&server).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(format!("CREATE SCHEMA {schema}")))
        .execute(&mut administrator)
        .await
        .unwrap();
    let url = format!("{server}&options[search_path]={schema}");
    let settings = DatabaseSettings::default();
    let database = Database::connect(&url, &settings).await.unwrap();
    database.migrate().await.unwrap();
    database
}

async fn redis_store(url: &str, prefix: &str) -> RedisStateStore {
    let settings = RedisStateSettings {
        url: url.to_owned(),
        prefix: format!("{}:{prefix}:", Uuid::now_v7()),
        timeout: Duration::from_secs(5),
    };
    RedisStateStore::connect(&settings).await.unwrap()
}

fn key(text: &str) -> Key {
    Key::new(text).unwrap()
}

fn expiring(name: &str) -> StateOp {
    StateOp::Put {
        key: key(name),
        value: "soon gone".into(),
        expect: Expect::Any,
        ttl: Some(TTL),
    }
}

async fn postgres_keeps_the_state_contract(server: Postgres) {
    let database = fresh_database(&server).await;
    state_store_suite(&PostgresStateStore::new(database, "api")).await;
}

async fn owners_of_state_have_nothing_in_common(server: Postgres) {
    let database = fresh_database(&server).await;
    let api = PostgresStateStore::new(database.clone(), "api");
    let audit = PostgresStateStore::new(database, "audit");
    api.apply(&[StateOp::put(key("a"), "1")]).await.unwrap();
    let create = StateOp::put(key("a"), "2").expecting(Expect::Absent);
    audit.apply(&[create]).await.expect("another's entry");
    audit.apply(&[StateOp::delete(key("a"))]).await.unwrap();
    assert!(api.get(&key("a")).await.unwrap().is_some());
}

async fn only_what_has_expired_is_purged(server: Postgres) {
    let store = PostgresStateStore::new(fresh_database(&server).await, "api");
    let lasting = StateOp::Put {
        key: key("later"),
        value: "1".into(),
        expect: Expect::Any,
        ttl: Some(Duration::from_hours(1)),
    };
    let ops = [expiring("a"), expiring("b"), expiring("c"), lasting];
    store.apply(&ops).await.unwrap();
    store
        .apply(&[StateOp::put(key("kept"), "2")])
        .await
        .unwrap();
    let expiry = async { while store.get(&key("c")).await.unwrap().is_some() {} };
    tokio::time::timeout(GONE_WITHIN, expiry)
        .await
        .expect("expiry");
    assert_eq!(store.purge_expired(2).await.unwrap(), 2);
    assert_eq!(store.purge_expired(100).await.unwrap(), 1);
    assert_eq!(store.purge_expired(100).await.unwrap(), 0);
    let kept = store.get_many(&[key("later"), key("kept")]).await.unwrap();
    assert!(kept.iter().all(Option::is_some), "{kept:?}");
}

async fn redis_keeps_the_state_contract(url: String) {
    state_store_suite(&redis_store(&url, "api").await).await;
}

async fn prefixes_of_redis_have_nothing_in_common(url: String) {
    let (api, audit) = (
        redis_store(&url, "api").await,
        redis_store(&url, "audit").await,
    );
    api.apply(&[StateOp::put(key("a"), "1")]).await.unwrap();
    assert_eq!(audit.get(&key("a")).await.unwrap(), None);
    audit.apply(&[StateOp::delete(key("a"))]).await.unwrap();
    assert!(api.get(&key("a")).await.unwrap().is_some());
}

/// The script judges before it writes, so that an error of its own comes before anything is written.
async fn a_key_of_another_kind_is_refused_and_stays(url: String) {
    let prefix = format!("{}:", Uuid::now_v7());
    let settings = RedisStateSettings {
        url: url.clone(),
        prefix: prefix.clone(),
        timeout: Duration::from_secs(5),
    };
    let store = RedisStateStore::connect(&settings).await.unwrap();
    let client = redis::Client::open(url).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let _: () = redis::cmd("SET")
        .arg(format!("{prefix}foreign"))
        .arg("text")
        .query_async(&mut connection)
        .await
        .unwrap();
    let ops = [
        StateOp::put(key("a"), "1"),
        StateOp::put(key("foreign"), "2").expecting(Expect::Absent),
    ];
    let refused = store.apply(&ops).await.unwrap_err();
    assert_eq!(
        refused.kind,
        PortErrorKind::Internal,
        "{:?}",
        refused.source
    );
    assert_eq!(store.get(&key("a")).await.unwrap(), None);
}

fn dapr_store(http_url: &str, store: &str) -> DaprStateStore {
    DaprStateStore::new(&DaprStateSettings {
        http_url: http_url.to_owned(),
        store: store.to_owned(),
        timeout: Duration::from_secs(20),
    })
    .unwrap()
}

async fn dapr_on_postgres_keeps_the_state_contract(sidecars: Sidecars) {
    let store = dapr_store(&sidecars.api, "statestore");
    store
        .check_expectations()
        .await
        .expect("Postgres holds them");
    state_store_suite(&store).await;
}

/// Both as a cache and in the place of the Postgres component.
async fn dapr_on_redis_keeps_all_but_expectations_and_refuses_those(sidecars: Sidecars) {
    for store in [
        dapr_store(&sidecars.api, "cache"),
        dapr_store(&sidecars.audit, "statestore"),
    ] {
        unconditional_state_suite(&store).await;
        let name = key(&format!("{}", Uuid::now_v7()));
        store
            .apply(&[StateOp::put(name.clone(), "1")])
            .await
            .unwrap();
        let entry = store.get(&name).await.unwrap().unwrap();
        for expect in [Expect::Absent, Expect::Match(entry.etag.clone())] {
            let op = StateOp::put(name.clone(), "2").expecting(expect);
            let refused = store.apply(&[op]).await.unwrap_err();
            assert_eq!(refused.kind, PortErrorKind::Invalid, "{}", refused.source);
        }
        assert_eq!(store.get(&name).await.unwrap(), Some(entry));
        let unheld = store.check_expectations().await.unwrap_err();
        assert!(unheld.source.to_string().contains("state.redis v1"));
    }
}

async fn a_state_store_that_dapr_does_not_have_is_invalid(sidecars: Sidecars) {
    let store = dapr_store(&sidecars.api, "nowhere");
    let refused = store.get(&key("a")).await.unwrap_err();
    assert_eq!(refused.kind, PortErrorKind::Invalid, "{}", refused.source);
    let op = StateOp::put(key("a"), "1");
    let refused = store.apply(std::slice::from_ref(&op)).await.unwrap_err();
    assert_eq!(refused.kind, PortErrorKind::Invalid, "{}", refused.source);
    let refused = store.apply(&[op.expecting(Expect::Absent)]).await;
    assert_eq!(refused.unwrap_err().kind, PortErrorKind::Invalid);
}

/// What the adapter refuses on Redis, and why: once a sidecar holds it, this fails, and the refusal can go.
async fn daprs_redis_holds_no_expectations(sidecars: Sidecars) {
    let store = dapr_store(&sidecars.api, "cache");
    let [there, absent, beside] =
        ["there", "absent", "beside"].map(|name| key(&format!("{}-{name}", Uuid::now_v7())));
    store
        .apply(&[StateOp::put(there.clone(), "1")])
        .await
        .unwrap();
    let upsert = |key: &Key, etag: Option<&str>| {
        let mut request = json!({
            "key": key.as_str(), "value": "Mg==", "options": { "concurrency": "first-write" },
        });
        if let Some(etag) = etag {
            request["etag"] = json!(etag);
        }
        json!({ "operation": "upsert", "request": request })
    };
    let transaction = async |operations: Vec<Value>| {
        let url = format!("{}/v1.0/state/cache/transaction", sidecars.api);
        let body = json!({ "operations": operations }).to_string();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        client.post(url).body(body).send().await.unwrap().status()
    };
    let create = transaction(vec![upsert(&there, None)]).await;
    assert!(create.is_success(), "absence is judged: {create}");
    let resurrect = transaction(vec![upsert(&absent, Some("7"))]).await;
    assert!(
        resurrect.is_success(),
        "an etag does not match what is absent"
    );
    let halves = vec![upsert(&beside, None), upsert(&there, Some("99"))];
    let refused = transaction(halves).await;
    assert!(!refused.is_success(), "an etag that does not match");
    assert!(
        store.get(&beside).await.unwrap().is_some(),
        "it is rolled back"
    );
}
