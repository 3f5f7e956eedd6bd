//! The document itself, and that what does not fit it is found. That every answer of the other tests fits
//! it is checked where they are received.

use std::collections::BTreeSet;

use axum::http::{HeaderValue, Method, StatusCode};
use serde_json::{Value, json};

use crate::openapi_judge::{Document, Exchange};
use crate::support::{Api, exchange};

/// Each part of the document, with where it is.
fn parts<'a>(value: &'a Value, place: &str, all: &mut Vec<(String, &'a Value)>) {
    all.push((place.to_owned(), value));
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                parts(field, &format!("{place}/{name}"), all);
            }
        }
        Value::Array(items) => {
            for item in items {
                parts(item, place, all);
            }
        }
        _ => {}
    }
}

fn operations(document: &Value) -> Vec<(String, &Value)> {
    let paths = document["paths"].as_object().unwrap().iter();
    paths
        .flat_map(|(path, item)| {
            let methods = item.as_object().unwrap().iter();
            methods.map(move |(method, operation)| (format!("{method} {path}"), operation))
        })
        .collect()
}

#[tokio::test]
async fn what_is_referred_to_is_there_and_what_is_there_is_referred_to() {
    let api = Api::new();
    let document = &api.told().await.told;
    let mut all = Vec::new();
    parts(document, "#", &mut all);
    let there: BTreeSet<String> = document["components"]["schemas"]
        .as_object()
        .unwrap()
        .keys()
        .map(|name| format!("#/components/schemas/{name}"))
        .collect();
    let references = all.iter().filter_map(|(_, part)| part.get("$ref"));
    let referred_to: BTreeSet<String> = references
        .map(|reference| reference.as_str().unwrap().to_owned())
        .collect();
    assert_eq!(there, referred_to);
}

#[tokio::test]
async fn every_operation_has_a_name_of_its_own_and_says_what_it_does() {
    let api = Api::new();
    let document = &api.told().await.told;
    assert_eq!(document["openapi"], "3.1.0");
    let operations = operations(document);
    let mut names = BTreeSet::new();
    for (about, operation) in &operations {
        let name = operation["operationId"].as_str().unwrap();
        assert!(names.insert(name), "{about}: {name} is another's too");
        for field in ["summary", "tags"] {
            assert!(!operation[field].is_null(), "{about}: {field}");
        }
        for (status, answer) in operation["responses"].as_object().unwrap() {
            assert_ne!(answer["description"], "", "{about}: {status}");
        }
        let parameters = operation["parameters"].as_array().into_iter().flatten();
        for parameter in parameters {
            assert!(parameter["description"].is_string(), "{about}: {parameter}");
        }
    }
    assert!(
        names.contains("tag_create") && names.contains("category_list"),
        "{names:?}"
    );
    assert!(!document.to_string().to_lowercase().contains("/labels"));
}

#[tokio::test]
async fn every_example_is_what_its_schema_allows() {
    let api = Api::new();
    let document = api.told().await;
    let mut all = Vec::new();
    parts(&document.told, "#", &mut all);
    let mut examined = 0;
    for (place, part) in all {
        // Of a schema they are a list, and of a body they have names.
        if let Some(examples) = part["examples"].as_array() {
            for example in examples {
                assert!(document.is_valid(part, example), "{place}: {example}");
                examined += 1;
            }
        }
        for (name, example) in part["examples"].as_object().into_iter().flatten() {
            let (schema, value) = (&part["schema"], &example["value"]);
            assert!(document.is_valid(schema, value), "{place}: {name}: {value}");
            examined += 1;
        }
    }
    assert!(examined > 100, "{examined}");
}

#[tokio::test]
async fn a_change_may_be_repeated_and_depend_on_a_version() {
    let api = Api::new();
    let document = &api.told().await.told;
    for (about, operation) in operations(document) {
        let headers: BTreeSet<&str> = operation["parameters"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(|parameter| parameter["in"] == "header")
            .map(|parameter| parameter["name"].as_str().unwrap())
            .collect();
        let is_change = !about.starts_with("get ") && about.contains(" /api/");
        let is_creation = operation["responses"].get("201").is_some();
        let expected = match (is_change, is_creation) {
            (false, _) => BTreeSet::new(),
            (true, true) => BTreeSet::from(["Idempotency-Key"]),
            (true, false) => BTreeSet::from(["Idempotency-Key", "If-Match"]),
        };
        assert_eq!(headers, expected, "{about}");
    }
}

/// A list knows the fields that it is said to know, and no others.
#[tokio::test]
async fn the_fields_of_queries_are_those_that_are_read() {
    let api = Api::new();
    let body = json!({"title": "a", "due_date": "2026-11-30T17:00",
        "recurrence": {"rule": {"frequency": "daily"}}});
    let task: gauntlet_contract::Task = api.made("/api/tasks", &body).await;
    let task = task.id.to_string();
    let document = &api.told().await.told;
    let names = |operation: &Value| -> BTreeSet<String> {
        let parameters = operation["parameters"].as_array().into_iter().flatten();
        parameters
            .filter(|parameter| parameter["in"] == "query")
            .map(|parameter| parameter["name"].as_str().unwrap().to_owned())
            .collect()
    };
    let mut every = BTreeSet::from(["page".to_owned()]);
    let mut lists = 0;
    for (_, operation) in operations(document) {
        every.extend(names(operation));
    }
    for (path, item) in document["paths"].as_object().unwrap() {
        let told = names(&item["get"]);
        if told.is_empty() {
            continue;
        }
        lists += 1;
        for name in &every {
            // A value that most fields refuse; what counts is the reason.
            let uri = format!("{}?{name}=%21", path.replace("{id}", &task));
            let call = if path.starts_with("/internal") {
                api.service(Method::GET, &uri)
            } else {
                api.get(&uri)
            };
            let errors = call.send("").await.problem().errors;
            let is_unknown = errors
                .iter()
                .any(|error| error.field == *name && error.detail == "unknown field");
            assert_eq!(
                is_unknown,
                !told.contains(name),
                "{path}: {name}: {errors:?}"
            );
        }
    }
    assert_eq!(lists, 7);
}

/// An exchange that fits the document, to be spoilt.
async fn creation(api: &Api) -> Exchange {
    let request = axum::http::Request::builder()
        .method(Method::POST)
        .uri("/api/tasks")
        .header(
            "authorization",
            format!("Bearer {}", api.issuer.token(api.user_id)),
        )
        .header("content-type", "application/json")
        .header("idempotency-key", "one")
        .body(r#"{"title":"a"}"#.into());
    exchange(&api.router, request.unwrap()).await
}

fn spoilt(exchange: &Exchange, spoil: impl FnOnce(&mut Value)) -> Exchange {
    let mut body = serde_json::from_slice(&exchange.body).unwrap();
    spoil(&mut body);
    Exchange {
        body: body.to_string().into_bytes(),
        ..exchange.clone()
    }
}

fn fault(document: &Document, exchange: &Exchange, about: &str) {
    let faults = document.faults(exchange);
    assert_eq!(faults.len(), 1, "{faults:?}");
    assert!(faults[0].contains(about), "{faults:?}");
}

#[tokio::test]
async fn planted_answers_that_nobody_tells_of_are_found() {
    let api = Api::new();
    let document = api.told().await;
    let good = creation(&api).await;
    assert_eq!(document.faults(&good), [""; 0]);

    let further = spoilt(&good, |task| task["secret"] = json!(1));
    fault(document, &further, "secret");
    let missing = spoilt(&good, |task| {
        task.as_object_mut().unwrap().remove("occurrence");
    });
    fault(document, &missing, "occurrence");
    let wrong = spoilt(&good, |task| task["created_at"] = json!("yesterday"));
    fault(document, &wrong, "yesterday");
    let wrong = spoilt(&good, |task| task["priority"] = json!("lowest"));
    fault(document, &wrong, "lowest");

    let mut accepted = good.clone();
    accepted.status = StatusCode::ACCEPTED;
    assert!(document.faults(&accepted)[0].contains("202"));
    let mut header = good.clone();
    header
        .answered
        .insert("x-powered-by", HeaderValue::from_static("magic"));
    fault(document, &header, "x-powered-by");
    let mut no_etag = good.clone();
    no_etag.answered.remove("etag");
    fault(document, &no_etag, "etag");
    let mut weak = good.clone();
    weak.answered
        .insert("etag", HeaderValue::from_static("W/\"1\""));
    fault(document, &weak, "W/");
    let mut html = good.clone();
    html.answered
        .insert("content-type", HeaderValue::from_static("text/html"));
    fault(document, &html, "text/html");
    let mut elsewhere = good.clone();
    elsewhere.uri = "/api/nowhere".parse().unwrap();
    fault(document, &elsewhere, "not told of");
    let mut otherwise = good.clone();
    otherwise.method = Method::PUT;
    fault(document, &otherwise, "not told of");
}

#[tokio::test]
async fn planted_requests_that_nobody_tells_of_are_found() {
    let api = Api::new();
    let document = api.told().await;
    let good = creation(&api).await;
    let mut long = good.clone();
    long.sent = json!({"title": "x".repeat(201)}).to_string().into_bytes();
    fault(document, &long, "longer than 200");
    let mut field = good.clone();
    field.uri = "/api/tasks?dry_run=true".parse().unwrap();
    fault(document, &field, "dry_run");
    let mut key = good.clone();
    let longest = "k".repeat(256);
    key.asked
        .insert("idempotency-key", longest.parse().unwrap());
    fault(document, &key, "longer than 255");
}

#[tokio::test]
async fn planted_problems_of_another_kind_are_found() {
    let api = Api::new();
    let document = api.told().await;
    let path = "/api/tasks/01890000-0000-7000-8000-000000000000";
    let request = axum::http::Request::builder()
        .uri(path)
        .header(
            "authorization",
            format!("Bearer {}", api.issuer.token(api.user_id)),
        )
        .body("".into());
    let good = exchange(&api.router, request.unwrap()).await;
    assert_eq!(good.status, StatusCode::NOT_FOUND);
    assert_eq!(document.faults(&good), [""; 0]);
    let other = spoilt(&good, |problem| problem["type"] = json!("/problems/gone"));
    fault(document, &other, "/problems/gone");
    let other = spoilt(&good, |problem| problem["status"] = json!(500));
    fault(document, &other, "500");
    let further = spoilt(&good, |problem| problem["instance"] = json!("/1"));
    fault(document, &further, "instance");
}
