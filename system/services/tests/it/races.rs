//! Changes that lose a race: decided anew, and told when that does not help.

use std::sync::Arc;

use axum::http::{Method, StatusCode};
use gauntlet_contract::{Task, UserId};
use gauntlet_ports::testsuite::storage::{MemoryStore, sample};
use gauntlet_ports::{CommitStore as _, TaskStore as _};
use serde_json::json;

use crate::interposed::Interposed;
use crate::support::{Answer, Api};

/// Renames a task while somebody else is a moment faster, so many times.
async fn rename_against(races: usize) -> (Answer, MemoryStore) {
    let store = MemoryStore::new("");
    let task = sample::task(UserId::generate(), "contended");
    store.commit(&sample::creation(&task)).await.unwrap();
    let (user_id, id) = (task.user_id, task.id);
    let faster = Interposed::new(
        store.clone(),
        Box::new(move |store, number| {
            Box::pin(async move {
                if number < races {
                    let current = store.find(user_id, id).await.unwrap().unwrap();
                    let faster = sample::renamed(&current, "faster");
                    store
                        .commit(&sample::update(&current, &faster))
                        .await
                        .unwrap();
                }
                Ok(())
            })
        }),
    );
    let api = Api::on(store.clone(), Arc::new(faster));
    let call = api.call(Method::PATCH, &format!("/api/tasks/{id}"));
    let call = call.with_token(api.issuer.token(user_id));
    (call.json(&json!({"title": "at last"})).await, store)
}

#[tokio::test]
async fn a_change_that_was_overtaken_is_decided_anew_on_what_is_there_now() {
    let (answer, store) = rename_against(3).await;
    let task: Task = answer.json();
    assert_eq!((task.title.as_str(), task.version), ("at last", 5));
    let events = store.events();
    let versions: Vec<_> = events
        .iter()
        .map(|e| e.data.task().unwrap().version)
        .collect();
    assert_eq!(versions, [1, 2, 3, 4, 5]);
}

#[tokio::test]
async fn a_change_that_loses_every_race_says_so_and_is_not_made() {
    let (answer, store) = rename_against(usize::MAX).await;
    assert_eq!(answer.kind(StatusCode::CONFLICT), "/problems/conflict");
    assert_eq!(answer.header("retry-after"), Some("1"));
    let events = store.events();
    let last = events.last().unwrap().data.task().unwrap();
    assert_eq!(last.new.as_ref().unwrap().title, "faster");
}
