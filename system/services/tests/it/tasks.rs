use axum::http::{Method, StatusCode};
use gauntlet_contract::{
    Envelope, EventType, LabelId, Priority, Task, TaskEvent, TaskStatus, UserId,
};
use gauntlet_services::trace_context::valid_traceparent;
use serde_json::{Value, json};

use crate::support::Api;

fn told(event: &Envelope) -> &TaskEvent {
    event.data.task().unwrap()
}

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
    assert_eq!(told(&events[0]).new.as_ref(), Some(&task));
}

#[tokio::test]
async fn an_update_changes_what_it_names() {
    let api = Api::new();
    let body = json!({"title": "first", "description": "kept"});
    let task: Task = api.made("/api/tasks", &body).await;
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
    assert_eq!(told(&events[1]).old.as_ref(), Some(&task));
    assert_eq!(told(&events[1]).version, 2);
}

#[tokio::test]
async fn a_trace_is_carried_on_if_it_is_well_formed_and_else_begun() {
    let api = Api::new();
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    for header in [Some(trace), Some("garbage"), None] {
        let mut call = api.call(Method::POST, "/api/tasks");
        if let Some(header) = header {
            call = call.header("traceparent", header);
        }
        call.json(&json!({"title": "traced"})).await;
    }
    let events = api.store.events();
    let told = |event: &Envelope| event.traceparent.clone().expect("a trace");
    let [carried, begun, other] = [0, 1, 2].map(|index| told(&events[index]));
    assert_eq!(carried, trace);
    assert_ne!(begun, other);
    for begun in [begun, other] {
        assert_eq!(valid_traceparent(&begun), Some(begun.as_str()));
    }
}

#[tokio::test]
async fn a_task_has_all_that_it_was_given() {
    let api = Api::new();
    let (tag, other) = (api.tag("errand").await, api.tag("city").await);
    let category = api.category("home").await;
    let body = json!({
        "title": "buy milk", "priority": "urgent", "due_date": "2026-11-30T17:00",
        "time_zone": "Europe/Berlin", "category_id": category.id, "tags": [other.id, tag.id, tag.id],
    });
    let task: Task = api.made("/api/tasks", &body).await;
    assert_eq!(task.priority, Priority::Urgent);
    assert_eq!(task.due_date, Some("2026-11-30T16:00:00Z".parse().unwrap()));
    assert_eq!(task.time_zone.as_deref(), Some("Europe/Berlin"));
    assert_eq!(task.category_id, Some(category.id));
    assert_eq!(task.tags, [tag.id, other.id]);

    let path = format!("/api/tasks/{}", task.id);
    let body = json!({
        "priority": "low", "due_date": null, "category_id": null, "tags": [other.id],
    });
    let task: Task = api.patch(&path, &body).await.json();
    assert_eq!(task.priority, Priority::Low);
    assert_eq!((task.due_date, task.time_zone.as_deref()), (None, None));
    assert_eq!(
        (task.category_id, task.tags.as_slice()),
        (None, &[other.id][..])
    );
}

#[tokio::test]
async fn tags_are_added_and_removed_idempotently() {
    let api = Api::new();
    let (one, two) = (api.tag("one").await, api.tag("two").await);
    let task = api.created("tagged").await;
    let path = format!("/api/tasks/{}/tags", task.id);
    let add = json!({"tags": [one.id, two.id]});
    let answer = api.post(&path, &add).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.header("etag"), Some("\"2\""));
    assert_eq!(answer.json::<Task>().tags, [one.id, two.id]);
    let again: Task = api.post(&path, &add).await.json();
    assert_eq!(again.version, 2);

    let tagged = format!("{path}/{}", one.id);
    let stale = api
        .call(Method::DELETE, &tagged)
        .header("if-match", "\"1\"");
    let stale = stale.send("").await;
    stale.refused(StatusCode::PRECONDITION_FAILED);
    let answer = api.delete(&tagged).await;
    assert_eq!(answer.header("etag"), Some("\"3\""));
    assert_eq!(answer.json::<Task>().tags, [two.id]);
    let again: Task = api.delete(&tagged).await.json();
    assert_eq!(again.version, 3);

    let nothing = api.post(&path, &json!({"tags": []})).await;
    assert_eq!(nothing.refused(StatusCode::UNPROCESSABLE_ENTITY), ["tags"]);
    let no_id = api.delete(&format!("{path}/one")).await;
    no_id.refused(StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn labels_that_are_not_there_are_refused_by_field() {
    let api = Api::new();
    let (tag, category) = (api.tag("tag").await, api.category("category").await);
    let stranger = api.issuer.token(UserId::generate());
    let call = api.call(Method::POST, "/api/tags").with_token(&stranger);
    let strangers = call.json(&json!({"name": "theirs"})).await;
    let strangers: gauntlet_contract::Label = strangers.json();
    let nobodys = LabelId::generate();
    let before = api.store.events().len();
    for (tags, category_id, fields) in [
        (vec![tag.id, nobodys], category.id, &["tags"][..]),
        (vec![strangers.id], category.id, &["tags"]),
        (vec![category.id], category.id, &["tags"]),
        (vec![tag.id], nobodys, &["category_id"]),
        (vec![tag.id], tag.id, &["category_id"]),
        (
            vec![nobodys, strangers.id],
            nobodys,
            &["category_id", "tags", "tags"],
        ),
    ] {
        let body = json!({"title": "a", "tags": tags, "category_id": category_id});
        let answer = api.post("/api/tasks", &body).await;
        assert_eq!(
            answer.refused(StatusCode::UNPROCESSABLE_ENTITY),
            fields,
            "{body}"
        );
    }
    assert_eq!(api.store.events().len(), before);

    let task = api.created("plain").await;
    let path = format!("/api/tasks/{}", task.id);
    for (method, path, body, field) in [
        (
            Method::PATCH,
            path.clone(),
            json!({"tags": [nobodys]}),
            "tags",
        ),
        (
            Method::PATCH,
            path.clone(),
            json!({"category_id": tag.id}),
            "category_id",
        ),
        (
            Method::POST,
            format!("{path}/tags"),
            json!({"tags": [nobodys]}),
            "tags",
        ),
    ] {
        let answer = api.call(method, &path).json(&body).await;
        assert_eq!(
            answer.refused(StatusCode::UNPROCESSABLE_ENTITY),
            [field],
            "{body}"
        );
    }
    assert_eq!(api.read::<Task>(&path).await, task);
}

#[tokio::test]
async fn every_route_of_another_users_task_says_that_it_is_not_there() {
    let api = Api::new();
    let tag = api.tag("mine").await;
    let body = json!({"title": "mine", "due_date": "2026-11-30T17:00", "tags": [tag.id],
        "recurrence": {"rule": {"frequency": "daily"}}});
    let task: Task = api.made("/api/tasks", &body).await;
    let path = format!("/api/tasks/{}", task.id);
    let before = api.store.events();
    for (method, tail, body) in [
        (Method::GET, String::new(), json!(null)),
        (Method::PATCH, String::new(), json!({"title": "stolen"})),
        (Method::DELETE, String::new(), json!(null)),
        (
            Method::PATCH,
            "/complete".to_owned(),
            json!({"completed": true}),
        ),
        (Method::POST, "/tags".to_owned(), json!({"tags": [tag.id]})),
        (Method::DELETE, format!("/tags/{}", tag.id), json!(null)),
        (
            Method::POST,
            "/recurring".to_owned(),
            json!({"rule": {"frequency": "daily"}}),
        ),
        (Method::GET, "/recurring".to_owned(), json!(null)),
        (Method::DELETE, "/recurring".to_owned(), json!(null)),
        (Method::GET, "/instances".to_owned(), json!(null)),
    ] {
        let stranger = api.issuer.token(UserId::generate());
        let call = api.call(method.clone(), &format!("{path}{tail}"));
        let answer = call.with_token(stranger).json(&body).await;
        answer.refused(StatusCode::NOT_FOUND);
        let call = api.call(method, &format!("{path}{tail}")).without_token();
        call.json(&body).await.refused(StatusCode::UNAUTHORIZED);
    }
    assert_eq!(api.store.events(), before);
}
