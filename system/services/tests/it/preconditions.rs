use axum::http::{Method, StatusCode};
use gauntlet_contract::Task;
use serde_json::json;

use crate::support::Api;

#[tokio::test]
async fn a_change_of_a_stale_version_is_refused_and_nothing_is_written() {
    let api = Api::new();
    let task = api.created("first").await;
    let path = format!("/api/tasks/{}", task.id);
    api.patch(&path, &json!({"title": "second"})).await;
    let complete = format!("{path}/complete");
    for (method, path, body) in [
        (Method::PATCH, &path, json!({"title": "third"})),
        (Method::PATCH, &complete, json!({"completed": true})),
        (Method::DELETE, &path, json!({})),
    ] {
        for stale in ["\"1\"", "W/\"2\"", "\"x\"", "2"] {
            let call = api.call(method.clone(), path).header("if-match", stale);
            let answer = call.json(&body).await;
            answer.refused(StatusCode::PRECONDITION_FAILED);
        }
    }
    let current: Task = api.get(&path).send("").await.json();
    assert_eq!((current.title.as_str(), current.version), ("second", 2));
    assert_eq!(api.store.events().len(), 2);
}

#[tokio::test]
async fn a_change_of_the_current_version_is_made() {
    let api = Api::new();
    let task = api.created("first").await;
    let path = format!("/api/tasks/{}", task.id);
    for (tag, etag) in [
        ("\"1\"", "\"2\""),
        ("\"7\", \"2\"", "\"3\""),
        ("*", "\"4\""),
    ] {
        let call = api.call(Method::PATCH, &path).header("if-match", tag);
        let answer = call.json(&json!({"title": format!("by {tag}")})).await;
        assert_eq!(answer.status, StatusCode::OK, "{tag}");
        assert_eq!(answer.header("etag"), Some(etag));
    }
}
