use gauntlet_contract::{Task, TaskId, TaskStatus, UserId};

use super::sample;
use crate::error::PortErrorKind;
use crate::storage::{OutboxQueue, TaskQuery, TaskStore};

/// Runs every case of the task store's contract against a store with nothing in it.
///
/// `outbox` is the same store's outbox: what is committed must come out of it.
pub async fn task_store_suite(store: &dyn TaskStore, outbox: &dyn OutboxQueue) {
    a_row_comes_back_as_it_was_committed(store).await;
    a_task_is_its_owners_alone(store).await;
    a_conflict_writes_neither_row_nor_event(store, outbox).await;
    a_deleted_task_is_gone(store).await;
    pages_run_newest_first_without_gaps(store).await;
}

/// To the last character and digit: what a client reads must be what its event told.
async fn a_row_comes_back_as_it_was_committed(store: &dyn TaskStore) {
    let mut task = sample::task(UserId::generate(), "Grüße, \"quoted\" \\ 🦀");
    task.description = Some("two\nlines\tand a tab".to_owned());
    commit(store, &sample::creation(&task)).await;
    assert_eq!(find(store, &task).await.as_ref(), Some(&task));

    let mut done = sample::renamed(&task, "done");
    done.description = None;
    done.status = TaskStatus::Completed;
    done.completed_at = Some(done.updated_at);
    commit(store, &sample::update(&task, &done)).await;
    assert_eq!(find(store, &task).await, Some(done));
}

/// Both ways: a stranger neither reads nor writes, and is told the same as of an absent task.
async fn a_task_is_its_owners_alone(store: &dyn TaskStore) {
    let task = sample::task(UserId::generate(), "mine");
    commit(store, &sample::creation(&task)).await;
    let stranger = UserId::generate();
    let found = store.find(stranger, task.id).await.expect("find");
    assert_eq!(found, None);

    let mut theft = sample::update(&task, &sample::renamed(&task, "stolen"));
    theft.user_id = stranger;
    let refused = store.commit(&theft).await.expect_err("a stranger wrote");
    assert_eq!(refused.kind, PortErrorKind::Conflict);
    assert_eq!(find(store, &task).await, Some(task));
}

/// The event is the half that is easily forgotten: an outbox row without its change would tell of
/// something that never happened.
async fn a_conflict_writes_neither_row_nor_event(store: &dyn TaskStore, outbox: &dyn OutboxQueue) {
    let first = sample::task(UserId::generate(), "first");
    let second = sample::renamed(&first, "second");
    commit(store, &sample::creation(&first)).await;
    commit(store, &sample::update(&first, &second)).await;
    let depth = outbox.depth().await.expect("depth");

    let absent = sample::task(first.user_id, "absent");
    for stale in [
        sample::creation(&first),
        sample::update(&first, &sample::renamed(&first, "late")),
        sample::deletion(&first),
        sample::update(&absent, &sample::renamed(&absent, "nowhere")),
        sample::deletion(&absent),
    ] {
        let refused = store.commit(&stale).await.expect_err("a stale write");
        assert_eq!(refused.kind, PortErrorKind::Conflict, "{stale:?}");
    }
    assert_eq!(find(store, &first).await, Some(second));
    assert_eq!(outbox.depth().await.expect("depth"), depth);
}

async fn a_deleted_task_is_gone(store: &dyn TaskStore) {
    let task = sample::task(UserId::generate(), "short-lived");
    commit(store, &sample::creation(&task)).await;
    commit(store, &sample::deletion(&task)).await;
    assert_eq!(find(store, &task).await, None);
}

async fn pages_run_newest_first_without_gaps(store: &dyn TaskStore) {
    let user_id = UserId::generate();
    let mut newest_first = Vec::new();
    for number in 0..5 {
        let mut task = sample::task(user_id, &format!("task {number}"));
        if number % 2 == 0 {
            task.status = TaskStatus::InProgress;
        }
        commit(store, &sample::creation(&task)).await;
        newest_first.insert(0, task);
    }
    let mut seen = Vec::new();
    let mut before = None;
    loop {
        let page = list(store, user_id, None, before, 2).await;
        let Some(last) = page.last() else { break };
        before = Some(last.id);
        seen.extend(page);
    }
    assert_eq!(seen, newest_first);

    let status = Some(TaskStatus::InProgress);
    let filtered = list(store, user_id, status, None, 10).await;
    newest_first.retain(|task| task.status == TaskStatus::InProgress);
    assert_eq!(filtered, newest_first);
}

async fn list(
    store: &dyn TaskStore,
    user_id: UserId,
    status: Option<TaskStatus>,
    before: Option<TaskId>,
    limit: u32,
) -> Vec<Task> {
    let query = TaskQuery {
        user_id,
        status,
        before,
        limit,
    };
    store.list(&query).await.expect("list")
}

async fn commit(store: &dyn TaskStore, change: &crate::storage::TaskChange) {
    store.commit(change).await.expect("commit");
}

async fn find(store: &dyn TaskStore, task: &Task) -> Option<Task> {
    store.find(task.user_id, task.id).await.expect("find")
}
