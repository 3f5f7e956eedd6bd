use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::HeaderMap;
use axum::routing::post;
use gauntlet_contract::{Envelope, TaskId, Topic, TopicName};
use gauntlet_ports::testsuite::messaging::task_event;
use gauntlet_ports::{Ack, PortErrorKind, Publisher as _};
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::{DaprPublisher, DaprSettings};

const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
/// The status of an event that is not answered at all.
const SILENT: u16 = 599;

/// What the sidecar of a test was sent.
#[derive(Clone, Debug, PartialEq)]
struct Seen {
    path: String,
    query: Option<String>,
    content_type: Option<String>,
    traceparent: Option<String>,
    body: Vec<u8>,
}

#[derive(Clone, Default)]
struct Sidecar {
    seen: Arc<Mutex<Vec<Seen>>>,
    /// What bulk requests are answered, instead of what their events ask for.
    in_bulk: Arc<Mutex<Option<(StatusCode, String)>>>,
}

impl Sidecar {
    async fn start() -> (Self, SocketAddr) {
        let sidecar = Self::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new()
            .route("/v1.0/publish/bus/{topic}", post(answer))
            .route(
                "/v1.0-alpha1/publish/bulk/bus/{topic}",
                post(answer_in_bulk),
            )
            .with_state(sidecar.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        (sidecar, address)
    }

    fn saw(
        &self,
        kind: &str,
        topic: &str,
        query: Option<String>,
        headers: &HeaderMap,
        body: &Bytes,
    ) {
        let header = |name: &str| Some(headers.get(name)?.to_str().ok()?.to_owned());
        self.seen.lock().unwrap().push(Seen {
            path: format!("{kind} {topic}"),
            query,
            content_type: header("content-type"),
            traceparent: header("traceparent"),
            body: body.to_vec(),
        });
    }

    fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

/// Answers with the status that is the version of the event's task.
async fn answer(
    State(sidecar): State<Sidecar>,
    Path(topic): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, &'static str) {
    sidecar.saw("one", &topic, query, &headers, &body);
    let status = status(&serde_json::from_slice(&body).unwrap());
    if status == SILENT {
        std::future::pending::<()>().await;
    }
    (StatusCode::from_u16(status).unwrap(), "why")
}

/// Answers as a sidecar does whose broker refuses the events with a version that is no success.
async fn answer_in_bulk(
    State(sidecar): State<Sidecar>,
    Path(topic): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, String) {
    sidecar.saw("many", &topic, query, &headers, &body);
    let scripted = sidecar.in_bulk.lock().unwrap().clone();
    if let Some(scripted) = scripted {
        return scripted;
    }
    let failed: Vec<_> = entries(&body)
        .into_iter()
        .filter(|entry| status(&entry["event"]) >= 300)
        .map(|entry| json!({ "entryId": entry["entryId"], "error": "why" }))
        .collect();
    if failed.is_empty() {
        return (StatusCode::NO_CONTENT, String::new());
    }
    let answer = json!({ "failedEntries": failed, "errorCode": "ERR_PUBSUB_PUBLISH_MESSAGE" });
    (StatusCode::INTERNAL_SERVER_ERROR, answer.to_string())
}

fn entries(body: &[u8]) -> Vec<Value> {
    serde_json::from_slice(body).unwrap()
}

fn status(event: &Value) -> u16 {
    u16::try_from(event["data"]["version"].as_u64().unwrap()).unwrap()
}

fn publisher(address: SocketAddr, timeout: Duration) -> DaprPublisher {
    DaprPublisher::new(&DaprSettings {
        http_url: format!("http://{address}"),
        pubsub_name: "bus".to_owned(),
        timeout,
    })
    .unwrap()
}

fn topic() -> TopicName {
    TopicName::new("a.", Topic::TaskEvents)
}

fn answering(status: u64) -> Envelope {
    task_event(TaskId::generate(), status)
}

#[tokio::test]
async fn the_envelope_is_passed_through_with_its_partition_key() {
    let (sidecar, address) = Sidecar::start().await;
    let mut event = answering(204);
    event.traceparent = Some(TRACE.to_owned());
    let acks = publisher(address, Duration::from_secs(10))
        .publish(&topic(), std::slice::from_ref(&event))
        .await;
    assert_eq!(acks, [Ack::Ok]);
    let expected = Seen {
        path: "one a.task-events".to_owned(),
        query: Some(format!("metadata.partitionKey={}", event.subject)),
        content_type: Some("application/cloudevents+json".to_owned()),
        traceparent: Some(TRACE.to_owned()),
        body: serde_json::to_vec(&event).unwrap(),
    };
    assert_eq!(sidecar.seen(), [expected]);
}

#[tokio::test]
async fn the_status_tells_what_became_of_an_event() {
    let (_sidecar, address) = Sidecar::start().await;
    let publisher = publisher(address, Duration::from_secs(10));
    let mut kinds = Vec::new();
    for status in [200, 500, 204, 403, 404, 413, 408, 503] {
        let acks = publisher.publish(&topic(), &[answering(status)]).await;
        assert_eq!(acks.len(), 1);
        kinds.push(kind(&acks[0]));
    }
    assert_eq!(
        kinds,
        [
            "ok", "unknown", "ok", "rejected", "rejected", "rejected", "unknown", "unknown"
        ]
    );
    let acks = publisher.publish(&topic(), &[answering(403)]).await;
    let reason = "sidecar answered 403 Forbidden: why".to_owned();
    assert_eq!(acks, [Ack::Rejected(reason)]);
}

#[tokio::test]
async fn several_events_go_out_in_one_request_each_with_its_key() {
    let (sidecar, address) = Sidecar::start().await;
    let events = [200, 201, 204].map(answering);
    let acks = publisher(address, Duration::from_secs(10))
        .publish(&topic(), &events)
        .await;
    assert_eq!(acks, [Ack::Ok, Ack::Ok, Ack::Ok]);
    let seen = sidecar.seen();
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].path, "many a.task-events");
    assert_eq!(seen[0].content_type.as_deref(), Some("application/json"));
    let expected: Vec<_> = events
        .iter()
        .enumerate()
        .map(|(place, event)| {
            json!({
                "entryId": place.to_string(),
                "contentType": "application/cloudevents+json",
                "metadata": { "partitionKey": event.subject.to_string() },
                "event": event,
            })
        })
        .collect();
    assert_eq!(entries(&seen[0].body), expected);
}

/// An entry that the sidecar does not name was published: to repeat it would be a duplicate at best.
#[tokio::test]
async fn of_several_events_only_those_that_the_sidecar_names_have_failed() {
    let (_sidecar, address) = Sidecar::start().await;
    let events = [200, 500, 204, 503].map(answering);
    let acks = publisher(address, Duration::from_secs(10))
        .publish(&topic(), &events)
        .await;
    let failed = Ack::Unknown("sidecar answered 500 Internal Server Error: why".to_owned());
    assert_eq!(acks, [Ack::Ok, failed.clone(), Ack::Ok, failed]);
}

#[tokio::test]
async fn a_failure_that_names_no_entry_of_the_request_is_that_of_all() {
    let (sidecar, address) = Sidecar::start().await;
    let named = |id: &str| json!({ "failedEntries": [{ "entryId": id }] }).to_string();
    for (status, body, expected) in [
        (500, json!({ "failedEntries": [] }).to_string(), "unknown"),
        (500, "no JSON".to_owned(), "unknown"),
        (500, named("7"), "unknown"),
        (500, named("another"), "unknown"),
        (503, String::new(), "unknown"),
        (413, String::new(), "rejected"),
        // Before it talks to the broker it cannot tell one entry from another.
        (400, named("0"), "rejected"),
    ] {
        let status = StatusCode::from_u16(status).unwrap();
        *sidecar.in_bulk.lock().unwrap() = Some((status, body.clone()));
        let acks = publisher(address, Duration::from_secs(10))
            .publish(&topic(), &[200, 200].map(answering))
            .await;
        let kinds: Vec<_> = acks.iter().map(kind).collect();
        assert_eq!(kinds, [expected, expected], "{status} {body}");
    }
}

#[tokio::test]
async fn events_that_are_too_large_for_one_request_go_out_in_several() {
    let (sidecar, address) = Sidecar::start().await;
    let mut events = [200, 500, 200, 200].map(answering);
    for event in &mut events {
        // The largest part of an envelope that any text fits into.
        event.traceparent = Some("x".repeat(400 * 1024));
    }
    let acks = publisher(address, Duration::from_secs(10))
        .publish(&topic(), &events)
        .await;
    let kinds: Vec<_> = acks.iter().map(kind).collect();
    assert_eq!(kinds, ["ok", "unknown", "ok", "ok"]);
    let mut sent: Vec<Vec<_>> = sidecar
        .seen()
        .iter()
        .map(|seen| {
            entries(&seen.body)
                .iter()
                .map(|entry| entry["entryId"].to_string())
                .collect()
        })
        .collect();
    sent.sort();
    assert_eq!(sent, [["\"0\"", "\"1\""], ["\"2\"", "\"3\""]]);
}

#[tokio::test]
async fn without_an_answer_several_events_share_their_fate() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let events = [200, 200].map(answering);
    // It accepts, and says nothing.
    let silent = publisher(address, Duration::from_millis(100));
    let acks = silent.publish(&topic(), &events).await;
    assert_eq!(
        acks.iter().map(kind).collect::<Vec<_>>(),
        ["unknown", "unknown"]
    );
    drop(listener);
    let acks = publisher(address, Duration::from_secs(10))
        .publish(&topic(), &events)
        .await;
    assert_eq!(
        acks.iter().map(kind).collect::<Vec<_>>(),
        ["rejected", "rejected"]
    );
}

#[tokio::test]
async fn silence_is_unknown() {
    let (_sidecar, address) = Sidecar::start().await;
    let acks = publisher(address, Duration::from_millis(100))
        .publish(&topic(), &[answering(SILENT.into())])
        .await;
    assert_eq!(kind(&acks[0]), "unknown", "{acks:?}");
}

#[tokio::test]
async fn a_refused_connection_is_rejected() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let acks = publisher(address, Duration::from_secs(10))
        .publish(&topic(), &[answering(204)])
        .await;
    assert_eq!(kind(&acks[0]), "rejected", "{acks:?}");
}

#[tokio::test]
async fn a_connection_cut_before_the_answer_is_unknown() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut first = [0_u8; 1];
        tokio::io::AsyncReadExt::read_exact(&mut stream, &mut first)
            .await
            .unwrap();
    });
    let acks = publisher(address, Duration::from_secs(10))
        .publish(&topic(), &[answering(204)])
        .await;
    assert_eq!(kind(&acks[0]), "unknown", "{acks:?}");
}

#[test]
fn a_url_that_is_no_url_is_refused() {
    let error = DaprPublisher::new(&DaprSettings {
        http_url: "sidecar".to_owned(),
        pubsub_name: "bus".to_owned(),
        timeout: Duration::from_secs(1),
    })
    .unwrap_err();
    assert_eq!(error.kind, PortErrorKind::Invalid);
}

fn kind(ack: &Ack) -> &'static str {
    match ack {
        Ack::Ok => "ok",
        Ack::Rejected(_) => "rejected",
        Ack::Unknown(_) => "unknown",
    }
}
