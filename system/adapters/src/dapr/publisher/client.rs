use std::time::{Duration, Instant};

use async_trait::async_trait;
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

/// Publishes through a sidecar's HTTP API: one event in a request of its own, several in bulk requests.
///
/// With some brokers the sidecar publishes a bulk request in parallel: between its events there is no order,
/// so a caller that needs one passes events of one partition key one at a time, as the port asks for. And
/// an event of a bulk request gets a trace context of the sidecar's own, whatever it says: no header
/// could make more than one of them a child of its trace.
#[derive(Clone, Debug)]
pub struct DaprPublisher {
    pub(super) client: Client,
    publish_url: Url,
    bulk_url: Url,
}

impl DaprPublisher {
    /// `Invalid` when the URL cannot be a base of other URLs. Nothing is sent yet.
    pub fn new(settings: &DaprSettings) -> Result<Self, PortError> {
        let invalid = |source: Box<dyn std::error::Error + Send + Sync>| {
            PortError::new(PortErrorKind::Invalid, PORT, "configure", source)
        };
        let base = Url::parse(&settings.http_url).map_err(|e| invalid(e.into()))?;
        let at = |path: &[&str]| {
            let mut url = base.clone();
            url.path_segments_mut()
                .map_err(|()| invalid("the sidecar's URL has no path".into()))?
                .pop_if_empty()
                .extend(path)
                .push(&settings.pubsub_name);
            Ok(url)
        };
        let publish_url = at(&["v1.0", "publish"])?;
        let bulk_url = at(&["v1.0-alpha1", "publish", "bulk"])?;
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
            bulk_url,
        })
    }

    async fn publish_one(&self, topic: &TopicName, event: &Envelope) -> Ack {
        let body = match serde_json::to_vec(event) {
            Ok(body) => body,
            Err(error) => return Ack::Rejected(error.to_string()),
        };
        let mut request = self
            .client
            .post(self.url_of_one(topic, &event.partitionkey))
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

    fn url_of_one(&self, topic: &TopicName, partition_key: &str) -> Url {
        let mut url = below(&self.publish_url, topic);
        url.query_pairs_mut()
            .append_pair("metadata.partitionKey", partition_key);
        url
    }

    pub(super) fn url_of_many(&self, topic: &TopicName) -> Url {
        below(&self.bulk_url, topic)
    }
}

fn below(url: &Url, topic: &TopicName) -> Url {
    let mut url = url.clone();
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.push(topic.as_str());
    }
    url
}

#[async_trait]
impl Publisher for DaprPublisher {
    async fn publish(&self, topic: &TopicName, events: &[Envelope]) -> Vec<Ack> {
        let started_at = Instant::now();
        let acks = match events {
            [event] => vec![self.publish_one(topic, event).await],
            _ => self.publish_many(topic, events).await,
        };
        telemetry::published(topic, &acks, started_at.elapsed());
        acks
    }
}

/// A request without a response. Only a connection that was never made proves that nothing was
/// sent.
pub(super) fn no_answer(error: &reqwest::Error) -> Ack {
    let reason = format!("sidecar did not answer: {}", chain(error));
    if error.is_connect() || error.is_builder() {
        Ack::Rejected(reason)
    } else {
        Ack::Unknown(reason)
    }
}

/// A response that is not a success. The sidecar answers 4xx before it talks to the broker, and
/// 5xx when the broker's answer was an error or did not come, which leaves the event's fate open.
pub(super) fn refusal(status: StatusCode, explanation: &str) -> Ack {
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
