use axum::http::{Method, StatusCode};
use gauntlet_contract::task::Page;
use gauntlet_contract::{EventType, Task, TaskStatus};
use serde_json::{Value, json};

use crate::support::Api;

#[tokio::test]
async fn a_creation_answers_the_task_and_where_it_is() {
    let api = Api::new();
    let body = json!({"title": "  buy milk ", "description": "two\nlines"});
    let answer = api.post("/api/tasks", &body).await;
    assert_eq!(answer.status, StatusCode::CREATED);
    assert_eq!(answer.header("etag"), Some("\"1\""));
    let task: Task = answer.json();
    assert_eq!(task.title, "buy milk");
    assert_eq!(task.user_id, api.user_id);
    let location = answer.header("location").unwrap();
    assert_eq!(location, format!("/api/tasks/{}", task.id));

    let read = api.get(location).send("").await;
    assert_eq!(read.header("etag"), Some("\"1\""));
    assert_eq!(read.json::<Task>(), task);
    let events = api.store.events();
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].kind, EventType::TaskCreated);
    assert_eq!(events[0].data.new.as_ref(), Some(&task));
}

#[tokio::test]
async fn an_update_changes_what_it_names() {
    let api = Api::new();
    let body = json!({"title": "first", "description": "kept"});
    let task: Task = api.post("/api/tasks", &body).await.json();
    let path = format!("/api/tasks/{}", task.id);

    let answer = api.patch(&path, &json!({"title": "second"})).await;
    assert_eq!(answer.header("etag"), Some("\"2\""));
    let renamed: Task = answer.json();
    assert_eq!(renamed.title, "second");
    assert_eq!(renamed.description.as_deref(), Some("kept"));

    let cleared: Task = api.patch(&path, &json!({"description": null})).await.json();
    assert_eq!(cleared.description, None);
    let started: Task = api
        .patch(&path, &json!({"status": "in_progress"}))
        .await
        .json();
    assert_eq!(started.status, TaskStatus::InProgress);
    assert_eq!(started.version, 4);

    let unchanged: Task = api.patch(&path, &json!({})).await.json();
    assert_eq!(unchanged, started);
    assert_eq!(api.store.events().len(), 4);
}

#[tokio::test]
async fn completing_and_reopening_are_idempotent() {
    let api = Api::new();
    let task = api.created("to do").await;
    let path = format!("/api/tasks/{}/complete", task.id);
    let complete = async |body: Option<Value>| -> Task {
        let call = api.call(Method::PATCH, &path);
        let answer = match body {
            Some(body) => call.json(&body).await,
            None => call.send("").await,
        };
        assert_eq!(answer.status, StatusCode::OK);
        answer.json()
    };
    let done = complete(None).await;
    assert_eq!(done.status, TaskStatus::Completed);
    assert_eq!(complete(Some(json!({"completed": true}))).await, done);
    let undone = complete(Some(json!({"completed": false}))).await;
    assert_eq!(undone.status, TaskStatus::Pending);
    assert_eq!(complete(Some(json!({"completed": false}))).await, undone);

    let kinds: Vec<_> = api.store.events().iter().map(|event| event.kind).collect();
    assert_eq!(
        kinds,
        [
            EventType::TaskCreated,
            EventType::TaskCompleted,
            EventType::TaskReopened
        ]
    );
}

#[tokio::test]
async fn a_deleted_task_is_gone_and_told_of() {
    let api = Api::new();
    let task = api.created("short-lived").await;
    let path = format!("/api/tasks/{}", task.id);
    let answer = api.call(Method::DELETE, &path).send("").await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT);
    api.get(&path).send("").await.refused(StatusCode::NOT_FOUND);
    let again = api.call(Method::DELETE, &path).send("").await;
    again.refused(StatusCode::NOT_FOUND);
    let events = api.store.events();
    assert_eq!(events.len(), 2);
    assert_eq!(events[1].data.old.as_ref(), Some(&task));
    assert_eq!(events[1].data.version, 2);
}

#[tokio::test]
async fn pages_follow_their_cursors_without_gaps() {
    let api = Api::new();
    let mut titles = Vec::new();
    for number in 0..7 {
        let title = format!("task {number}");
        api.created(&title).await;
        titles.insert(0, title);
    }
    let mut seen = Vec::new();
    let mut pages = 0;
    let mut path = "/api/tasks?limit=3".to_owned();
    loop {
        let page: Page<Task> = api.get(&path).send("").await.json();
        seen.extend(page.items.into_iter().map(|task| task.title));
        pages += 1;
        match page.next_cursor {
            Some(cursor) => path = format!("/api/tasks?limit=3&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!((seen, pages), (titles, 3));
}

#[tokio::test]
async fn a_page_that_ends_exactly_at_the_last_task_is_the_last() {
    let api = Api::new();
    for number in 0..3 {
        api.created(&format!("task {number}")).await;
    }
    let page: Page<Task> = api.get("/api/tasks?limit=3").send("").await.json();
    assert_eq!((page.items.len(), page.next_cursor), (3, None));
}

#[tokio::test]
async fn lists_filter_by_status() {
    let api = Api::new();
    let done = api.created("done").await;
    api.created("not done").await;
    let path = format!("/api/tasks/{}/complete", done.id);
    api.call(Method::PATCH, &path).send("").await;
    let page: Page<Task> = api.get("/api/tasks?status=completed").send("").await.json();
    let ids: Vec<_> = page.items.iter().map(|task| task.id).collect();
    assert_eq!(ids, [done.id]);
}

#[tokio::test]
async fn a_trace_is_carried_on_if_it_is_well_formed() {
    let api = Api::new();
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    for header in [trace, "garbage"] {
        let call = api
            .call(Method::POST, "/api/tasks")
            .header("traceparent", header);
        call.json(&json!({"title": "traced"})).await;
    }
    let traces: Vec<_> = api
        .store
        .events()
        .into_iter()
        .map(|event| event.traceparent)
        .collect();
    assert_eq!(traces, [Some(trace.to_owned()), None]);
}
