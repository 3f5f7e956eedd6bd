//! Several events in a request. <https://docs.dapr.io/reference/api/pubsub_api/#publish-multiple-messages-to-a-given-topic>

use std::collections::HashMap;
use std::ops::Range;

use futures::future::join_all;
use gauntlet_contract::{Envelope, TopicName, envelope};
use gauntlet_ports::Ack;
use reqwest::StatusCode;
use reqwest::header::CONTENT_TYPE;
use serde::{Deserialize, Serialize};

use super::client::{DaprPublisher, no_answer, refusal};

/// Size that a request keeps below, unless one event alone exceeds it. A sidecar takes 4 MiB where it is
/// not told otherwise.
const BODY_MAX_BYTES: usize = 1024 * 1024;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Entry<'e> {
    /// Its event's place: the events' ids might repeat, and the sidecar refuses ids that do.
    #[serde(rename = "entryId")]
    id: String,
    /// Marks the event as finished, as in a request of one event.
    content_type: &'static str,
    metadata: Metadata<'e>,
    event: &'e Envelope,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Metadata<'e> {
    partition_key: &'e str,
}

/// The sidecar's answer where some entries failed.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Failure {
    failed_entries: Vec<FailedEntry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FailedEntry {
    entry_id: String,
    #[serde(default)]
    error: String,
}

/// Entries that go out together. Their ids are the places of their events among all that are published.
struct Request {
    places: Range<usize>,
    entries: Vec<String>,
    size: usize,
}

impl DaprPublisher {
    pub(super) async fn publish_many(&self, topic: &TopicName, events: &[Envelope]) -> Vec<Ack> {
        match requests(events) {
            Ok(requests) => {
                let answers = requests
                    .into_iter()
                    .map(|request| self.send(topic, request));
                join_all(answers).await.concat()
            }
            Err(error) => vec![Ack::Rejected(error.to_string()); events.len()],
        }
    }

    async fn send(&self, topic: &TopicName, request: Request) -> Vec<Ack> {
        let Request {
            places, entries, ..
        } = request;
        let response = self
            .client
            .post(self.url_of_many(topic))
            .header(CONTENT_TYPE, "application/json")
            .body(format!("[{}]", entries.join(",")))
            .send()
            .await;
        let response = match response {
            Ok(response) => response,
            Err(error) => return vec![no_answer(&error); places.len()],
        };
        let status = response.status();
        if status.is_success() {
            return vec![Ack::Ok; places.len()];
        }
        // The status is the answer; a body that fails to arrive only costs the explanation.
        let explanation = response.text().await.unwrap_or_default();
        answers(status, explanation.trim(), places)
    }
}

/// The events in their order, in as many requests as their sizes ask for.
fn requests(events: &[Envelope]) -> Result<Vec<Request>, serde_json::Error> {
    let mut requests: Vec<Request> = Vec::new();
    for (place, event) in events.iter().enumerate() {
        let entry = serde_json::to_string(&Entry {
            id: place.to_string(),
            content_type: envelope::CONTENT_TYPE,
            metadata: Metadata {
                partition_key: &event.partitionkey,
            },
            event,
        })?;
        let size = entry.len() + 1;
        match requests.last_mut() {
            Some(request) if request.size + size <= BODY_MAX_BYTES => {
                request.places.end += 1;
                request.size += size;
                request.entries.push(entry);
            }
            _ => requests.push(Request {
                places: place..place + 1,
                entries: vec![entry],
                size,
            }),
        }
    }
    Ok(requests)
}

/// What an answer that is no success means for each entry. The sidecar names those that the broker did not
/// take, and none where the request got no further than to itself; an entry that it leaves out while it
/// names others was published (code).
fn answers(status: StatusCode, explanation: &str, places: Range<usize>) -> Vec<Ack> {
    match failed_entries(explanation, &places) {
        Some(failed) if status.is_server_error() => places
            .map(|place| match failed.get(&place) {
                Some(error) => refusal(status, error),
                None => Ack::Ok,
            })
            .collect(),
        _ => vec![refusal(status, explanation); places.len()],
    }
}

/// The errors of the entries that failed, by their places. None where the answer does not name any, or
/// names one that was not asked for: then it cannot be relied on for the others.
fn failed_entries(explanation: &str, places: &Range<usize>) -> Option<HashMap<usize, String>> {
    let failure: Failure = serde_json::from_str(explanation).ok()?;
    let failed: HashMap<_, _> = failure
        .failed_entries
        .into_iter()
        .map(|failed| {
            let place = failed.entry_id.parse().ok()?;
            places.contains(&place).then_some((place, failed.error))
        })
        .collect::<Option<_>>()?;
    (!failed.is_empty()).then_some(failed)
}
