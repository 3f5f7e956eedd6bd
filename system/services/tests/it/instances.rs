//! Instances of series, and the internal routes through which another role has them created.

use axum::http::{Method, StatusCode};
use gauntlet_contract::recurrence::{
    DueInstance, DueInstances, InstanceAnswer, InstanceOutcome, InstanceSettled,
};
use gauntlet_contract::task::Page;
use gauntlet_contract::{EventData, Priority, Series, SeriesId, Task, TaskStatus, UserId};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::support::{Answer, Api, SERVICE_TOKEN};

/// The token that most of the tests use.
async fn ask(api: &Api, series_id: SeriesId, body: &Value) -> InstanceAnswer {
    let path = format!("/internal/series/{series_id}/instances");
    let answer = api.service(Method::POST, &path).json(body).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    answer.json()
}

/// Asks for what the latest settlement asks for.
async fn ask_for_next(api: &Api) -> InstanceAnswer {
    let settled = settlements(api).pop().unwrap();
    let body = json!({"number": settled.number + 1, "settled_at": settled.settled_at});
    ask(api, settled.series_id, &body).await
}

fn settlements(api: &Api) -> Vec<InstanceSettled> {
    let events = api.store.events().into_iter();
    let settled = events.filter_map(|event| match event.data {
        EventData::Settled(settled) => Some(settled),
        _ => None,
    });
    settled.collect()
}

async fn complete(api: &Api, task: &Task, completed: bool) -> Answer {
    let path = format!("/api/tasks/{}/complete", task.id);
    let answer = api.patch(&path, &json!({ "completed": completed })).await;
    assert_eq!(answer.status, StatusCode::OK);
    answer
}

async fn task(api: &Api, answer: InstanceAnswer) -> Task {
    api.read(&format!("/api/tasks/{}", answer.task_id.unwrap()))
        .await
}

async fn recurring(api: &Api, extra: Value) -> Task {
    let mut body = json!({
        "title": "water plants", "due_date": "2026-11-30T17:00", "time_zone": "Europe/Berlin",
        "recurrence": {"rule": {"frequency": "monthly"}},
    });
    let fields = extra.as_object().unwrap().clone();
    body.as_object_mut().unwrap().extend(fields);
    api.made("/api/tasks", &body).await
}

fn number(task: &Task) -> u32 {
    task.occurrence.unwrap().number
}

fn series_id(task: &Task) -> SeriesId {
    task.occurrence.unwrap().series_id
}

#[tokio::test]
async fn a_completed_instance_is_followed_by_one_that_is_like_it() {
    let api = Api::new();
    let (tag, category) = (api.tag("green").await, api.category("home").await);
    let first = recurring(
        &api,
        json!({"priority": "high", "description": "all of them", "tags": [tag.id], "category_id": category.id}),
    )
    .await;
    complete(&api, &first, true).await;
    let answer = ask_for_next(&api).await;
    assert_eq!(answer.outcome, InstanceOutcome::Created);
    let second = task(&api, answer).await;
    assert_eq!(second.title, "water plants");
    assert_eq!(second.description.as_deref(), Some("all of them"));
    assert_eq!(second.priority, Priority::High);
    assert_eq!(
        (second.category_id, second.tags.as_slice()),
        (Some(category.id), &[tag.id][..])
    );
    assert_eq!((second.status, second.version), (TaskStatus::Pending, 1));
    assert_eq!(
        (series_id(&second), number(&second)),
        (series_id(&first), 2)
    );
    assert_eq!(second.user_id, api.user_id);
    // The same hour in Berlin, a month on; computed from the end of the month.
    assert_eq!(
        second.due_date,
        Some("2026-12-30T16:00:00Z".parse().unwrap())
    );

    let again = ask_for_next(&api).await;
    assert_eq!(again.outcome, InstanceOutcome::AlreadyThere);
    assert_eq!(again.task_id, Some(second.id));

    let path = format!("/api/tasks/{}/instances?limit=1", second.id);
    let page: Page<Task> = api.read(&path).await;
    let numbers: Vec<_> = page.items.iter().map(number).collect();
    assert_eq!(numbers, [1]);
    let path = format!("{path}&cursor={}", page.next_cursor.unwrap());
    let page: Page<Task> = api.read(&path).await;
    assert_eq!((page.items, page.next_cursor), (vec![second], None));
}

#[tokio::test]
async fn undoing_a_completion_and_doing_it_again_spawns_nothing_more() {
    let api = Api::new();
    let first = recurring(&api, json!({})).await;
    complete(&api, &first, true).await;
    let created = ask_for_next(&api).await;
    complete(&api, &first, false).await;
    complete(&api, &first, true).await;
    assert_eq!(settlements(&api).len(), 2);
    let again = ask_for_next(&api).await;
    assert_eq!(again.outcome, InstanceOutcome::AlreadyThere);
    assert_eq!(again.task_id, created.task_id);
    assert_eq!(api.store.task_count(), 2);
}

#[tokio::test]
async fn a_deleted_instance_is_followed_too_and_does_not_come_back() {
    let api = Api::new();
    let first = recurring(&api, json!({"priority": "urgent"})).await;
    api.delete(&format!("/api/tasks/{}", first.id)).await;
    let answer = ask_for_next(&api).await;
    assert_eq!(answer.outcome, InstanceOutcome::Created);
    let second = task(&api, answer).await;
    // None is left to copy: what the series began with is.
    assert_eq!((second.priority, number(&second)), (Priority::Urgent, 2));
    let body = json!({"number": 1, "settled_at": Timestamp::now()});
    let gone = ask(&api, series_id(&first), &body).await;
    assert_eq!(
        (gone.outcome, gone.task_id),
        (InstanceOutcome::AlreadyThere, None)
    );
    assert_eq!(api.store.task_count(), 1);
}

#[tokio::test]
async fn a_label_that_was_deleted_meanwhile_does_not_end_the_series() {
    let api = Api::new();
    let (kept, gone) = (api.tag("kept").await, api.tag("gone").await);
    let category = api.category("gone").await;
    let first = recurring(
        &api,
        json!({"tags": [kept.id, gone.id], "category_id": category.id}),
    )
    .await;
    api.delete(&format!("/api/tasks/{}", first.id)).await;
    api.delete(&format!("/api/tags/{}", gone.id)).await;
    api.delete(&format!("/api/categories/{}", category.id))
        .await;
    let second = task(&api, ask_for_next(&api).await).await;
    assert_eq!(
        (second.tags.as_slice(), second.category_id),
        (&[kept.id][..], None)
    );
    assert_eq!(second.title, "water plants");
}

#[tokio::test]
async fn count_and_until_end_a_series() {
    for end in [json!({"count": 2}), json!({"until": "2026-12-31"})] {
        let api = Api::new();
        let mut recurrence = json!({"rule": {"frequency": "monthly"}});
        let fields = end.as_object().unwrap().clone();
        recurrence.as_object_mut().unwrap().extend(fields);
        let first = recurring(&api, json!({ "recurrence": recurrence })).await;
        complete(&api, &first, true).await;
        let second = task(&api, ask_for_next(&api).await).await;
        complete(&api, &second, true).await;
        for _ in 0..2 {
            let over = ask_for_next(&api).await;
            assert_eq!(
                (over.outcome, over.task_id),
                (InstanceOutcome::Over, None),
                "{end}"
            );
        }
        let series: Series = api
            .read(&format!("/api/tasks/{}/recurring", second.id))
            .await;
        assert!(series.ended_at.is_some(), "{end}");
        assert_eq!(api.store.task_count(), 2);
    }
}

#[tokio::test]
async fn an_ended_series_has_no_further_instance() {
    let api = Api::new();
    let first = recurring(&api, json!({})).await;
    api.delete(&format!("/api/tasks/{}/recurring", first.id))
        .await;
    complete(&api, &first, true).await;
    assert_eq!(ask_for_next(&api).await.outcome, InstanceOutcome::Over);
}

#[tokio::test]
async fn nothing_is_created_before_its_time() {
    let api = Api::new();
    let first = recurring(&api, json!({})).await;
    let id = series_id(&first);
    let now = Timestamp::now();
    for body in [
        json!({"number": 2}),
        json!({"number": 3, "settled_at": now}),
    ] {
        let answer = ask(&api, id, &body).await;
        assert_eq!(answer.outcome, InstanceOutcome::NotDue, "{body}");
    }
    assert_eq!(api.store.task_count(), 1);
}

async fn due(api: &Api, query: &str) -> Vec<DueInstance> {
    let answer = api.service(Method::GET, &format!("/internal/series/due{query}"));
    let answer = answer.send("").await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    answer.json::<DueInstances>().items
}

#[tokio::test]
async fn series_on_schedule_are_listed_when_due_and_catch_up_one_by_one() {
    let api = Api::new();
    let on_schedule = json!({"rule": {"frequency": "daily"}, "mode": "on_schedule"});
    let days = |days: i64| Timestamp::now() - SignedDuration::from_hours(24 * days + 1);
    let begin = async |due: Timestamp, recurrence: &Value| {
        recurring(
            &api,
            json!({"due_date": due, "time_zone": "UTC", "recurrence": recurrence}),
        )
        .await
    };
    let one = begin(days(1), &on_schedule).await;
    let two = begin(days(2), &on_schedule).await;
    begin(days(-2), &on_schedule).await;
    begin(days(2), &json!({"rule": {"frequency": "daily"}})).await;
    let ended = begin(days(3), &on_schedule).await;
    api.delete(&format!("/api/tasks/{}/recurring", ended.id))
        .await;

    let is_due = |task: &Task, number| DueInstance {
        series_id: series_id(task),
        number,
    };
    let (first, second) = (is_due(&one, 2), is_due(&two, 2));
    assert!(first.series_id < second.series_id);
    assert_eq!(due(&api, "").await, [first, second]);
    assert_eq!(due(&api, "?limit=1").await, [first]);
    let behind = format!("?limit=1&after={}", first.series_id);
    assert_eq!(due(&api, &behind).await, [second]);
    let last = format!("?after={}", second.series_id);
    assert_eq!(due(&api, &last).await, []);
    let wrong = api.service(Method::GET, "/internal/series/due?after=the-last");
    let fields = wrong.send("").await;
    assert_eq!(fields.refused(StatusCode::UNPROCESSABLE_ENTITY), ["after"]);
    let mut asked = 0;
    while let Some(DueInstance { series_id, number }) = due(&api, "").await.first() {
        let answer = ask(&api, *series_id, &json!({ "number": number })).await;
        assert_eq!(answer.outcome, InstanceOutcome::Created);
        asked += 1;
    }
    // Two missed ones and today's of the one, one and today's of the other: none is left out, and the
    // last of each is not due yet.
    assert_eq!(asked, 5);
    let page: Page<Task> = api.read(&format!("/api/tasks/{}/instances", two.id)).await;
    let numbers: Vec<_> = page.items.iter().map(number).collect();
    assert_eq!(numbers, [1, 2, 3, 4]);
}

#[tokio::test]
async fn only_the_service_token_opens_the_internal_routes() {
    let api = Api::new();
    let first = recurring(&api, json!({})).await;
    let ask = format!("/internal/series/{}/instances", series_id(&first));
    let users = api.issuer.token(api.user_id);
    for token in [
        "",
        "wrong",
        &users,
        &SERVICE_TOKEN[1..],
        &format!("{SERVICE_TOKEN}x"),
    ] {
        for (method, path) in [(Method::GET, "/internal/series/due"), (Method::POST, &ask)] {
            let call = api.call(method, path).with_token(token);
            let call = call.header("x-user-id", &api.user_id.to_string());
            let answer = call.json(&json!({"number": 2})).await;
            answer.refused(StatusCode::UNAUTHORIZED);
        }
    }
    for (method, path) in [(Method::GET, "/internal/series/due"), (Method::POST, &ask)] {
        let call = api.call(method, path).without_token();
        call.json(&json!({"number": 2}))
            .await
            .refused(StatusCode::UNAUTHORIZED);
    }
    // And it opens nothing else.
    let user_id = api.user_id.to_string();
    let call = api
        .service(Method::GET, "/api/tasks")
        .header("x-user-id", &user_id);
    call.send("").await.refused(StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn bad_questions_are_refused() {
    let api = Api::new();
    let nobodys = SeriesId::generate();
    for (path, body, status) in [
        (
            nobodys.to_string(),
            json!({"number": 2}),
            StatusCode::UNPROCESSABLE_ENTITY,
        ),
        (
            "due".to_owned(),
            json!({"number": 2}),
            StatusCode::NOT_FOUND,
        ),
        (
            nobodys.to_string(),
            json!({}),
            StatusCode::UNPROCESSABLE_ENTITY,
        ),
        (
            nobodys.to_string(),
            json!({"number": -1}),
            StatusCode::UNPROCESSABLE_ENTITY,
        ),
        (
            nobodys.to_string(),
            json!({"number": 2, "user_id": UserId::generate()}),
            StatusCode::UNPROCESSABLE_ENTITY,
        ),
    ] {
        let path = format!("/internal/series/{path}/instances");
        let answer = api.service(Method::POST, &path).json(&body).await;
        answer.refused(status);
    }
    let call = api.service(Method::GET, "/internal/series/due?limit=0");
    call.send("")
        .await
        .refused(StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn without_a_service_token_there_are_no_internal_routes() {
    let api = Api::without_service_token();
    for token in ["", SERVICE_TOKEN] {
        let call = api
            .call(Method::GET, "/internal/series/due")
            .with_token(token);
        call.send("").await.refused(StatusCode::NOT_FOUND);
    }
}

/// The trace of the settlement goes on to the instance.
#[tokio::test]
async fn an_instance_belongs_to_the_trace_of_the_question() {
    let api = Api::new();
    let first = recurring(&api, json!({})).await;
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let path = format!("/internal/series/{}/instances", series_id(&first));
    let call = api
        .service(Method::POST, &path)
        .header("traceparent", trace);
    let body = json!({"number": 2, "settled_at": Timestamp::now()});
    assert_eq!(call.json(&body).await.status, StatusCode::OK);
    let traces: Vec<_> = api.store.events()[2..]
        .iter()
        .map(|event| event.traceparent.clone())
        .collect();
    assert_eq!(traces, [Some(trace.to_owned()), Some(trace.to_owned())]);
}
