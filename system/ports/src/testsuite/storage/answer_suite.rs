use std::time::Duration;

use futures::future::join_all;
use gauntlet_contract::UserId;

use super::check::{depth, done, find, refused, somebody, told};
use super::sample;
use super::stores::Stores;
use crate::error::PortErrorKind;
use crate::storage::{Commit, Committed, KeyedAnswer, OutboxQueue};

/// Longer than any run of the suite.
const LONG: Duration = Duration::from_mins(10);
/// How many requests with one key come at the same time.
const AT_ONCE: usize = 6;

/// Runs every case of answers under idempotency keys, on a store with no answers in it.
pub async fn answer_suite(store: &dyn Stores, outbox: &dyn OutboxQueue) {
    an_answer_comes_back_as_it_was_given(store).await;
    a_key_is_taken_once_for_each_user(store, outbox).await;
    what_is_not_committed_leaves_its_key_free(store).await;
    a_taken_key_is_told_before_a_conflict(store).await;
    of_several_at_once_one_is_committed(store, outbox).await;
    only_old_answers_are_purged(store).await;
}

async fn an_answer_comes_back_as_it_was_given(store: &dyn Stores) {
    let task = sample::task(somebody(), "keyed");
    let commit = sample::keyed(sample::creation(&task), "key: 'quoted' 🦀");
    assert_eq!(answer(store, task.user_id, "key: 'quoted' 🦀").await, None);
    done(store, &commit).await;
    let found = answer(store, task.user_id, "key: 'quoted' 🦀").await;
    assert_eq!(found, commit.answer);
    assert_eq!(answer(store, somebody(), "key: 'quoted' 🦀").await, None);
}

/// One row and several go different ways in a real store; the key has to hold on both.
async fn a_key_is_taken_once_for_each_user(store: &dyn Stores, outbox: &dyn OutboxQueue) {
    let user_id = somebody();
    let create = |title: &str| sample::creation(&sample::task(user_id, title));
    let two = |title: &str| sample::together([create(title), create(title)]);
    done(store, &sample::keyed(create("one row"), "a")).await;
    done(store, &sample::keyed(two("two rows"), "b")).await;
    let before = depth(outbox).await;
    for key in ["a", "b"] {
        let first = answer(store, user_id, key).await;
        told(
            store,
            &sample::keyed(create("again"), key),
            Committed::KeyTaken,
        )
        .await;
        told(
            store,
            &sample::keyed(two("again"), key),
            Committed::KeyTaken,
        )
        .await;
        let mut other = sample::keyed(create("another request"), key);
        if let Some(answer) = &mut other.answer {
            "of another request".clone_into(&mut answer.fingerprint);
        }
        told(store, &other, Committed::KeyTaken).await;
        assert_eq!(answer(store, user_id, key).await, first);
    }
    assert_eq!(depth(outbox).await, before);
    let stranger = sample::creation(&sample::task(somebody(), "the same key"));
    done(store, &sample::keyed(stranger, "a")).await;
}

/// A refused request may be mended and sent again under its key.
async fn what_is_not_committed_leaves_its_key_free(store: &dyn Stores) {
    let task = sample::task(somebody(), "first");
    done(store, &sample::creation(&task)).await;
    let stale = sample::deletion(&sample::renamed(&task, "at a version that is not there"));
    refused(store, &sample::keyed(stale, "k"), PortErrorKind::Conflict).await;
    let mut tagged = sample::renamed(&task, "tagged");
    tagged.tags = vec![gauntlet_contract::LabelId::generate()];
    let unknown_label = sample::keyed(sample::update(&task, &tagged), "k");
    told(store, &unknown_label, Committed::LabelMissing).await;
    assert_eq!(answer(store, task.user_id, "k").await, None);
    done(store, &sample::keyed(sample::deletion(&task), "k")).await;
    assert!(answer(store, task.user_id, "k").await.is_some());
}

/// The repetition of a request rests on the version that the first one has changed. It is to be
/// answered like the first and not with a conflict.
async fn a_taken_key_is_told_before_a_conflict(store: &dyn Stores) {
    let task = sample::task(somebody(), "renamed twice with one key");
    done(store, &sample::creation(&task)).await;
    let renaming = sample::update(&task, &sample::renamed(&task, "renamed"));
    done(store, &sample::keyed(renaming.clone(), "k")).await;
    told(store, &sample::keyed(renaming, "k"), Committed::KeyTaken).await;
    let unknown_label = {
        let mut tagged = sample::task(task.user_id, "tagged");
        tagged.tags = vec![gauntlet_contract::LabelId::generate()];
        sample::creation(&tagged)
    };
    told(
        store,
        &sample::keyed(unknown_label, "k"),
        Committed::KeyTaken,
    )
    .await;
}

async fn of_several_at_once_one_is_committed(store: &dyn Stores, outbox: &dyn OutboxQueue) {
    let user_id = somebody();
    for round in 0..10 {
        let key = format!("round {round}");
        let before = depth(outbox).await;
        let tasks: Vec<_> = (0..AT_ONCE)
            .map(|_| sample::task(user_id, "one of several"))
            .collect();
        let commits: Vec<Commit> = tasks
            .iter()
            .map(|task| sample::keyed(sample::creation(task), &key))
            .collect();
        let answers = join_all(commits.iter().map(|commit| store.commit(commit))).await;
        let mut committed = 0;
        for (task, answer) in tasks.iter().zip(answers) {
            let is_there = find(store, task).await.is_some();
            match answer.expect("commit") {
                Committed::Done => {
                    committed += 1;
                    assert!(is_there);
                }
                Committed::KeyTaken | Committed::KeyInFlight => assert!(!is_there),
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(committed, 1);
        assert_eq!(depth(outbox).await, before + 1);
    }
}

async fn only_old_answers_are_purged(store: &dyn Stores) {
    let user_id = somebody();
    let purge = async |older_than, limit| store.purge_answers(older_than, limit).await;
    while purge(Duration::ZERO, 100).await.expect("purge") > 0 {}
    for key in ["a", "b", "c"] {
        let commit = sample::creation(&sample::task(user_id, key));
        done(store, &sample::keyed(commit, key)).await;
    }
    assert_eq!(purge(LONG, 100).await.expect("purge"), 0, "all are young");
    assert_eq!(purge(Duration::ZERO, 2).await.expect("purge"), 2);
    assert_eq!(purge(Duration::ZERO, 100).await.expect("purge"), 1);
    for key in ["a", "b", "c"] {
        assert_eq!(answer(store, user_id, key).await, None);
    }
    let again = sample::creation(&sample::task(user_id, "a"));
    done(store, &sample::keyed(again, "a")).await;
}

async fn answer(store: &dyn Stores, user_id: UserId, key: &str) -> Option<KeyedAnswer> {
    store.answer(user_id, key).await.expect("answer")
}
