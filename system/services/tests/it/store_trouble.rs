//! What a client hears when a store is away, and what it may conclude.

use axum::http::{Method, StatusCode};
use gauntlet_ports::testsuite::storage::Planted;
use serde_json::json;

use crate::support::Api;

#[tokio::test]
async fn unavailable_means_that_nothing_was_written() {
    let api = Api::new();
    api.store.plant(Some(Planted::Unavailable));
    let answer = api.post("/api/tasks", &json!({"title": "a"})).await;
    answer.refused(StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.header("retry-after"), Some("1"));
    assert_eq!(api.store.task_count(), 0);
    assert_eq!(api.store.events(), []);
}

#[tokio::test]
async fn an_answer_that_got_lost_is_told_as_unknown() {
    let api = Api::new();
    api.store.plant(Some(Planted::AnswerLost));
    let answer = api.post("/api/tasks", &json!({"title": "a"})).await;
    answer.refused(StatusCode::GATEWAY_TIMEOUT);
    assert_eq!(answer.problem().kind, "/problems/outcome-unknown");
    // It had been written, which is why the client must not be told that it was not.
    assert_eq!(api.store.task_count(), 1);
}

#[tokio::test]
async fn a_trail_that_is_away_is_unavailable() {
    let api = Api::new();
    api.audit.take_down();
    let answer = api.call(Method::GET, "/api/audit").send("").await;
    answer.refused(StatusCode::SERVICE_UNAVAILABLE);
}
