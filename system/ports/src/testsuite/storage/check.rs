//! What the suites of the api role's store do with it, and what they expect of an answer.

use gauntlet_contract::{Task, UserId};

use super::stores::Stores;
use crate::error::PortErrorKind;
use crate::storage::{Commit, Committed, OutboxQueue, TaskPage, TaskQuery};

pub(super) async fn done(store: &dyn Stores, commit: &Commit) {
    told(store, commit, Committed::Done).await;
}

/// The commit is answered so.
pub(super) async fn told(store: &dyn Stores, commit: &Commit, expected: Committed) {
    let answer = store.commit(commit).await.expect("commit");
    assert_eq!(answer, expected, "{commit:?}");
}

pub(super) async fn refused(store: &dyn Stores, commit: &Commit, expected: PortErrorKind) {
    match store.commit(commit).await {
        Ok(answer) => panic!("{answer:?} instead of {expected:?}: {commit:?}"),
        Err(error) => assert_eq!(error.kind, expected, "{commit:?}"),
    }
}

pub(super) async fn find(store: &dyn Stores, task: &Task) -> Option<Task> {
    store.find(task.user_id, task.id).await.expect("find")
}

pub(super) async fn list(store: &dyn Stores, query: &TaskQuery) -> TaskPage {
    store.list(query).await.expect("list")
}

pub(super) async fn depth(outbox: &dyn OutboxQueue) -> u64 {
    outbox.depth().await.expect("depth")
}

/// Somebody who has nothing yet.
pub(super) fn somebody() -> UserId {
    UserId::generate()
}
