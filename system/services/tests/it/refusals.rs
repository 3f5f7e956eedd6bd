//! Bad input: which problem it gets, and that nothing is written.

use axum::http::{Method, StatusCode};
use gauntlet_contract::task::{BODY_MAX_BYTES, DESCRIPTION_MAX_CHARS, TITLE_MAX_CHARS};
use serde_json::json;

use crate::support::Api;

async fn nothing_but_the_first_is_written(api: &Api, path: &str, before: &gauntlet_contract::Task) {
    assert_eq!(api.store.task_count(), 1);
    assert_eq!(api.store.events().len(), 1);
    let task: gauntlet_contract::Task = api.get(path).send("").await.json();
    assert_eq!(task, *before);
}

#[tokio::test]
async fn bodies_of_the_wrong_shape_name_the_field() {
    let api = Api::new();
    let task = api.created("first").await;
    let path = format!("/api/tasks/{}", task.id);
    for (body, field) in [
        (json!({}), "body"),
        (json!([]), "body"),
        (json!({"title": 5}), "title"),
        (json!({"title": null}), "title"),
        (json!({"title": "a", "description": 5}), "description"),
        (json!({"title": "a", "owner": "me"}), "owner"),
        (json!({"title": "a", "id": "x"}), "id"),
        // The parser takes these for bad syntax.
        (json!({"title": "a", "priority": 1}), "priority"),
        (json!({"title": ""}), "title"),
        (json!({"title": " \t "}), "title"),
        (json!({"title": "a\u{0}b"}), "title"),
        (json!({"title": "x".repeat(TITLE_MAX_CHARS + 1)}), "title"),
        (json!({"title": "a", "description": "\u{0}"}), "description"),
        (
            json!({"title": "a", "description": "x".repeat(DESCRIPTION_MAX_CHARS + 1)}),
            "description",
        ),
    ] {
        let answer = api.post("/api/tasks", &body).await;
        assert_eq!(
            answer.refused(StatusCode::UNPROCESSABLE_ENTITY),
            [field],
            "{body}"
        );
    }
    for (body, field) in [
        (json!({"title": 5}), "title"),
        (json!({"title": ""}), "title"),
        (json!({"status": "done"}), "status"),
        (json!({"version": 7}), "version"),
        (json!({"description": ["a"]}), "description"),
    ] {
        let answer = api.patch(&path, &body).await;
        assert_eq!(
            answer.refused(StatusCode::UNPROCESSABLE_ENTITY),
            [field],
            "{body}"
        );
    }
    let complete = format!("{path}/complete");
    for body in [
        json!({"completed": "yes"}),
        json!({"completed": true, "x": 1}),
        json!({}),
    ] {
        let answer = api.patch(&complete, &body).await;
        answer.refused(StatusCode::UNPROCESSABLE_ENTITY);
    }
    nothing_but_the_first_is_written(&api, &path, &task).await;
}

#[tokio::test]
async fn several_faults_are_told_at_once() {
    let api = Api::new();
    let body = json!({"title": "", "description": "\u{7}"});
    let answer = api.post("/api/tasks", &body).await;
    let fields = answer.refused(StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(fields, ["title", "description"]);
    assert_eq!(api.store.events(), []);
}

#[tokio::test]
async fn what_is_not_json_is_malformed() {
    let api = Api::new();
    let task = api.created("first").await;
    let path = format!("/api/tasks/{}", task.id);
    for body in [
        &b""[..],
        b"{",
        b"title=a",
        b"{\"title\":\"a\"} trailing",
        b"{\"title\":\"\xff\"}",
        b"{\"title\":\"\\ud800\"}",
    ] {
        for (method, path) in [(Method::POST, "/api/tasks"), (Method::PATCH, path.as_str())] {
            let call = api
                .call(method, path)
                .header("content-type", "application/json");
            call.send(body).await.refused(StatusCode::BAD_REQUEST);
        }
    }
    nothing_but_the_first_is_written(&api, &path, &task).await;
}

#[tokio::test]
async fn other_media_types_are_not_read() {
    let api = Api::new();
    let body = r#"{"title":"a"}"#;
    for media_type in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/jsonx",
        "",
    ] {
        let call = api
            .call(Method::POST, "/api/tasks")
            .header("content-type", media_type);
        call.send(body)
            .await
            .refused(StatusCode::UNSUPPORTED_MEDIA_TYPE);
    }
    let call = api.call(Method::POST, "/api/tasks");
    call.send(body)
        .await
        .refused(StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(api.store.events(), []);

    let call = api.call(Method::POST, "/api/tasks");
    let call = call.header("content-type", "Application/JSON; charset=utf-8");
    assert_eq!(call.send(body).await.status, StatusCode::CREATED);
}

#[tokio::test]
async fn a_body_may_have_the_limit_and_not_a_byte_more() {
    let api = Api::new();
    let padded = |bytes: usize| {
        let body = r#"{"title":"a"}"#;
        format!("{body}{}", " ".repeat(bytes - body.len()))
    };
    let post = || {
        let call = api.call(Method::POST, "/api/tasks");
        call.header("content-type", "application/json")
    };
    let answer = post().send(padded(BODY_MAX_BYTES + 1)).await;
    answer.refused(StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(api.store.events(), []);
    let answer = post().send(padded(BODY_MAX_BYTES)).await;
    assert_eq!(answer.status, StatusCode::CREATED);
}

#[tokio::test]
async fn unknown_routes_ids_and_methods_get_problems_too() {
    let api = Api::new();
    for path in [
        "/",
        "/api",
        "/api/task",
        "/api/tasks/",
        "/api/tasks/1",
        "/api/tasks/%ff",
        "/api/tasks/1/instances",
        "/api/tags/1",
        "/api/categories/",
        "/api/labels",
        "/internal/series",
    ] {
        api.get(path).send("").await.refused(StatusCode::NOT_FOUND);
    }
    for (method, path, allowed) in [
        (Method::PUT, "/api/tasks", "GET,HEAD,POST"),
        (Method::POST, "/api/tasks/search", "GET,HEAD"),
        (Method::PUT, "/api/tags", "GET,HEAD,POST"),
        (Method::POST, "/api/audit", "GET,HEAD"),
        (Method::POST, "/health/live", "GET,HEAD"),
    ] {
        let answer = api.call(method, path).json(&json!({"title": "a"})).await;
        answer.refused(StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(answer.header("allow"), Some(allowed), "{path}");
    }
    assert_eq!(api.store.events(), []);
}

#[tokio::test]
async fn queries_of_the_trail_are_read_strictly() {
    let api = Api::new();
    for (query, field) in [
        ("task_id=1", "task_id"),
        ("user=me", "user"),
        ("action=stolen", "action"),
        ("from=yesterday", "from"),
        ("to=2026-13-01T00:00:00Z", "to"),
    ] {
        let answer = api.get(&format!("/api/audit?{query}")).send("").await;
        let fields = answer.refused(StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(fields, [field], "{query}");
    }
}
