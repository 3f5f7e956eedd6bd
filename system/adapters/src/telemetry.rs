//! Metrics of publishing and consuming, through the `metrics` facade; names are Prometheus names.

use std::time::Duration;

use gauntlet_contract::TopicName;
use gauntlet_ports::{Ack, Settle};

/// Counter by `topic`, `outcome`: `ok`, `rejected`, `unknown`.
pub const EVENTS_PUBLISHED_TOTAL: &str = "todo_events_published_total";
/// Histogram by `topic`, seconds: one publish call, from its start to the last answer.
pub const PUBLISH_SECONDS: &str = "todo_publish_seconds";
/// Counter by `topic`, `outcome`: `done`, `retry`, `dead_letter`, `undecodable`.
pub const EVENTS_CONSUMED_TOTAL: &str = "todo_events_consumed_total";
/// Counter by `topic`: requests that wanted to deliver without the sidecar's token.
pub const DELIVERIES_REFUSED_TOTAL: &str = "todo_deliveries_refused_total";
/// Histogram by `topic`, seconds: one call of a handler, for a whole batch.
pub const CONSUME_SECONDS: &str = "todo_consume_seconds";
/// Histogram by `topic`, events: how many deliveries one call of a handler was given.
pub const CONSUME_BATCH_EVENTS: &str = "todo_consume_batch_events";

pub(crate) fn published(topic: &TopicName, acks: &[Ack], took: Duration) {
    for ack in acks {
        let outcome = match ack {
            Ack::Ok => "ok",
            Ack::Rejected(_) => "rejected",
            Ack::Unknown(_) => "unknown",
        };
        count(EVENTS_PUBLISHED_TOTAL, topic, outcome, 1);
    }
    metrics::histogram!(PUBLISH_SECONDS, "topic" => topic.to_string()).record(took.as_secs_f64());
}

pub(crate) fn consumed(topic: &TopicName, settles: &[Settle], took: Duration) {
    for settle in settles {
        let outcome = match settle {
            Settle::Done => "done",
            Settle::Retry => "retry",
            Settle::DeadLetter(_) => "dead_letter",
        };
        count(EVENTS_CONSUMED_TOTAL, topic, outcome, 1);
    }
    let label = topic.to_string();
    metrics::histogram!(CONSUME_SECONDS, "topic" => label.clone()).record(took.as_secs_f64());
    let events = u32::try_from(settles.len()).unwrap_or(u32::MAX);
    metrics::histogram!(CONSUME_BATCH_EVENTS, "topic" => label).record(f64::from(events));
}

/// Counts messages that no handler saw, because they could not be decoded.
pub(crate) fn undecodable(topic: &TopicName, messages: usize) {
    if messages > 0 {
        count(EVENTS_CONSUMED_TOTAL, topic, "undecodable", messages as u64);
    }
}

/// Counts a delivery of somebody who is not the sidecar.
#[cfg(feature = "dapr")]
pub(crate) fn refused(topic: &TopicName) {
    metrics::counter!(DELIVERIES_REFUSED_TOTAL, "topic" => topic.to_string()).increment(1);
}

fn count(name: &'static str, topic: &TopicName, outcome: &'static str, events: u64) {
    metrics::counter!(name, "topic" => topic.to_string(), "outcome" => outcome).increment(events);
}
