//! The deletion of a label that tasks have.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::http::{Method, StatusCode};
use gauntlet_contract::task::Page;
use gauntlet_contract::{Envelope, EventData, EventType, Label, LabelId, Task, UserId};
use gauntlet_ports::testsuite::storage::{MemoryStore, sample};
use gauntlet_ports::{CommitStore as _, PortErrorKind};
use serde_json::{Value, json};

use crate::interposed::Interposed;
use crate::support::{Answer, Api};

/// More than two batches.
const TASKS: usize = 230;

async fn labelled(api: &Api, count: usize, body: Value) {
    for _ in 0..count {
        api.made::<Task>("/api/tasks", &body).await;
    }
}

async fn still_labelled(api: &Api, query: &str) -> usize {
    let mut count = 0;
    let mut next = format!("/api/tasks?limit=100&{query}");
    loop {
        let page: Page<Task> = api.read(&next).await;
        count += page.items.len();
        let Some(cursor) = page.next_cursor else {
            return count;
        };
        next = format!("/api/tasks?limit=100&{query}&cursor={cursor}");
    }
}

fn kinds(api: &Api) -> Vec<EventType> {
    api.store.events().iter().map(|event| event.kind).collect()
}

#[tokio::test]
async fn it_is_taken_off_its_tasks_first_with_an_event_for_each() {
    let api = Api::new();
    let (tag, kept) = (api.tag("going").await, api.tag("staying").await);
    let category = api.category("going").await;
    let body = json!({"title": "a", "tags": [tag.id, kept.id], "category_id": category.id});
    labelled(&api, 3, body).await;
    let before = kinds(&api).len();

    let deleted = api.delete(&format!("/api/tags/{}", tag.id)).await;
    assert_eq!(deleted.status, StatusCode::NO_CONTENT);
    let mut expected = vec![EventType::TaskUpdated; 3];
    expected.push(EventType::TagDeleted);
    assert_eq!(kinds(&api)[before..], expected);
    let deleted = api
        .delete(&format!("/api/categories/{}", category.id))
        .await;
    assert_eq!(deleted.status, StatusCode::NO_CONTENT);
    assert_eq!(*kinds(&api).last().unwrap(), EventType::CategoryDeleted);

    let page: Page<Task> = api.read("/api/tasks").await;
    for task in page.items {
        assert_eq!(
            (task.tags.as_slice(), task.category_id),
            (&[kept.id][..], None)
        );
        assert_eq!(task.version, 3);
    }
}

#[tokio::test]
async fn one_that_is_refused_leaves_the_tasks_alone() {
    let api = Api::new();
    let tag = api.tag("staying").await;
    labelled(&api, 1, json!({"title": "a", "tags": [tag.id]})).await;
    let before = api.store.events();
    let own = format!("/api/tags/{}", tag.id);
    let stale = api.call(Method::DELETE, &own).header("if-match", "\"7\"");
    stale
        .send("")
        .await
        .refused(StatusCode::PRECONDITION_FAILED);
    let stranger = api.issuer.token(UserId::generate());
    let theirs = api.call(Method::DELETE, &own).with_token(stranger);
    theirs.send("").await.refused(StatusCode::NOT_FOUND);
    assert_eq!(api.store.events(), before);
}

/// Fails every commit from the given one on for as long as `is_away` says so.
fn failing_from(store: &MemoryStore, first: usize, is_away: &Arc<AtomicBool>) -> Interposed {
    let is_away = Arc::clone(is_away);
    Interposed::new(
        store.clone(),
        Box::new(move |_, number| {
            let fails = number >= first && is_away.load(Ordering::Acquire);
            Box::pin(async move {
                if fails {
                    return Err(PortErrorKind::Unavailable);
                }
                Ok(())
            })
        }),
    )
}

#[tokio::test]
async fn one_that_was_interrupted_is_consistent_and_a_repetition_finishes_it() {
    let store = MemoryStore::new("");
    let is_away = Arc::new(AtomicBool::new(true));
    // The label, its tasks, and one batch.
    let between = failing_from(&store, TASKS + 2, &is_away);
    let api = Api::on(store, Arc::new(between));
    let tag = api.tag("going").await;
    labelled(&api, TASKS, json!({"title": "a", "tags": [tag.id]})).await;
    let own = format!("/api/tags/{}", tag.id);
    let with_tag = format!("tag={}", tag.id);

    let delete = || {
        api.call(Method::DELETE, &own)
            .header("idempotency-key", "once")
    };
    let answer = delete().send("").await;
    let kind = answer.kind(StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(kind, "/problems/interrupted");
    assert_eq!(answer.header("retry-after"), Some("1"));
    assert_eq!(api.read::<Label>(&own).await, tag);
    assert_eq!(still_labelled(&api, &with_tag).await, TASKS - 100);

    // Nothing had been done of this one, so that is what it says.
    let answer = delete().send("").await;
    let kind = answer.kind(StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(kind, "/problems/unavailable");

    is_away.store(false, Ordering::Release);
    let answer = delete().send("").await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT);
    assert_eq!(answer.header("idempotency-replayed"), None);
    api.get(&own).send("").await.refused(StatusCode::NOT_FOUND);
    assert_eq!(still_labelled(&api, &with_tag).await, 0);
    let updated = EventType::TaskUpdated;
    let times = kinds(&api)
        .into_iter()
        .filter(|kind| *kind == updated)
        .count();
    assert_eq!(times, TASKS);
    let again = delete().send("").await;
    assert_eq!(again.status, StatusCode::NO_CONTENT);
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
}

/// Between the last batch and the label itself somebody puts the label on another task, so many times. The
/// label, its task and the batch come first; then its end and another batch take turns.
fn tagging(store: &MemoryStore, user_id: UserId, times: usize) -> Interposed {
    Interposed::new(
        store.clone(),
        Box::new(move |store, number| {
            Box::pin(async move {
                let turn = number.checked_sub(3);
                if turn.is_some_and(|turn| turn % 2 == 0 && turn / 2 < times) {
                    let mut late = sample::task(user_id, "late");
                    late.tags = store
                        .events()
                        .iter()
                        .find_map(created_label)
                        .into_iter()
                        .collect();
                    store.commit(&sample::creation(&late)).await.unwrap();
                }
                Ok(())
            })
        }),
    )
}

fn created_label(event: &Envelope) -> Option<LabelId> {
    match &event.data {
        EventData::Label(event) => Some(event.label_id),
        _ => None,
    }
}

async fn delete_against(times: usize) -> (Answer, Api) {
    let (store, user_id) = (MemoryStore::new(""), UserId::generate());
    let between = tagging(&store, user_id, times);
    let api = Api::on(store, Arc::new(between)).of_user(user_id);
    let tag = api.tag("going").await;
    labelled(&api, 1, json!({"title": "a", "tags": [tag.id]})).await;
    (api.delete(&format!("/api/tags/{}", tag.id)).await, api)
}

#[tokio::test]
async fn a_task_that_gets_the_label_meanwhile_loses_it_too() {
    let (answer, api) = delete_against(2).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT);
    let page: Page<Task> = api.read("/api/tasks").await;
    assert_eq!(page.items.len(), 3);
    for task in page.items {
        assert_eq!((task.tags.len(), task.version), (0, 2));
    }
}

#[tokio::test]
async fn one_that_never_gets_ahead_of_others_says_that_a_part_was_done() {
    let (answer, api) = delete_against(usize::MAX).await;
    let kind = answer.kind(StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(kind, "/problems/interrupted");
    let tags: Page<Label> = api.read("/api/tags").await;
    assert_eq!(tags.items.len(), 1);
}
