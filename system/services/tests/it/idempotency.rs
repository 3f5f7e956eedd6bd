//! `Idempotency-Key`: a repetition gets the first answer, and has no effect of its own.

use std::sync::Arc;

use axum::http::{Method, StatusCode};
use gauntlet_contract::{Label, Task, UserId};
use gauntlet_ports::testsuite::storage::{MemoryStore, Planted};
use gauntlet_ports::{AnswerStore as _, PortErrorKind};
use serde_json::{Value, json};

use crate::interposed::Interposed;
use crate::support::{Answer, Api};

async fn send(api: &Api, method: Method, path: &str, key: &str, body: &Value) -> Answer {
    let call = api.call(method, path).header("idempotency-key", key);
    call.json(body).await
}

async fn create(api: &Api, key: &str) -> Answer {
    send(api, Method::POST, "/api/tasks", key, &json!({"title": "a"})).await
}

fn is_replay(answer: &Answer) -> bool {
    match answer.header("idempotency-replayed") {
        None => false,
        Some(value) => {
            assert_eq!(value, "true");
            true
        }
    }
}

fn assert_same(first: &Answer, again: &Answer) {
    assert!(!is_replay(first));
    assert!(is_replay(again));
    assert_eq!((first.status, first.text()), (again.status, again.text()));
    for name in ["etag", "location", "content-type"] {
        assert_eq!(first.header(name), again.header(name), "{name}");
    }
}

#[tokio::test]
async fn every_kind_of_change_is_done_once_and_answered_alike() {
    let api = Api::new();
    let tag = api.tag("tag").await;
    let due = json!({"title": "due", "due_date": "2026-11-30T17:00"});
    let task: Task = api.made("/api/tasks", &due).await;
    let path = format!("/api/tasks/{}", task.id);
    let daily = json!({"rule": {"frequency": "daily"}});
    let tags = json!({"tags": [tag.id]});
    let (tag_path, tagged) = (
        format!("/api/tags/{}", tag.id),
        format!("{path}/tags/{}", tag.id),
    );
    let recurring = format!("{path}/recurring");
    let steps = [
        (Method::POST, "/api/tasks".to_owned(), json!({"title": "b"})),
        (Method::PATCH, path.clone(), json!({"title": "renamed"})),
        (Method::POST, format!("{path}/tags"), tags),
        (Method::DELETE, tagged, json!(null)),
        (Method::POST, recurring.clone(), daily),
        (Method::DELETE, recurring, json!(null)),
        (
            Method::PATCH,
            format!("{path}/complete"),
            json!({"completed": true}),
        ),
        (Method::DELETE, path, json!(null)),
        (
            Method::POST,
            "/api/categories".to_owned(),
            json!({"name": "b"}),
        ),
        (Method::PATCH, tag_path.clone(), json!({"name": "renamed"})),
        (Method::DELETE, tag_path, json!(null)),
    ];
    for (number, (method, path, body)) in steps.into_iter().enumerate() {
        let key = format!("key-{number}");
        let before = api.store.events().len();
        let first = send(&api, method.clone(), &path, &key, &body).await;
        assert!(
            first.status.is_success(),
            "{method} {path}: {}",
            first.text()
        );
        let after = api.store.events();
        assert!(after.len() > before, "{method} {path}");
        let again = send(&api, method.clone(), &path, &format!("\"{key}\""), &body).await;
        assert_same(&first, &again);
        assert_eq!(api.store.events(), after, "{method} {path}");
    }
}

#[tokio::test]
async fn a_replay_is_what_was_true_then() {
    let api = Api::new();
    let first = create(&api, "key").await;
    let task: Task = first.json();
    let path = format!("/api/tasks/{}", task.id);
    api.patch(&path, &json!({"title": "later"})).await;
    assert_same(&first, &create(&api, "key").await);
    api.delete(&path).await;
    assert_same(&first, &create(&api, "key").await);
    assert_eq!(api.store.task_count(), 0);
}

/// The first found the task completed already. If its answer were not kept, the second would complete it
/// after it was reopened: an effect that the client asked for once, and had.
#[tokio::test]
async fn a_change_that_changed_nothing_is_replayed_too() {
    let api = Api::new();
    let task = api.created("a").await;
    let path = format!("/api/tasks/{}/complete", task.id);
    api.patch(&path, &json!({"completed": true})).await;
    let complete = json!({"completed": true});
    let first = send(&api, Method::PATCH, &path, "key", &complete).await;
    api.patch(&path, &json!({"completed": false})).await;
    let events = api.store.events();
    let again = send(&api, Method::PATCH, &path, "key", &complete).await;
    assert_same(&first, &again);
    assert_eq!(api.store.events(), events);
}

#[tokio::test]
async fn another_request_under_the_key_is_refused() {
    let api = Api::new();
    let first = create(&api, "key").await;
    let task: Task = first.json();
    let events = api.store.events();
    let own = format!("/api/tasks/{}", task.id);
    for (method, path, body) in [
        (Method::POST, "/api/tasks", json!({"title": "b"})),
        (Method::POST, "/api/tags", json!({"name": "a"})),
        (Method::PATCH, own.as_str(), json!({"title": "a"})),
        (Method::DELETE, own.as_str(), json!(null)),
    ] {
        let answer = send(&api, method, path, "key", &body).await;
        let kind = answer.kind(StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(kind, "/problems/idempotency-key-reused");
    }
    assert_eq!(api.store.events(), events);
}

#[tokio::test]
async fn the_same_change_of_something_else_is_another_request() {
    let api = Api::new();
    let (one, other) = (api.created("one").await, api.created("other").await);
    let [one, other] = [one, other].map(|task| format!("/api/tasks/{}", task.id));
    let answer = send(&api, Method::DELETE, &one, "key", &json!(null)).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT);
    let answer = send(&api, Method::DELETE, &other, "key", &json!(null)).await;
    let kind = answer.kind(StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(kind, "/problems/idempotency-key-reused");
    api.read::<Task>(&other).await;
}

#[tokio::test]
async fn keys_are_each_users_own() {
    let api = Api::new();
    let mine = create(&api, "key").await;
    let stranger = api.issuer.token(UserId::generate());
    let call = api.call(Method::POST, "/api/tasks").with_token(stranger);
    let theirs = call
        .header("idempotency-key", "key")
        .json(&json!({"title": "a"}))
        .await;
    assert!(!is_replay(&theirs));
    assert_ne!(mine.json::<Task>().id, theirs.json::<Task>().id);
}

#[tokio::test]
async fn a_refusal_is_not_kept() {
    let api = Api::new();
    let tag: Label = api.tag("taken").await;
    let body = json!({"name": "Taken"});
    let refused = send(&api, Method::POST, "/api/tags", "key", &body).await;
    refused.refused(StatusCode::CONFLICT);
    api.delete(&format!("/api/tags/{}", tag.id)).await;
    let made = send(&api, Method::POST, "/api/tags", "key", &body).await;
    assert_eq!(made.status, StatusCode::CREATED);
    assert!(!is_replay(&made));

    let empty = json!({"title": ""});
    let refused = send(&api, Method::POST, "/api/tasks", "other", &empty).await;
    refused.refused(StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(create(&api, "other").await.status, StatusCode::CREATED);
}

/// What the header is for: the client does not know whether it was done, and may ask again.
#[tokio::test]
async fn a_repetition_after_a_lost_answer_gets_it() {
    let api = Api::new();
    api.store.plant(Some(Planted::AnswerLost));
    create(&api, "key")
        .await
        .refused(StatusCode::GATEWAY_TIMEOUT);
    assert_eq!(api.store.task_count(), 1);
    let again = create(&api, "key").await;
    assert_eq!(again.status, StatusCode::CREATED);
    assert!(is_replay(&again));
    assert_eq!(again.header("etag"), Some("\"1\""));
    let task: Task = again.json();
    let location = format!("/api/tasks/{}", task.id);
    assert_eq!(again.header("location"), Some(location.as_str()));
    assert_eq!(api.store.task_count(), 1);

    let deleted = send(&api, Method::DELETE, &location, "gone", &json!(null)).await;
    deleted.refused(StatusCode::GATEWAY_TIMEOUT);
    let again = send(&api, Method::DELETE, &location, "gone", &json!(null)).await;
    assert_eq!(
        (again.status, is_replay(&again)),
        (StatusCode::NO_CONTENT, true)
    );
}

#[tokio::test]
async fn a_repetition_after_a_failure_is_a_first_attempt() {
    let api = Api::new();
    api.store.plant(Some(Planted::Unavailable));
    create(&api, "key")
        .await
        .refused(StatusCode::SERVICE_UNAVAILABLE);
    api.store.plant(None);
    let made = create(&api, "key").await;
    assert_eq!(
        (made.status, is_replay(&made)),
        (StatusCode::CREATED, false)
    );
}

#[tokio::test]
async fn a_repetition_of_what_is_under_way_is_asked_to_wait() {
    let api = Api::new();
    api.store.plant(Some(Planted::KeyInFlight));
    let answer = create(&api, "key").await;
    let kind = answer.kind(StatusCode::CONFLICT);
    assert_eq!(kind, "/problems/idempotency-key-in-flight");
    assert_eq!(answer.header("retry-after"), Some("1"));
    assert_eq!(api.store.task_count(), 0);
    // Without a key there is nothing to wait for.
    api.created("other").await;
}

/// Both looked for the key and found none; one commits a moment earlier.
#[tokio::test]
async fn of_two_at_once_the_slower_gets_the_answer_of_the_faster() {
    let store = MemoryStore::new("");
    let user_id = UserId::generate();
    let twin = Arc::new(Api::on(store.clone(), Arc::new(store.clone())).of_user(user_id));
    let faster = Arc::clone(&twin);
    let between = Interposed::new(
        store.clone(),
        Box::new(move |_, number| {
            let twin = Arc::clone(&faster);
            Box::pin(async move {
                if number == 0 {
                    let answer = create(&twin, "key").await;
                    assert_eq!(answer.status, StatusCode::CREATED);
                }
                Ok(())
            })
        }),
    );
    let api = Api::on(store.clone(), Arc::new(between)).of_user(user_id);
    let slower = create(&api, "key").await;
    assert_eq!(
        (slower.status, is_replay(&slower)),
        (StatusCode::CREATED, true)
    );
    assert_eq!(store.task_count(), 1);
    assert_eq!(store.events().len(), 1);
}

/// Its own effect stands in the way of the repetition: the task is gone, or at another version.
#[tokio::test]
async fn a_repetition_that_is_overtaken_by_the_first_request_gets_its_answer() {
    let change = async |api: &Api, method: &Method, path: &str| {
        let call = api
            .call(method.clone(), path)
            .header("idempotency-key", "key")
            .header("if-match", "\"1\"");
        match *method {
            Method::DELETE => call.send("").await,
            _ => call.json(&json!({"title": "b"})).await,
        }
    };
    for method in [Method::DELETE, Method::PATCH] {
        let store = MemoryStore::new("");
        let user_id = UserId::generate();
        let first = Arc::new(Api::on(store.clone(), Arc::new(store.clone())).of_user(user_id));
        let path = format!("/api/tasks/{}", first.created("a").await.id);
        let meanwhile = (Arc::clone(&first), method.clone(), path.clone());
        let overtaken = Interposed::new(
            store.clone(),
            Box::new(|_, _| Box::pin(std::future::ready(Ok(())))),
        )
        .before_find(Box::new(move |_, number| {
            let (first, method, path) = meanwhile.clone();
            Box::pin(async move {
                if number == 0 {
                    let answer = change(&first, &method, &path).await;
                    assert!(answer.status.is_success(), "{method}: {}", answer.status);
                }
                Ok(())
            })
        }));
        let api = Api::on(store.clone(), Arc::new(overtaken)).of_user(user_id);
        let answer = change(&api, &method, &path).await;
        assert!(answer.status.is_success(), "{method}: {}", answer.status);
        assert!(is_replay(&answer), "{method}");
        assert_eq!(store.events().len(), 2, "{method}");
    }
}

#[tokio::test]
async fn what_is_no_key_is_refused_and_nothing_is_written() {
    let api = Api::new();
    let too_long = "k".repeat(256);
    for key in ["", "\"\"", "a b", "\"open", &too_long] {
        let answer = create(&api, key).await;
        let fields = answer.refused(StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(fields, ["Idempotency-Key"], "{key:?}");
    }
    let call = api.call(Method::POST, "/api/tasks");
    let twice = call
        .header("idempotency-key", "a")
        .header("idempotency-key", "b");
    let answer = twice.json(&json!({"title": "a"})).await;
    answer.refused(StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(api.store.events(), []);
}

/// An answer whose loss is not the commit's: the key is there, and so is the change.
#[tokio::test]
async fn an_answer_is_committed_with_its_change_or_not_at_all() {
    let store = MemoryStore::new("");
    let between = Interposed::new(
        store.clone(),
        Box::new(|_, number| {
            Box::pin(async move {
                if number == 0 {
                    return Err(PortErrorKind::Timeout);
                }
                Ok(())
            })
        }),
    );
    let api = Api::on(store.clone(), Arc::new(between));
    create(&api, "key")
        .await
        .refused(StatusCode::GATEWAY_TIMEOUT);
    assert_eq!(store.answer(api.user_id, "key").await.unwrap(), None);
    assert_eq!(store.task_count(), 0);
    let made = create(&api, "key").await;
    assert_eq!(
        (made.status, is_replay(&made)),
        (StatusCode::CREATED, false)
    );
    let kept = store.answer(api.user_id, "key").await.unwrap().unwrap();
    assert_eq!(kept.answer.body, made.text());
}
