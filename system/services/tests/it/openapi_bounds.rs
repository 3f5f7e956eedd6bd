//! What the document's schemas refuse the service refuses, and the other way round.

use std::collections::BTreeSet;

use axum::http::{Method, StatusCode};
use gauntlet_contract::task::{DESCRIPTION_MAX_CHARS, TAGS_MAX, TITLE_MAX_CHARS};
use serde_json::{Value, json};

use crate::openapi_judge::Document;
use crate::support::{Api, Call};

/// Whether the document allows the body.
fn is_told(document: &Document, method: &Method, path: &str, body: &Value) -> bool {
    let operation = &document.told["paths"][path][method.as_str().to_ascii_lowercase()];
    let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
    assert!(schema.is_object(), "{method} {path}");
    document.is_valid(schema, body)
}

/// Sends bodies, and compares what becomes of them with what the document says.
async fn compare(api: &Api, method: Method, path: &str, id: &str, bodies: &[(Value, bool)]) {
    for (body, is_allowed) in bodies {
        let call: Call<'_> = api.call(method.clone(), &path.replace("{id}", id));
        let answer = call.json(body).await;
        let about = format!("{method} {path}: {:.200}", body.to_string());
        if *is_allowed {
            assert!(answer.status.is_success(), "{about}: {}", answer.text());
        } else {
            answer.refused(StatusCode::UNPROCESSABLE_ENTITY);
        }
        let document = api.told().await;
        let told = is_told(document, &method, path, body);
        assert_eq!(told, *is_allowed, "{about}");
    }
}

#[tokio::test]
async fn texts_have_the_lengths_that_are_told() {
    let api = Api::new();
    let title = |chars: usize| json!({"title": "ä".repeat(chars)});
    let description = |text: String| json!({"title": "a", "description": text});
    let bodies = [
        (title(0), false),
        (title(1), true),
        (title(TITLE_MAX_CHARS), true),
        (title(TITLE_MAX_CHARS + 1), false),
        (json!({"title": " "}), false),
        (json!({"title": "🦀".repeat(TITLE_MAX_CHARS)}), true),
        (json!({"title": "a\tb"}), false),
        (json!({"title": "a\u{85}b"}), false),
        (json!({"title": null}), false),
        (json!({}), false),
        (json!({"title": "a", "owner": "me"}), false),
        (description(String::new()), true),
        (description("two\r\n\tlines".to_owned()), true),
        (description("\u{1b}".to_owned()), false),
        (description("ä".repeat(DESCRIPTION_MAX_CHARS)), true),
        (description("ä".repeat(DESCRIPTION_MAX_CHARS + 1)), false),
        (json!({"title": "a", "description": null}), true),
    ];
    compare(&api, Method::POST, "/api/tasks", "", &bodies).await;

    let task = api.created("a").await.id.to_string();
    let bodies = [
        (title(0), false),
        (title(TITLE_MAX_CHARS), true),
        (title(TITLE_MAX_CHARS + 1), false),
        (json!({"title": null}), true),
        (
            json!({"description": null, "due_date": null, "category_id": null}),
            true,
        ),
        (json!({"version": 7}), false),
        (json!({"status": "in_progress"}), true),
        (json!({"status": "done"}), false),
    ];
    compare(&api, Method::PATCH, "/api/tasks/{id}", &task, &bodies).await;
}

#[tokio::test]
async fn a_task_has_as_many_tags_as_are_told() {
    let api = Api::new();
    let mut tags = Vec::new();
    for number in 0..=TAGS_MAX {
        tags.push(api.tag(&format!("tag {number}")).await.id);
    }
    let bodies = [
        (json!({"title": "a", "tags": []}), true),
        (json!({"title": "a", "tags": tags[..TAGS_MAX]}), true),
        (json!({"title": "a", "tags": tags}), false),
        (json!({"title": "a", "tags": ["urgent"]}), false),
        (json!({"title": "a", "tags": null}), false),
    ];
    compare(&api, Method::POST, "/api/tasks", "", &bodies).await;
    let task = api.created("a").await.id.to_string();
    let bodies = [
        (json!({"tags": []}), false),
        (json!({"tags": tags[..1]}), true),
        (json!({"tags": tags}), false),
    ];
    compare(&api, Method::POST, "/api/tasks/{id}/tags", &task, &bodies).await;
    let bodies = [
        (json!({"tags": null}), true),
        (json!({"tags": tags}), false),
    ];
    compare(&api, Method::PATCH, "/api/tasks/{id}", &task, &bodies).await;
}

#[tokio::test]
async fn labels_have_the_names_and_colours_that_are_told() {
    let api = Api::new();
    let color = |name: &str, color: &str| json!({"name": name, "color": color});
    let bodies = [
        (json!({"name": ""}), false),
        (json!({"name": "ä".repeat(50)}), true),
        (json!({"name": "ä".repeat(51)}), false),
        (json!({"name": "b", "color": null}), true),
        (color("c", "#F80"), true),
        (color("d", "#FF8800"), true),
        (color("e", "#ff880"), false),
        (color("e", "ff8800"), false),
        (color("e", "red"), false),
    ];
    for path in ["/api/tags", "/api/categories"] {
        compare(&api, Method::POST, path, "", &bodies).await;
    }
    let tag = api.tag("x").await.id.to_string();
    let bodies = [
        (json!({"color": "#08f"}), true),
        (json!({"color": "#08"}), false),
        (json!({"name": "y".repeat(51)}), false),
        (json!({"kind": "category"}), false),
    ];
    compare(&api, Method::PATCH, "/api/tags/{id}", &tag, &bodies).await;
}

#[tokio::test]
async fn recurrences_and_due_dates_are_as_told() {
    let api = Api::new();
    let due = |due: &str| json!({"title": "a", "due_date": due});
    let recurring = |recurrence: Value| {
        let due = "2026-11-30T17:00";
        json!({"title": "a", "due_date": due, "recurrence": recurrence})
    };
    let rule = |rule: Value| recurring(json!({ "rule": rule }));
    let daily = |interval: u32| rule(json!({"frequency": "daily", "interval": interval}));
    let counted = |count: u32| recurring(json!({"rule": {"frequency": "daily"}, "count": count}));
    let bodies = [
        (due("2026-11-30T16:00:00Z"), true),
        (due("2026-11-30T17:00:00+01:00"), true),
        (due("2026-11-30T17:00"), true),
        (due("2026-11-30T17:00:30.5"), true),
        (due("2026-11-30"), false),
        (due("tomorrow"), false),
        (daily(0), false),
        (daily(1), true),
        (daily(1_000), true),
        (daily(1_001), false),
        (counted(0), false),
        (counted(1), true),
        (
            rule(json!({"frequency": "weekly", "days": ["mon", "fri"]})),
            true,
        ),
        (
            rule(json!({"frequency": "weekly", "days": ["monday"]})),
            false,
        ),
        (rule(json!({"frequency": "hourly"})), false),
        (rule(json!({"frequency": "daily", "days": ["mon"]})), false),
        (
            rule(json!({"frequency": "weekly", "month_end": "skip"})),
            false,
        ),
        (rule(json!({"frequency": "monthly", "every": 2})), false),
        (
            rule(json!({"frequency": "yearly", "expression": ""})),
            false,
        ),
        (
            rule(json!({"frequency": "cron", "expression": "30 9 * * *", "interval": 2})),
            false,
        ),
        (rule(json!({"frequency": "cron", "expression": ""})), false),
        (rule(json!({"frequency": "weekly", "days": []})), true),
        (
            rule(json!({"frequency": "monthly", "month_end": "skip"})),
            true,
        ),
        (
            rule(json!({"frequency": "cron", "expression": "30 9 * * mon-fri"})),
            true,
        ),
        (
            rule(json!({"frequency": "cron", "expression": "x".repeat(201)})),
            false,
        ),
    ];
    compare(&api, Method::POST, "/api/tasks", "", &bodies).await;
}

#[tokio::test]
async fn a_completion_needs_no_body_and_says_yes_or_no() {
    let api = Api::new();
    let task = api.created("a").await.id.to_string();
    let path = "/api/tasks/{id}/complete";
    let bodies = [
        (json!({"completed": true}), true),
        (json!({"completed": false}), true),
        (json!(null), true),
        (json!({"completed": "yes"}), false),
        (json!({}), false),
    ];
    compare(&api, Method::PATCH, path, &task, &bodies).await;
    let operation = &api.told().await.told["paths"][path]["patch"];
    assert_ne!(operation["requestBody"]["required"], true);
}

/// A body may have no field that is not told of; so the document must say so of each object in one.
#[tokio::test]
async fn every_object_of_a_body_is_closed() {
    let api = Api::new();
    let told = &api.told().await.told;
    let mut waiting: Vec<&Value> = Vec::new();
    for item in told["paths"].as_object().unwrap().values() {
        let operations = item.as_object().unwrap().values();
        waiting.extend(operations.map(|operation| &operation["requestBody"]));
    }
    let (mut named, mut examined) = (BTreeSet::new(), 0);
    while let Some(part) = waiting.pop() {
        if let Some(name) = part["$ref"].as_str()
            && named.insert(name)
        {
            waiting.push(told.pointer(name.trim_start_matches('#')).unwrap());
        }
        if part["properties"].is_object() {
            assert_eq!(part["additionalProperties"], false, "{part:#}");
            examined += 1;
        }
        match part {
            Value::Object(fields) => {
                let examples = |name: &str| name.starts_with("example");
                waiting.extend(fields.iter().filter(|it| !examples(it.0)).map(|it| it.1));
            }
            Value::Array(items) => waiting.extend(items),
            _ => {}
        }
    }
    assert!(examined > 10, "{examined}");
}

/// Values of the fields of queries, and whether they are allowed.
#[tokio::test]
async fn fields_of_queries_are_as_told() {
    let api = Api::new();
    let id = api.tag("a").await.id;
    for (query, is_allowed) in [
        ("limit=0".to_owned(), false),
        ("limit=1".to_owned(), true),
        ("limit=100".to_owned(), true),
        ("limit=101".to_owned(), false),
        ("overdue=true".to_owned(), true),
        ("overdue=false".to_owned(), true),
        ("overdue=yes".to_owned(), false),
        ("status=pending,completed".to_owned(), true),
        ("status=done".to_owned(), false),
        ("sort=size".to_owned(), false),
        ("order=up".to_owned(), false),
        ("category=none".to_owned(), true),
        (format!("category={id}"), true),
        ("category=home".to_owned(), false),
        (format!("tag={id},{id}"), true),
        ("tag=home".to_owned(), false),
        ("due_from=2026-11-30T16:00:00Z".to_owned(), true),
        ("due_from=today".to_owned(), false),
        (format!("q={}", "x".repeat(200)), true),
        (format!("q={}", "x".repeat(201)), false),
        ("due_within=7d".to_owned(), true),
        ("due_within=1w1d".to_owned(), true),
        ("due_within=1d+12h".to_owned(), true),
        ("due_within=".to_owned(), false),
        ("due_within=7".to_owned(), false),
        ("due_within=-7d".to_owned(), false),
        ("due_within=P7D".to_owned(), false),
        ("due_within=7+days".to_owned(), false),
        ("due_within=1mo".to_owned(), false),
        ("due_within=soon".to_owned(), false),
        ("page=2".to_owned(), false),
    ] {
        let answer = api.get(&format!("/api/tasks?{query}")).send("").await;
        assert_eq!(answer.status == StatusCode::OK, is_allowed, "{query}");
        let document = api.told().await;
        let faults = document.faults_of_query("/api/tasks", &query);
        assert_eq!(faults.is_empty(), is_allowed, "{query}: {faults:?}");
    }
}
