//! Cases with several callers at once. The futures run side by side on one task: what is at stake is
//! the store's atomicity and not the caller's threads.

use futures::future::join_all;

use super::suite::{apply, fresh, get, put, value};
use crate::error::PortErrorKind;
use crate::state::{Expect, Key, StateOp, StateStore, Versioned};

const CALLERS: usize = 8;
const ROUNDS: u64 = 5;
/// Of one caller in one round; each conflict means that another caller got on.
const TRIES_MAX: usize = 2_000;

pub(super) async fn of_many_creators_one_wins(store: &dyn StateStore) {
    for _ in 0..ROUNDS {
        let key = fresh("raced for");
        let creations = (0..CALLERS).map(|caller| {
            let op = StateOp::put(key.clone(), caller.to_string()).expecting(Expect::Absent);
            async move { store.apply(&[op]).await }
        });
        let outcomes = join_all(creations).await;
        let winners: Vec<_> = (0..CALLERS).filter(|i| outcomes[*i].is_ok()).collect();
        assert_eq!(winners.len(), 1, "{outcomes:?}");
        for refusal in outcomes.iter().filter_map(|outcome| outcome.as_ref().err()) {
            assert_eq!(refusal.kind, PortErrorKind::Conflict, "{refusal}");
        }
        let written = value(store, &key).await.expect("the winner's value");
        assert_eq!(written, winners[0].to_string());
    }
}

pub(super) async fn no_update_is_lost(store: &dyn StateStore) {
    let key = fresh("counter");
    put(store, &key, "0").await;
    let counting = (0..CALLERS).map(|_| async {
        for _ in 0..ROUNDS {
            count_up(store, &key).await;
        }
    });
    join_all(counting).await;
    let entry = get(store, &key).await.expect("the counter");
    assert_eq!(number(&entry), CALLERS as u64 * ROUNDS, "updates were lost");
}

async fn count_up(store: &dyn StateStore, key: &Key) {
    for _ in 0..TRIES_MAX {
        let entry = get(store, key).await.expect("the counter");
        let next = number(&entry) + 1;
        let op = replacing(key, &entry, next);
        match store.apply(&[op]).await {
            Ok(()) => return,
            Err(error) => assert_eq!(error.kind, PortErrorKind::Conflict, "{error}"),
        }
    }
    panic!("nobody gets on");
}

/// From one entry to another, in both orders of keys, with what was read of both: an operation that is
/// applied by halves changes the sum, and one that waits for its own halves never ends.
pub(super) async fn transfers_neither_lose_nor_make_anything(store: &dyn StateStore) {
    let accounts = ["left", "right"].map(fresh);
    let opening = accounts.clone().map(|key| StateOp::put(key, "1000"));
    apply(store, &opening).await;
    let transfers = (0..CALLERS).map(|caller| {
        let [left, right] = &accounts;
        let (from, to) = if caller % 2 == 0 {
            (left, right)
        } else {
            (right, left)
        };
        async move {
            for _ in 0..ROUNDS {
                transfer(store, from, to).await;
            }
        }
    });
    join_all(transfers).await;
    let entries = store.get_many(&accounts).await.expect("get many");
    let sum: u64 = entries.iter().flatten().map(number).sum();
    assert_eq!(sum, 2_000);
}

async fn transfer(store: &dyn StateStore, from: &Key, to: &Key) {
    for _ in 0..TRIES_MAX {
        let keys = [from.clone(), to.clone()];
        let entries = store.get_many(&keys).await.expect("get many");
        let [Some(payer), Some(taker)] = &entries[..] else {
            panic!("an account is gone: {entries:?}");
        };
        let ops = [
            replacing(from, payer, number(payer) - 1),
            replacing(to, taker, number(taker) + 1),
        ];
        match store.apply(&ops).await {
            Ok(()) => return,
            Err(error) => assert_eq!(error.kind, PortErrorKind::Conflict, "{error}"),
        }
    }
    panic!("nobody gets on");
}

fn replacing(key: &Key, read: &Versioned, number: u64) -> StateOp {
    StateOp::put(key.clone(), number.to_string()).expecting(Expect::Match(read.etag.clone()))
}

fn number(entry: &Versioned) -> u64 {
    let text = std::str::from_utf8(&entry.value).expect("a number");
    text.parse().expect("a number")
}
