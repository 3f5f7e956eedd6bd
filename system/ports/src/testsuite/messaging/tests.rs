//! The memory broker keeps the contract, brokers that break it in one way each are found out, and what is
//! waived is let pass and no more than that.

use std::sync::Arc;

use async_trait::async_trait;
use gauntlet_contract::{Envelope, Topic, TopicName};
use tokio_util::sync::CancellationToken;

use super::{Clause, MemoryBroker, MessagingBackend, Waiver, messaging_contract};
use crate::messaging::{Ack, Ingress, Publisher, SubscriptionSet};

/// What is wrong with a broker.
#[derive(Clone, Copy)]
enum Flaw {
    None,
    /// Every event has a key of its own, so that a task's events overtake each other.
    KeepsNoOrder,
    /// All events have one key.
    HoldsBackAll,
    WritesTraceContext,
}

#[derive(Clone)]
struct Memory {
    broker: MemoryBroker,
    flaw: Flaw,
    waivers: Vec<Waiver>,
}

#[async_trait]
impl Publisher for Memory {
    async fn publish(&self, topic: &TopicName, events: &[Envelope]) -> Vec<Ack> {
        for event in events {
            let mut event = event.clone();
            let key = match self.flaw {
                Flaw::KeepsNoOrder => event.id.to_string(),
                Flaw::HoldsBackAll => "one for all".to_owned(),
                Flaw::None | Flaw::WritesTraceContext => event.partitionkey.clone(),
            };
            if matches!(self.flaw, Flaw::WritesTraceContext) {
                event.traceparent = Some("the broker's own".to_owned());
            }
            let bytes = serde_json::to_vec(&event).unwrap();
            self.broker.append(topic, &key, bytes);
        }
        vec![Ack::Ok; events.len()]
    }
}

#[async_trait]
impl MessagingBackend for Memory {
    fn topic(&self) -> TopicName {
        TopicName::new("", Topic::TaskEvents)
    }

    fn publisher(&self) -> Arc<dyn Publisher> {
        Arc::new(self.clone())
    }

    fn ingress(&self, set: SubscriptionSet, stop: CancellationToken) -> Ingress {
        self.broker.ingress(&set, &stop)
    }

    async fn inject(&self, key: &str, bytes: &[u8]) {
        self.broker.append(&self.topic(), key, bytes.to_vec());
    }

    async fn dead_letters(&self, count: usize) -> Vec<Vec<u8>> {
        let dead_letters = self.topic().dead_letter();
        self.broker.wait_for(&dead_letters, count).await
    }

    fn waivers(&self) -> &[Waiver] {
        &self.waivers
    }
}

async fn judge(flaw: Flaw, waived: &[Clause]) {
    let waive = |clause: &Clause| Waiver {
        clause: *clause,
        why: "planted",
    };
    let waivers: Vec<Waiver> = waived.iter().map(waive).collect();
    messaging_contract(|| async {
        Memory {
            broker: MemoryBroker::default(),
            flaw,
            waivers: waivers.clone(),
        }
    })
    .await;
}

#[tokio::test]
async fn the_memory_broker_keeps_the_contract() {
    judge(Flaw::None, &[]).await;
}

#[tokio::test]
#[should_panic(expected = "done after version")]
async fn planted_disorder_is_found() {
    judge(Flaw::KeepsNoOrder, &[]).await;
}

#[tokio::test]
async fn disorder_that_is_waived_passes() {
    judge(Flaw::KeepsNoOrder, &[Clause::OrderPerKey]).await;
}

#[tokio::test(start_paused = true)]
#[should_panic(expected = "other keys while one is stuck")]
async fn planted_standstill_of_all_keys_is_found() {
    judge(Flaw::HoldsBackAll, &[]).await;
}

#[tokio::test]
async fn a_standstill_that_is_waived_passes() {
    judge(Flaw::HoldsBackAll, &[Clause::RetryHoldsBackItsKeyAlone]).await;
}

#[tokio::test]
#[should_panic(expected = "held all the same")]
async fn a_waiver_of_a_standstill_that_there_is_not_fails() {
    judge(Flaw::None, &[Clause::RetryHoldsBackItsKeyAlone]).await;
}

#[tokio::test]
#[should_panic(expected = "an event changed on its way")]
async fn planted_trace_context_is_found() {
    judge(Flaw::WritesTraceContext, &[]).await;
}

#[tokio::test]
async fn a_trace_context_that_is_waived_passes() {
    judge(Flaw::WritesTraceContext, &[Clause::TraceContext]).await;
}

#[tokio::test]
#[should_panic(expected = "held all the same")]
async fn a_waiver_of_a_trace_context_that_arrives_fails() {
    judge(Flaw::None, &[Clause::TraceContext]).await;
}
