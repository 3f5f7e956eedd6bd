//! The document tells of the routes that there are, and of no others, for each role that there is.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use axum::routing::{get, post};
use gauntlet_ports::testsuite::storage::{MemoryAuditLog, MemoryStore};
use gauntlet_ports::{AuditLog, Secret};
use gauntlet_services::commands::Commands;
use gauntlet_services::health::{Component, Health, Probe};
use gauntlet_services::http::{Routes, router};
use metrics_exporter_prometheus::PrometheusBuilder;
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::openapi_judge::{Document, Exchange};
use crate::support::{Api, Issuer, SERVICE_TOKEN, exchange};

/// Methods by path.
type Table = BTreeMap<String, BTreeSet<String>>;

/// What a process with these parts serves.
fn served(commands: Option<Commands>, audit: Option<Arc<dyn AuditLog>>) -> Router {
    served_by(commands, audit, Health::new("some", Vec::new()))
}

fn served_by(
    commands: Option<Commands>,
    audit: Option<Arc<dyn AuditLog>>,
    health: Health,
) -> Router {
    router(Routes {
        verifier: Some(Arc::new(Issuer::new("key-1").verifier())),
        commands,
        service_token: Secret::new(SERVICE_TOKEN),
        audit,
        ingress: None,
        health,
        metrics: PrometheusBuilder::new().build_recorder().handle(),
    })
}

async fn document(router: &Router) -> Value {
    let request = Request::builder().uri("/openapi.json").body(Body::empty());
    let exchange = exchange(router, request.unwrap()).await;
    assert_eq!(exchange.status, StatusCode::OK);
    serde_json::from_slice(&exchange.body).unwrap()
}

fn told(document: &Value) -> Table {
    let paths = document["paths"].as_object().unwrap().iter();
    let methods = |item: &Value| {
        let methods = item.as_object().unwrap().keys();
        methods.map(|name| name.to_ascii_uppercase()).collect()
    };
    paths
        .map(|(path, item)| (path.clone(), methods(item)))
        .collect()
}

/// What the router has: its paths from its own account of itself, and the methods from the answer to one
/// that no path has.
async fn there(router: &Router) -> Table {
    let account = format!("{router:?}");
    let known = account.split("fallback_router").next().unwrap();
    let paths = known.split('"').filter(|text| text.starts_with('/'));
    let mut table = Table::new();
    for path in paths {
        let segments = path
            .split('/')
            .map(|segment| match segment.strip_prefix('{') {
                Some(_) => "01890000-0000-7000-8000-000000000000",
                None => segment,
            });
        let uri = segments.collect::<Vec<_>>().join("/");
        let request = Request::builder().method("PURGE").uri(uri);
        let exchange = exchange(router, request.body(Body::empty()).unwrap()).await;
        assert_eq!(exchange.status, StatusCode::METHOD_NOT_ALLOWED, "{path}");
        let allowed = exchange.answered["allow"].to_str().unwrap();
        let methods = allowed.split(',').filter(|method| *method != "HEAD");
        table.insert(path.to_owned(), methods.map(str::to_owned).collect());
    }
    table
}

#[tokio::test]
async fn every_route_of_every_role_is_told_of_and_no_other() {
    let store = Arc::new(MemoryStore::new(""));
    let commands = || Some(Commands::new(store.clone(), Arc::new(Notify::new())));
    let audit = || Some(Arc::new(MemoryAuditLog::default()) as Arc<dyn AuditLog>);
    for (router, path, another) in [
        (served(commands(), audit()), "/api/audit", "/api/users"),
        (
            served(commands(), None),
            "/api/tasks/{id}/tags/{tag_id}",
            "/api/audit",
        ),
        (served(None, audit()), "/api/audit", "/api/tasks"),
        (served(None, None), "/metrics", "/api/tasks"),
    ] {
        let told = told(&document(&router).await);
        assert_eq!(told, there(&router).await);
        assert!(told.contains_key("/openapi.json"), "{told:?}");
        assert!(told.contains_key(path), "{told:?}");
        assert!(!told.contains_key(another), "{told:?}");
    }
    let without_token = Api::without_service_token().router;
    let told = told(&document(&without_token).await);
    assert_eq!(told, there(&without_token).await);
    assert!(!told.keys().any(|path| path.starts_with("/internal")));
}

#[tokio::test]
async fn planted_routes_that_nobody_tells_of_are_found() {
    let router = Api::new().router;
    let told = told(&document(&router).await);
    let another_path = router.clone().route("/api/hidden/{id}", get(async || ()));
    let another_method = router.clone().route("/api/audit", post(async || ()));
    assert_eq!(there(&router).await, told);
    assert_ne!(there(&another_path).await, told);
    assert_ne!(there(&another_method).await, told);
}

#[tokio::test]
async fn planted_operations_that_are_not_there_are_found() {
    let router = Api::new().router;
    let there = there(&router).await;
    for path in ["/api/tasks", "/api/nowhere"] {
        let mut document = document(&router).await;
        document["paths"][path]["put"] = json!({});
        assert_ne!(told(&document), there, "{path}");
    }
}

#[tokio::test]
async fn a_token_is_needed_where_the_document_says_so() {
    let router = Api::new().router;
    for (path, item) in document(&router).await["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let request = Request::builder()
                .method(method.to_ascii_uppercase().as_str())
                .uri(path.replace(['{', '}'], ""));
            let exchange = exchange(&router, request.body(Body::empty()).unwrap()).await;
            let is_guarded = operation.get("security").is_some();
            let is_refused = exchange.status == StatusCode::UNAUTHORIZED;
            assert_eq!(is_refused, is_guarded, "{method} {path}");
        }
    }
}

#[tokio::test]
async fn whatever_is_amiss_with_a_process_is_told_as_the_document_has_it() {
    let probe = |component, result: Result<(), String>| {
        Probe::new(component, "some", move || {
            std::future::ready(result.clone())
        })
    };
    let amiss = Err("it is away".to_owned());
    let health = Health::new(
        "some",
        vec![
            probe(Component::Database, amiss.clone()),
            probe(Component::Dapr, amiss.clone()),
            probe(Component::Publishing, amiss),
            probe(Component::State, Ok(())),
        ],
    );
    let router = served_by(None, None, health);
    let document = Document::new(document(&router).await);
    for (path, status) in [
        ("/health/live", StatusCode::OK),
        ("/health", StatusCode::SERVICE_UNAVAILABLE),
        ("/health/ready", StatusCode::SERVICE_UNAVAILABLE),
        ("/health/dapr", StatusCode::SERVICE_UNAVAILABLE),
        ("/health/services", StatusCode::OK),
    ] {
        let request = Request::builder().uri(path).body(Body::empty());
        let told = exchange(&router, request.unwrap()).await;
        assert_eq!(told.status, status, "{path}");
        assert_eq!(document.faults(&told), [""; 0], "{path}");

        let mut body: Value = serde_json::from_slice(&told.body).unwrap();
        body["status"] = json!("fine");
        let planted = Exchange {
            body: body.to_string().into_bytes(),
            ..told
        };
        assert_eq!(document.faults(&planted).len(), 1, "{path}");
    }
}
