//! Recurring tasks as their users see them.

use axum::http::{Method, StatusCode};
use gauntlet_contract::recurrence::{Mode, Rule};
use gauntlet_contract::task::Page;
use gauntlet_contract::{EventType, Occurrence, Series, Task};
use serde_json::{Value, json};

use crate::support::Api;

fn daily() -> Value {
    json!({"rule": {"frequency": "daily"}})
}

fn kinds(api: &Api) -> Vec<EventType> {
    api.store.events().iter().map(|event| event.kind).collect()
}

async fn due_task(api: &Api) -> Task {
    let body = json!({"title": "water plants", "due_date": "2026-11-30T17:00", "time_zone": "Europe/Berlin"});
    api.made("/api/tasks", &body).await
}

#[tokio::test]
async fn a_task_can_recur_from_its_creation_on() {
    let api = Api::new();
    let body = json!({"title": "a", "due_date": "2026-11-30T17:00", "recurrence": daily()});
    let task: Task = api.made("/api/tasks", &body).await;
    let series: Series = api.read(&format!("/api/tasks/{}/recurring", task.id)).await;
    let first = Occurrence {
        series_id: series.id,
        number: 1,
    };
    assert_eq!(task.occurrence, Some(first));
    assert_eq!((series.next_occurrence, series.version), (2, 1));
    assert_eq!(series.recurrence.mode, Mode::OnCompletion);
    assert_eq!(
        kinds(&api),
        [EventType::TaskCreated, EventType::SeriesCreated]
    );
}

#[tokio::test]
async fn a_task_can_recur_from_now_on_or_otherwise_than_before() {
    let api = Api::new();
    let task = due_task(&api).await;
    let path = format!("/api/tasks/{}/recurring", task.id);
    api.get(&path).send("").await.refused(StatusCode::NOT_FOUND);
    api.delete(&path).await.refused(StatusCode::NOT_FOUND);

    let answer = api.post(&path, &daily()).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.header("etag"), Some("\"2\""));
    let first: Task = answer.json();
    let read = api.get(&path).send("").await;
    assert_eq!(read.header("etag"), Some("\"1\""));
    let series: Series = read.json();
    assert_eq!(first.occurrence.unwrap().series_id, series.id);
    assert_eq!(series.recurrence.rule, Rule::Daily { interval: 1 });
    assert_eq!(api.post(&path, &daily()).await.json::<Task>(), first);

    let weekly = json!({"rule": {"frequency": "weekly", "days": ["mon"]}, "mode": "on_schedule"});
    let second: Task = api.post(&path, &weekly).await.json();
    let other: Series = api.read(&path).await;
    assert_eq!(second.occurrence.unwrap().series_id, other.id);
    assert_ne!(other.id, series.id);
    let kinds = kinds(&api);
    let of_the_exchange = [
        EventType::TaskUpdated,
        EventType::SeriesEnded,
        EventType::SeriesCreated,
    ];
    assert_eq!(kinds[3..], of_the_exchange);
}

#[tokio::test]
async fn the_same_rule_after_a_change_of_the_due_date_begins_a_series_there() {
    let api = Api::new();
    let task = due_task(&api).await;
    let path = format!("/api/tasks/{}", task.id);
    let recurring = format!("{path}/recurring");
    api.post(&recurring, &daily()).await;
    let first: Series = api.read(&recurring).await;
    let moved = json!({"due_date": "2026-12-03T08:00"});
    assert_eq!(api.patch(&path, &moved).await.status, StatusCode::OK);
    // The date alone is of this one instance.
    assert_eq!(api.read::<Series>(&recurring).await, first);

    let again: Task = api.post(&recurring, &daily()).await.json();
    let second: Series = api.read(&recurring).await;
    assert_ne!(second.id, first.id);
    assert_eq!(again.occurrence.unwrap().series_id, second.id);
    assert_eq!(second.start.to_string(), "2026-12-03T08:00:00");
    assert_eq!(api.post(&recurring, &daily()).await.json::<Task>(), again);
    let undated = api.patch(&path, &json!({"due_date": null})).await;
    assert_eq!(undated.status, StatusCode::OK, "{}", undated.text());
    let refused = api.post(&recurring, &daily()).await;
    let fields = refused.refused(StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(fields, ["recurrence"]);
}

#[tokio::test]
async fn what_cannot_recur_is_refused_by_field() {
    let api = Api::new();
    let task = due_task(&api).await;
    let undated = api.created("whenever").await;
    let done = due_task(&api).await;
    let complete = format!("/api/tasks/{}/complete", done.id);
    api.patch(&complete, &json!({"completed": true})).await;
    let before = api.store.events();
    for (task, body, field) in [
        (&undated, daily(), "recurrence"),
        (&done, daily(), "status"),
        (
            &task,
            json!({"rule": {"frequency": "daily", "interval": 0}}),
            "rule.interval",
        ),
        (
            &task,
            json!({"rule": {"frequency": "cron", "expression": "0 0 31 2 *"}}),
            "rule.expression",
        ),
        (
            &task,
            json!({"rule": {"frequency": "daily"}, "until": "2026-11-01"}),
            "until",
        ),
        (
            &task,
            json!({"rule": {"frequency": "daily"}, "count": 0}),
            "count",
        ),
        (
            &task,
            json!({"rule": {"frequency": "hourly"}}),
            "rule.frequency",
        ),
        (
            &task,
            json!({"rule": {"frequency": "daily"}, "every": 2}),
            "every",
        ),
    ] {
        let answer = api
            .post(&format!("/api/tasks/{}/recurring", task.id), &body)
            .await;
        let fields = answer.refused(StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(fields, [field], "{body}");
    }
    let body = json!({"title": "a", "due_date": "2026-11-30T17:00",
        "recurrence": {"rule": {"frequency": "daily", "interval": 0}}});
    let answer = api.post("/api/tasks", &body).await;
    let fields = answer.refused(StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(fields, ["recurrence.rule.interval"]);
    assert_eq!(api.store.events(), before);
}

#[tokio::test]
async fn each_condition_is_on_what_the_change_is_about() {
    let api = Api::new();
    let task = due_task(&api).await;
    let path = format!("/api/tasks/{}/recurring", task.id);
    let post = |tag: &'static str| api.call(Method::POST, &path).header("if-match", tag);
    post("\"2\"")
        .json(&daily())
        .await
        .refused(StatusCode::PRECONDITION_FAILED);
    assert_eq!(post("\"1\"").json(&daily()).await.status, StatusCode::OK);
    // The task is at version 2 now, and its series at 1.
    let end = |tag: &'static str| api.call(Method::DELETE, &path).header("if-match", tag);
    end("\"2\"")
        .send("")
        .await
        .refused(StatusCode::PRECONDITION_FAILED);
    assert_eq!(end("\"1\"").send("").await.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn an_ended_series_stays_readable_and_ends_once() {
    let api = Api::new();
    let task = due_task(&api).await;
    let path = format!("/api/tasks/{}/recurring", task.id);
    api.post(&path, &daily()).await;
    for _ in 0..2 {
        assert_eq!(api.delete(&path).await.status, StatusCode::NO_CONTENT);
    }
    let series: Series = api.read(&path).await;
    assert_eq!((series.ended_at.is_some(), series.version), (true, 2));
    let ends = kinds(&api)
        .into_iter()
        .filter(|kind| *kind == EventType::SeriesEnded);
    assert_eq!(ends.count(), 1);
    let page: Page<Task> = api.read(&format!("/api/tasks/{}/instances", task.id)).await;
    assert_eq!(page.items.len(), 1);
}
