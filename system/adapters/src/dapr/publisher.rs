use std::time::{Duration, Instant};

use async_trait::async_trait;
use futures::future::join_all;
use gauntlet_contract::{Envelope, TopicName, envelope};
use gauntlet_ports::{Ack, PortError, PortErrorKind, Publisher};
use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, StatusCode, Url};

use crate::telemetry;

const PORT: &str = "dapr publisher";
const TRACEPARENT: &str = "traceparent";
/// Connections kept open to the sidecar. The relay has one event in flight per task; more than
/// this many at once queue in the sidecar anyway.
const IDLE_CONNECTIONS_MAX: usize = 64;

/// Where and how to publish through a sidecar.
#[derive(Clone, Debug)]
pub struct DaprSettings {
    /// E.g. `http://127.0.0.1:3500`.
    pub http_url: String,
    /// Name of the pub/sub component, the same for every broker behind it.
    pub pubsub_name: String,
    /// How long to wait for an answer to one event; after it the event's fate is unknown.
    pub timeout: Duration,
}

/// Publishes through a sidecar's HTTP API, one request per event.
///
/// Not the bulk API: with some brokers it publishes a batch in parallel, and it answers for an
/// entry only when it failed.
#[derive(Clone, Debug)]
pub struct DaprPublisher {
    client: Client,
    publish_url: Url,
}

impl DaprPublisher {
    /// `Invalid` when the URL cannot be a base of other URLs. Nothing is sent yet.
    pub fn new(settings: &DaprSettings) -> Result<Self, PortError> {
        let invalid = |source: Box<dyn std::error::Error + Send + Sync>| {
            PortError::new(PortErrorKind::Invalid, PORT, "configure", source)
        };
        let mut publish_url = Url::parse(&settings.http_url).map_err(|e| invalid(e.into()))?;
        publish_url
            .path_segments_mut()
            .map_err(|()| invalid("the sidecar's URL has no path".into()))?
            .pop_if_empty()
            .extend(["v1.0", "publish", &settings.pubsub_name]);
        let client = Client::builder()
            .timeout(settings.timeout)
            .tcp_nodelay(true)
            .pool_max_idle_per_host(IDLE_CONNECTIONS_MAX)
            // A proxy from the environment must never sit between an app and its sidecar.
            .no_proxy()
            .build()
            .map_err(|e| invalid(e.into()))?;
        Ok(Self {
            client,
            publish_url,
        })
    }

    async fn publish_one(&self, topic: &TopicName, event: &Envelope) -> Ack {
        let body = match serde_json::to_vec(event) {
            Ok(body) => body,
            Err(error) => return Ack::Rejected(error.to_string()),
        };
        let mut request = self
            .client
            .post(self.url(topic, &event.partitionkey))
            // Marks the body as a finished CloudEvent: the sidecar passes it on instead of
            // wrapping it into another one with an id of its own.
            .header(CONTENT_TYPE, envelope::CONTENT_TYPE)
            .body(body);
        if let Some(traceparent) = &event.traceparent {
            // The sidecar writes its own span's context into the event, whatever the event says;
            // only this header makes that span a child of the event's.
            request = request.header(TRACEPARENT, traceparent);
        }
        let response = match request.send().await {
            Ok(response) => response,
            Err(error) => return no_answer(&error),
        };
        let status = response.status();
        if status.is_success() {
            return Ack::Ok;
        }
        // The status is the answer; a body that fails to arrive only costs the explanation.
        let explanation = response.text().await.unwrap_or_default();
        refusal(status, explanation.trim())
    }

    fn url(&self, topic: &TopicName, partition_key: &str) -> Url {
        let mut url = self.publish_url.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.push(topic.as_str());
        }
        url.query_pairs_mut()
            .append_pair("metadata.partitionKey", partition_key);
        url
    }
}

#[async_trait]
impl Publisher for DaprPublisher {
    async fn publish(&self, topic: &TopicName, events: &[Envelope]) -> Vec<Ack> {
        let started_at = Instant::now();
        let requests = events.iter().map(|event| self.publish_one(topic, event));
        let acks = join_all(requests).await;
        telemetry::published(topic, &acks, started_at.elapsed());
        acks
    }
}

/// A request without a response. Only a connection that was never made proves that nothing was
/// sent.
fn no_answer(error: &reqwest::Error) -> Ack {
    let reason = format!("sidecar did not answer: {}", chain(error));
    if error.is_connect() || error.is_builder() {
        Ack::Rejected(reason)
    } else {
        Ack::Unknown(reason)
    }
}

/// A response that is not a success. The sidecar answers 4xx before it talks to the broker, and
/// 5xx when the broker's answer was an error or did not come, which leaves the event's fate open.
fn refusal(status: StatusCode, explanation: &str) -> Ack {
    let reason = format!("sidecar answered {status}: {explanation}");
    if status.is_client_error() && status != StatusCode::REQUEST_TIMEOUT {
        Ack::Rejected(reason)
    } else {
        Ack::Unknown(reason)
    }
}

/// The error with its causes: reqwest's own message hides why a connection failed.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;
    use std::sync::{Arc, Mutex};

    use axum::Router;
    use axum::body::Bytes;
    use axum::extract::{Path, RawQuery, State};
    use axum::http::HeaderMap;
    use axum::routing::post;
    use gauntlet_contract::{TaskId, Topic};
    use gauntlet_ports::testsuite::messaging::task_event;
    use tokio::net::TcpListener;

    use super::*;

    const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    /// What the sidecar of a test was sent.
    #[derive(Clone, Debug, PartialEq)]
    struct Seen {
        topic: String,
        query: Option<String>,
        content_type: Option<String>,
        traceparent: Option<String>,
        body: Vec<u8>,
    }

    #[derive(Clone, Default)]
    struct Sidecar {
        seen: Arc<Mutex<Vec<Seen>>>,
    }

    /// Answers with the status that is written in the event's title, e.g. `version 204`.
    async fn answer(
        State(sidecar): State<Sidecar>,
        Path(topic): Path<String>,
        RawQuery(query): RawQuery,
        headers: HeaderMap,
        body: Bytes,
    ) -> (StatusCode, &'static str) {
        let event: Envelope = serde_json::from_slice(&body).unwrap();
        let header = |name: &str| Some(headers.get(name)?.to_str().ok()?.to_owned());
        sidecar.seen.lock().unwrap().push(Seen {
            topic,
            query,
            content_type: header("content-type"),
            traceparent: header(TRACEPARENT),
            body: body.to_vec(),
        });
        let status = u16::try_from(event.data.version).unwrap();
        if status == 599 {
            std::future::pending::<()>().await;
        }
        (StatusCode::from_u16(status).unwrap(), "why")
    }

    async fn sidecar() -> (Sidecar, SocketAddr) {
        let sidecar = Sidecar::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new()
            .route("/v1.0/publish/bus/{topic}", post(answer))
            .with_state(sidecar.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        (sidecar, address)
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
        let (sidecar, address) = sidecar().await;
        let mut event = answering(204);
        event.traceparent = Some(TRACE.to_owned());
        let acks = publisher(address, Duration::from_secs(10))
            .publish(&topic(), std::slice::from_ref(&event))
            .await;
        assert_eq!(acks, [Ack::Ok]);
        let expected = Seen {
            topic: "a.task-events".to_owned(),
            query: Some(format!("metadata.partitionKey={}", event.subject)),
            content_type: Some("application/cloudevents+json".to_owned()),
            traceparent: Some(TRACE.to_owned()),
            body: serde_json::to_vec(&event).unwrap(),
        };
        assert_eq!(*sidecar.seen.lock().unwrap(), [expected]);
    }

    #[tokio::test]
    async fn every_event_has_its_own_answer() {
        let (_sidecar, address) = sidecar().await;
        let events = [200, 500, 204, 403, 404, 413, 408, 503].map(answering);
        let acks = publisher(address, Duration::from_secs(10))
            .publish(&topic(), &events)
            .await;
        let kinds: Vec<&str> = acks.iter().map(kind).collect();
        assert_eq!(
            kinds,
            [
                "ok", "unknown", "ok", "rejected", "rejected", "rejected", "unknown", "unknown"
            ]
        );
        assert_eq!(
            acks[3],
            Ack::Rejected("sidecar answered 403 Forbidden: why".to_owned())
        );
    }

    #[tokio::test]
    async fn silence_is_unknown() {
        let (_sidecar, address) = sidecar().await;
        let acks = publisher(address, Duration::from_millis(100))
            .publish(&topic(), &[answering(599)])
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
}
