//! State, put to a sidecar on Postgres and to one on Redis.

use std::time::Duration;

use gauntlet_contract::config::Role;
use gauntlet_harness::ledger::Block;
use gauntlet_harness::observe::{Answer, SidecarQuestion};
use gauntlet_harness::stack::{Beside, BesideKind, Ended, Lane, StateBackend};
use serde_json::{Value, json};

use super::system::refusal;
use crate::run::{Case, DaprNode, Run, said};
use crate::scenario::Abort;

const STORE: &str = "state/statestore";
/// Its 2 s, and as long again and again for a busy machine.
const EXPIRED_WITHIN: Duration = Duration::from_secs(10);

/// The cases that are put to both stores, under the names that they have for each.
struct Table {
    store: StateBackend,
    absent: Case,
    saved: Case,
    replaced: Case,
    bulk: Case,
    deleted: Case,
    etag_met: Case,
    etag_stale: Case,
    deletion_stale: Case,
    unconditional: Case,
    expires: Case,
    transaction: Case,
    unmet: Case,
    place: Case,
}

/// Makes the same table for a store. What comes of a transaction whose expectation is not met, and where the
/// entries are, is said for each.
macro_rules! table {
    ($store:literal, $backend:expr, unconditional: $any:literal, unmet: $unmet:literal, place: $place:literal) => {
        Table {
            store: $backend,
            absent: sound(concat!($store, ": a key that is not there"), "204"),
            saved: sound(concat!($store, ": a value that was saved"), "200 \"one\""),
            replaced: sound(
                concat!($store, ": a value that was saved over another"),
                "200 \"two\"",
            ),
            bulk: sound(
                concat!($store, ": three keys at once, of which one is not there"),
                "one=\"two\" other=3 none=nothing",
            ),
            deleted: sound(
                concat!($store, ": a key that was deleted, twice"),
                "204, 204, then 204",
            ),
            etag_met: sound(
                concat!($store, ": a change that expects the etag that is there"),
                "204",
            ),
            etag_stale: sound(
                concat!($store, ": a change that expects an etag of before"),
                "409, and then 200 \"four\"",
            ),
            deletion_stale: sound(
                concat!($store, ": a deletion that expects an etag of before"),
                "409, and then 200 \"four\"",
            ),
            unconditional: sound(
                concat!(
                    $store,
                    ": a change that expects nothing, after one that did"
                ),
                $any,
            ),
            expires: sound(
                concat!($store, ": a value that was saved for 2 s"),
                "200 \"short\", then 204",
            ),
            transaction: sound(
                concat!($store, ": a transaction of two changes"),
                "204, and then 200 \"put\" and 204",
            ),
            unmet: sound(
                concat!(
                    $store,
                    ": a transaction whose second change expects an etag of before"
                ),
                $unmet,
            ),
            place: sound(concat!($store, ": where the entry is"), $place),
        }
    };
}

const POSTGRES: Table = table!("postgres", StateBackend::Postgres,
    unconditional: "204",
    unmet: "500, and then 204",
    place: "1 in postgres, 0 in redis");
/// In 1.16.5 what was changed with an expectation takes no change without one again; and of a transaction what
/// was applied before stays applied, which is why recurring refuses the component.
const REDIS: Table = table!("redis", StateBackend::Redis,
    unconditional: "500",
    unmet: "500, and then 200 \"first\"",
    place: "0 in postgres, 1 in redis");
const WRONG_PASSWORD: Case = Case::twin(
    Block::State,
    "a sidecar with a wrong password for its state store",
    "refuses to start, naming statestore",
);
const REFUSED_STORE: Case = Case::twin(
    Block::State,
    "recurring beside a sidecar whose state is in Redis",
    "refuses to start, naming does not hold expectations",
);

const fn sound(name: &'static str, expected: &'static str) -> Case {
    Case::sound(Block::State, name, expected)
}

impl Table {
    fn cases(&self) -> [Case; 13] {
        [
            self.absent,
            self.saved,
            self.replaced,
            self.bulk,
            self.deleted,
            self.etag_met,
            self.etag_stale,
            self.deletion_stale,
            self.unconditional,
            self.expires,
            self.transaction,
            self.unmet,
            self.place,
        ]
    }
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = POSTGRES.cases().to_vec();
    cases.extend(REDIS.cases());
    cases.extend([WRONG_PASSWORD, REFUSED_STORE]);
    cases
}

pub(super) async fn ask(run: &mut Run, lane: &Lane) -> Result<(), Abort> {
    let own = run.sidecar(lane, Role::Recurring)?;
    ask_store(run, lane, &own, &POSTGRES).await?;
    let in_redis = Beside {
        name: "state-in-redis",
        // As the lane's own: the scopes let it in, and its keys are of the same shape.
        app_id: "recurring",
        state: StateBackend::Redis,
        kind: BesideKind::Sound,
    };
    let standing = run.beside(lane, in_redis).await?;
    ask_store(run, lane, &DaprNode::try_from(&standing)?, &REDIS).await?;
    let ended = run.recurring_end(lane, Some(&standing), None).await?;
    twin(
        run,
        lane,
        &REFUSED_STORE,
        &ended,
        "does not hold expectations",
    )?;
    let wrong = Beside {
        name: "wrong-password",
        app_id: "recurring",
        state: StateBackend::Postgres,
        kind: BesideKind::WrongPassword,
    };
    let ended = run.sidecar_end(lane, wrong).await?;
    twin(run, lane, &WRONG_PASSWORD, &ended, "statestore")
}

pub(super) fn twin(
    run: &mut Run,
    lane: &Lane,
    case: &Case,
    ended: &Ended,
    names: &str,
) -> Result<(), Abort> {
    let (got, felt) = refusal(ended, names);
    run.note(lane, case, got, felt)
}

async fn ask_store(
    run: &mut Run,
    lane: &Lane,
    node: &DaprNode,
    table: &Table,
) -> Result<(), Abort> {
    let absent = read(node, "none").await?;
    run.note(lane, &table.absent, absent.as_str(), "")?;
    save(node, json!([{"key": "one", "value": "one"}])).await?;
    let saved = read(node, "one").await?;
    run.note(lane, &table.saved, saved.as_str(), "")?;
    save(
        node,
        json!([{"key": "one", "value": "two"}, {"key": "other", "value": 3}]),
    )
    .await?;
    let replaced = read(node, "one").await?;
    run.note(lane, &table.replaced, replaced.as_str(), "")?;
    bulk(run, lane, node, table).await?;
    let mut said = Vec::new();
    for _ in 0..2 {
        said.push(answered(node, SidecarQuestion::delete(&path("other"))).await?);
    }
    let gone = read(node, "other").await?;
    let got = format!("{}, then {gone}", said.join(", "));
    run.note(lane, &table.deleted, got, "")?;
    etags(run, lane, node, table).await?;
    expiry(run, lane, node, table).await?;
    transactions(run, lane, node, table).await?;
    // A key that the other store is never asked for.
    let key = format!("of-{}", table.store.as_str());
    save(node, json!([{"key": key, "value": "one"}])).await?;
    let (postgres, redis) = run.entries(lane, &key).await?;
    let got = format!("{postgres} in postgres, {redis} in redis");
    let felt = format!("asked of a sidecar on {}", table.store.as_str());
    run.note(lane, &table.place, got, felt)
}

async fn bulk(run: &mut Run, lane: &Lane, node: &DaprNode, table: &Table) -> Result<(), Abort> {
    let keys = json!({"keys": ["one", "other", "none"]});
    let answer = node.ask(SidecarQuestion::post(&path("bulk"), keys)).await?;
    let entries = answer.json();
    let of = |key: &str| -> String {
        let entries = entries.as_array().into_iter().flatten();
        let mut of_key = entries.filter(|entry| entry["key"] == key);
        match of_key.next().map(|entry| &entry["data"]) {
            None | Some(Value::Null) => "nothing".to_owned(),
            Some(data) => data.to_string(),
        }
    };
    let got = ["one", "other", "none"].map(|key| format!("{key}={}", of(key)));
    run.note(lane, &table.bulk, got.join(" "), said(&answer))
}

async fn etags(run: &mut Run, lane: &Lane, node: &DaprNode, table: &Table) -> Result<(), Abort> {
    save(node, json!([{"key": "versioned", "value": "three"}])).await?;
    let first = etag(node, "versioned").await?;
    let change = |value: &str, etag: &str| {
        json!([{"key": "versioned", "value": value, "etag": etag,
                "options": {"concurrency": "first-write"}}])
    };
    let met = node
        .ask(SidecarQuestion::post(STORE, change("four", &first)))
        .await?;
    run.note(lane, &table.etag_met, said(&met), "")?;
    let stale = node
        .ask(SidecarQuestion::post(STORE, change("five", &first)))
        .await?;
    let then = read(node, "versioned").await?;
    let got = format!("{}, and then {then}", stale.status);
    run.note(lane, &table.etag_stale, got, said(&stale))?;
    // Without the option a deletion takes the last word, whatever it expects.
    let path = format!("{}?concurrency=first-write", path("versioned"));
    let stale = node
        .ask(SidecarQuestion::delete(&path).if_match(&first))
        .await?;
    let then = read(node, "versioned").await?;
    let got = format!("{}, and then {then}", stale.status);
    run.note(lane, &table.deletion_stale, got, said(&stale))?;
    let any = json!([{"key": "versioned", "value": "six"}]);
    let any = node.ask(SidecarQuestion::post(STORE, any)).await?;
    run.note(
        lane,
        &table.unconditional,
        any.status.to_string(),
        said(&any),
    )
}

async fn expiry(run: &mut Run, lane: &Lane, node: &DaprNode, table: &Table) -> Result<(), Abort> {
    let metadata = json!({"ttlInSeconds": "2"});
    save(
        node,
        json!([{"key": "short", "value": "short", "metadata": metadata}]),
    )
    .await?;
    let there = read(node, "short").await?;
    let short = path("short");
    let gone = node.ask_until(
        "the end of an entry",
        EXPIRED_WITHIN,
        SidecarQuestion::get(&short),
        |answer| match answer.status {
            204 => Answer::Met(said(&answer)),
            _ => Answer::NotYet(said(&answer)),
        },
    );
    let gone = gone.await.unwrap_or_else(|last| format!("still {last}"));
    run.note(lane, &table.expires, format!("{there}, then {gone}"), "")
}

async fn transactions(
    run: &mut Run,
    lane: &Lane,
    node: &DaprNode,
    table: &Table,
) -> Result<(), Abort> {
    save(node, json!([{"key": "left", "value": "left"}])).await?;
    let changes = json!({"operations": [
        {"operation": "upsert", "request": {"key": "put", "value": "put"}},
        {"operation": "delete", "request": {"key": "left"}},
    ]});
    let transaction = path("transaction");
    let done = node
        .ask(SidecarQuestion::post(&transaction, changes))
        .await?;
    let (put, left) = (read(node, "put").await?, read(node, "left").await?);
    let got = format!("{}, and then {put} and {left}", said(&done));
    run.note(lane, &table.transaction, got, "")?;
    save(node, json!([{"key": "second", "value": "second"}])).await?;
    let before = etag(node, "second").await?;
    save(node, json!([{"key": "second", "value": "later"}])).await?;
    let changes = json!({"operations": [
        {"operation": "upsert", "request": {"key": "first", "value": "first"}},
        {"operation": "upsert", "request": {"key": "second", "value": "lost", "etag": before,
                                            "options": {"concurrency": "first-write"}}},
    ]});
    let unmet = node
        .ask(SidecarQuestion::post(&transaction, changes))
        .await?;
    let then = read(node, "first").await?;
    let got = format!("{}, and then {then}", unmet.status);
    run.note(lane, &table.unmet, got, said(&unmet))
}

fn path(key: &str) -> String {
    format!("{STORE}/{key}")
}

async fn read(node: &DaprNode, key: &str) -> Result<String, Abort> {
    answered(node, SidecarQuestion::get(&path(key))).await
}

async fn answered(node: &DaprNode, question: SidecarQuestion<'_>) -> Result<String, Abort> {
    Ok(said(&node.ask(question).await?))
}

async fn etag(node: &DaprNode, key: &str) -> Result<String, Abort> {
    let answer = node.ask(SidecarQuestion::get(&path(key))).await?;
    let missing = || Abort::because("read an etag", said(&answer));
    answer.etag.clone().ok_or_else(missing)
}

async fn save(node: &DaprNode, entries: Value) -> Result<(), Abort> {
    let answer = node.ask(SidecarQuestion::post(STORE, entries)).await?;
    if answer.status == 204 {
        Ok(())
    } else {
        Err(Abort::because("save entries", said(&answer)))
    }
}
