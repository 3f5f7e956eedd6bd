use std::time::Duration;

use axum::body::Bytes;
use gauntlet_contract::TaskId;
use tokio::time::{Instant, interval};

use super::race_cases;
use crate::error::PortErrorKind;
use crate::state::{Etag, Expect, Key, StateOp, StateStore, Versioned};

/// The shortest that every backend keeps to: some count in whole seconds.
const TTL: Duration = Duration::from_secs(1);
/// An entry that is there for so much longer than it should be does not expire.
const GONE_WITHIN: Duration = Duration::from_secs(10);
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// What a backend's clock and ours may differ by within a second.
const CLOCKS: Duration = Duration::from_millis(50);

/// Runs every case of the contract. The keys are the suite's own; whatever else the store holds does
/// not matter. Panics at the first promise that is broken.
pub async fn state_store_suite(store: &dyn StateStore) {
    unconditional_state_suite(store).await;
    every_write_gives_a_new_etag(store).await;
    absent_writes_only_what_is_absent(store).await;
    a_match_writes_only_what_was_read(store).await;
    a_conflict_writes_nothing_of_anything(store).await;
    an_expired_entry_meets_what_an_absent_one_does(store).await;
    race_cases::of_many_creators_one_wins(store).await;
    race_cases::no_update_is_lost(store).await;
    race_cases::transfers_neither_lose_nor_make_anything(store).await;
}

/// The cases that expect nothing: what a cache has to keep.
pub async fn unconditional_state_suite(store: &dyn StateStore) {
    what_is_put_is_read_back_byte_by_byte(store).await;
    odd_keys_are_kept_apart(store).await;
    many_keys_are_answered_in_order(store).await;
    a_deletion_deletes(store).await;
    what_expires_is_there_until_then(store).await;
    a_later_write_forgets_the_expiry(store).await;
    a_later_write_brings_its_own_expiry(store).await;
    malformed_operations_write_nothing(store).await;
    nothing_to_do_is_done(store).await;
}

/// A key that nobody has used.
pub(super) fn fresh(name: &str) -> Key {
    Key::new(format!("{}-{name}", TaskId::generate())).expect("a key")
}

pub(super) async fn put(store: &dyn StateStore, key: &Key, value: &str) {
    apply(store, &[StateOp::put(key.clone(), value.to_owned())]).await;
}

pub(super) async fn apply(store: &dyn StateStore, ops: &[StateOp]) {
    store.apply(ops).await.expect("apply");
}

pub(super) async fn get(store: &dyn StateStore, key: &Key) -> Option<Versioned> {
    store.get(key).await.expect("get")
}

pub(super) async fn value(store: &dyn StateStore, key: &Key) -> Option<Bytes> {
    get(store, key).await.map(|entry| entry.value)
}

pub(super) async fn etag(store: &dyn StateStore, key: &Key) -> Etag {
    get(store, key).await.expect("an entry").etag
}

async fn refused(store: &dyn StateStore, ops: &[StateOp], kind: PortErrorKind) {
    match store.apply(ops).await {
        Err(error) => assert_eq!(error.kind, kind, "{error}: {ops:?}"),
        Ok(()) => panic!("applied and should be refused as a {kind}: {ops:?}"),
    }
}

fn expiring(key: &Key, value: &str, ttl: Duration) -> StateOp {
    StateOp::Put {
        key: key.clone(),
        value: Bytes::from(value.to_owned()),
        expect: Expect::Any,
        ttl: Some(ttl),
    }
}

/// Awaits the end of an entry, and answers when it had ended.
async fn until_gone(store: &dyn StateStore, key: &Key) -> Instant {
    let mut looks = interval(LOOK_EVERY);
    let deadline = Instant::now() + GONE_WITHIN;
    while Instant::now() < deadline {
        looks.tick().await;
        if value(store, key).await.is_none() {
            return Instant::now();
        }
    }
    panic!("{key} does not expire");
}

async fn what_is_put_is_read_back_byte_by_byte(store: &dyn StateStore) {
    let key = fresh("bytes");
    assert_eq!(get(store, &key).await, None);
    let every_byte: Vec<u8> = (0..=u8::MAX).collect();
    let large = b"0123456789abcdef".repeat(4_096);
    for bytes in [every_byte, Vec::new(), b"{\"a\": 1.0}\n".to_vec(), large] {
        let op = StateOp::put(key.clone(), bytes.clone());
        apply(store, &[op]).await;
        assert_eq!(value(store, &key).await, Some(Bytes::from(bytes)));
    }
}

async fn odd_keys_are_kept_apart(store: &dyn StateStore) {
    let stem = fresh("odd");
    let odd = [
        "", "/", "/a", " ", "%20", "?a=b&c", "é", "|", ":", "{x}", "*",
    ];
    let keys = odd.map(|end| Key::new(format!("{stem}{end}")).expect("a key"));
    for (key, end) in keys.iter().zip(odd) {
        put(store, key, &format!("value of {end}")).await;
    }
    for (key, end) in keys.iter().zip(odd) {
        let expected = Bytes::from(format!("value of {end}"));
        assert_eq!(value(store, key).await, Some(expected), "{key}");
    }
}

async fn many_keys_are_answered_in_order(store: &dyn StateStore) {
    let [a, absent, b] = ["a", "absent", "b"].map(fresh);
    put(store, &a, "1").await;
    put(store, &b, "2").await;
    let asked = [b.clone(), absent, a.clone(), b.clone()];
    let answers = store.get_many(&asked).await.expect("get many");
    let (a, b) = (get(store, &a).await, get(store, &b).await);
    assert_eq!(answers, [b.clone(), None, a, b]);
    assert_eq!(store.get_many(&[]).await.expect("get none"), []);
}

async fn a_deletion_deletes(store: &dyn StateStore) {
    let [kept, key] = ["kept", "deleted"].map(fresh);
    put(store, &key, "1").await;
    let put_and_delete = [
        StateOp::put(kept.clone(), "2"),
        StateOp::delete(key.clone()),
    ];
    apply(store, &put_and_delete).await;
    assert_eq!(get(store, &key).await, None);
    assert_eq!(value(store, &kept).await.as_deref(), Some(&b"2"[..]));
    // What is absent already is as it should be.
    apply(store, &[StateOp::delete(key.clone())]).await;
}

async fn what_expires_is_there_until_then(store: &dyn StateStore) {
    let [key, lasting] = ["expires", "lasts"].map(fresh);
    let started_at = Instant::now();
    let ops = [expiring(&key, "1", TTL), StateOp::put(lasting.clone(), "2")];
    apply(store, &ops).await;
    let lived = until_gone(store, &key).await - started_at;
    assert!(lived + CLOCKS >= TTL, "it was gone after {lived:?}");
    let both = [key, lasting.clone()];
    let entries = store.get_many(&both).await.expect("get many");
    assert_eq!(entries, [None, get(store, &lasting).await]);
    assert!(entries[1].is_some(), "what does not expire is gone too");
}

async fn a_later_write_forgets_the_expiry(store: &dyn StateStore) {
    let [key, canary] = ["kept after all", "canary"].map(fresh);
    apply(store, &[expiring(&key, "1", TTL)]).await;
    put(store, &key, "2").await;
    // It begins later and is gone: so the other one would be.
    apply(store, &[expiring(&canary, "3", TTL)]).await;
    until_gone(store, &canary).await;
    let kept = value(store, &key).await;
    assert_eq!(kept.as_deref(), Some(&b"2"[..]), "expired all the same");
}

/// Over an entry that was to stay, and over one that was to stay longer.
async fn a_later_write_brings_its_own_expiry(store: &dyn StateStore) {
    let [lasting, longer] = ["was to stay", "was to stay longer"].map(fresh);
    let former = [
        StateOp::put(lasting.clone(), "1"),
        expiring(&longer, "1", GONE_WITHIN * 100),
    ];
    apply(store, &former).await;
    let written_at = Instant::now();
    let both = [expiring(&lasting, "2", TTL), expiring(&longer, "2", TTL)];
    apply(store, &both).await;
    for key in [&lasting, &longer] {
        let lived = until_gone(store, key).await - written_at;
        assert!(lived + CLOCKS >= TTL, "{key} was gone after {lived:?}");
    }
}

async fn malformed_operations_write_nothing(store: &dyn StateStore) {
    let [key, other] = ["malformed", "beside"].map(fresh);
    let put_other = StateOp::put(other.clone(), "1");
    let invalid = PortErrorKind::Invalid;
    let twice = [put_other.clone(), StateOp::put(other.clone(), "2")];
    refused(store, &twice, invalid).await;
    let timeless = expiring(&key, "1", Duration::ZERO);
    refused(store, &[put_other.clone(), timeless], invalid).await;
    let delete_absent = StateOp::delete(key).expecting(Expect::Absent);
    refused(store, &[put_other, delete_absent], invalid).await;
    assert_eq!(get(store, &other).await, None);
}

async fn nothing_to_do_is_done(store: &dyn StateStore) {
    apply(store, &[]).await;
}

/// Also after a deletion: whoever holds an etag of the entry that was there must not match the one
/// that took its place.
async fn every_write_gives_a_new_etag(store: &dyn StateStore) {
    let key = fresh("etags");
    let mut seen = Vec::new();
    for round in 0..6 {
        if round % 2 == 0 {
            apply(store, &[StateOp::delete(key.clone())]).await;
        }
        put(store, &key, "the same").await;
        let etag = etag(store, &key).await;
        assert!(!seen.contains(&etag), "{etag:?} was given before");
        seen.push(etag);
    }
}

async fn absent_writes_only_what_is_absent(store: &dyn StateStore) {
    let key = fresh("absent");
    let create = |value: &'static str| [StateOp::put(key.clone(), value).expecting(Expect::Absent)];
    apply(store, &create("1")).await;
    refused(store, &create("2"), PortErrorKind::Conflict).await;
    // However the entry came about.
    put(store, &key, "3").await;
    refused(store, &create("4"), PortErrorKind::Conflict).await;
    assert_eq!(value(store, &key).await.as_deref(), Some(&b"3"[..]));
    apply(store, &[StateOp::delete(key.clone())]).await;
    apply(store, &create("5")).await;
    assert_eq!(value(store, &key).await.as_deref(), Some(&b"5"[..]));
}

async fn a_match_writes_only_what_was_read(store: &dyn StateStore) {
    let key = fresh("match");
    let conflict = PortErrorKind::Conflict;
    let matching = |etag: &Etag| Expect::Match(etag.clone());
    put(store, &key, "1").await;
    let first = etag(store, &key).await;
    let update = |value: &'static str, etag: &Etag| {
        [StateOp::put(key.clone(), value).expecting(matching(etag))]
    };
    apply(store, &update("2", &first)).await;
    let second = etag(store, &key).await;
    refused(store, &update("late", &first), conflict).await;
    let delete = |etag: &Etag| [StateOp::delete(key.clone()).expecting(matching(etag))];
    refused(store, &delete(&first), conflict).await;
    assert_eq!(value(store, &key).await.as_deref(), Some(&b"2"[..]));
    apply(store, &delete(&second)).await;
    assert_eq!(get(store, &key).await, None);
    // What is not there any more must not come back by an update, nor be deleted again.
    refused(store, &update("3", &second), conflict).await;
    refused(store, &delete(&second), conflict).await;
    assert_eq!(get(store, &key).await, None);
    let foreign = Etag::new("of another store");
    put(store, &key, "4").await;
    refused(store, &update("5", &foreign), conflict).await;
}

async fn a_conflict_writes_nothing_of_anything(store: &dyn StateStore) {
    let [new, there, gone] = ["new", "there", "gone"].map(fresh);
    put(store, &there, "1").await;
    put(store, &gone, "1").await;
    let stale = etag(store, &gone).await;
    apply(store, &[StateOp::delete(gone.clone())]).await;
    let before = get(store, &there).await;
    let unmet = [
        StateOp::put(there.clone(), "2").expecting(Expect::Absent),
        StateOp::put(gone.clone(), "2").expecting(Expect::Match(stale.clone())),
        StateOp::delete(gone.clone()).expecting(Expect::Match(stale)),
    ];
    for unmet in unmet {
        let mut ops = vec![StateOp::put(new.clone(), "2"), unmet.clone()];
        if *unmet.key() != there {
            ops.push(StateOp::delete(there.clone()));
        }
        // The one that is not met last, and first.
        for _ in 0..2 {
            refused(store, &ops, PortErrorKind::Conflict).await;
            ops.reverse();
        }
        assert_eq!(get(store, &new).await, None, "half of {ops:?} was applied");
        assert_eq!(get(store, &there).await, before, "half of {ops:?}");
        assert_eq!(get(store, &gone).await, None, "half of {ops:?}");
    }
}

async fn an_expired_entry_meets_what_an_absent_one_does(store: &dyn StateStore) {
    let key = fresh("expired");
    apply(store, &[expiring(&key, "1", TTL)]).await;
    let expired = etag(store, &key).await;
    until_gone(store, &key).await;
    let expect = Expect::Match(expired);
    for late in [
        StateOp::put(key.clone(), "late").expecting(expect.clone()),
        StateOp::delete(key.clone()).expecting(expect),
    ] {
        let refused = store.apply(std::slice::from_ref(&late)).await;
        let refused = refused.expect_err("an etag of what has expired");
        assert_eq!(refused.kind, PortErrorKind::Conflict, "{late:?}");
    }
    let create = StateOp::put(key.clone(), "2").expecting(Expect::Absent);
    let created = store.apply(&[create]).await;
    created.expect("what has expired is absent");
    assert_eq!(value(store, &key).await.as_deref(), Some(&b"2"[..]));
}
