use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt as _;
use futures::stream;
use gauntlet_contract::recurrence::NextInstance;
use gauntlet_contract::{Envelope, EventData, EventType, SeriesId};
use gauntlet_ports::{Delivery, Handler, Settle, StateStore};
use tokio::time::{Instant, timeout_at};
use tracing::Instrument as _;

use super::api::{Refusal, SeriesApi};
use super::inbox::Inbox;
use crate::consumers::Poison;
use crate::telemetry::chain;
use crate::trace_context::valid_traceparent;
use crate::traces;

const CONSUMER: &str = "recurring";
/// Events of a batch that are handled at once. They need no order: only an instance that is there can
/// be settled, so of a series there is one at a time.
const IN_FLIGHT_MAX: usize = 8;
/// How long a batch may take. The adapters give a handler 60 s and then retry all of it: what is done must
/// be told before, whatever else of the batch hangs.
const BATCH_WITHIN: Duration = Duration::from_secs(50);

/// Has the next instance of a series created when one was settled.
///
/// The effect is the api's, and idempotent by (series, number): a crash between it and its mark in the
/// inbox, a duplicate that overtakes the mark, or another replica with the same event, ask once more
/// and change nothing. The inbox only saves that question.
pub struct RecurringHandler {
    inbox: Inbox,
    api: SeriesApi,
    poison: Poison,
}

impl std::fmt::Debug for RecurringHandler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RecurringHandler")
            .field("api", &self.api)
            .finish_non_exhaustive()
    }
}

impl RecurringHandler {
    pub fn new(state: Arc<dyn StateStore>, api: SeriesApi) -> Self {
        Self {
            inbox: Inbox::new(state, CONSUMER),
            api,
            poison: Poison::new(CONSUMER),
        }
    }

    /// What has no end by the deadline is given up, and retried: to ask once more changes nothing.
    async fn settle_by(&self, deadline: Instant, event: &Envelope) -> Settle {
        match timeout_at(deadline, self.settle(event)).await {
            Ok(settled) => settled,
            Err(elapsed) => self.poison.retry(event, &chain(&elapsed)),
        }
    }

    async fn settle(&self, event: &Envelope) -> Settle {
        let (series_id, asked) = match question(event) {
            Ok(question) => question,
            Err(fault) => return self.at_fault(event, fault).await,
        };
        match self.inbox.is_done(event).await {
            Ok(false) => {}
            Ok(true) => return self.poison.known(),
            Err(error) => {
                let counting = self.inbox.count_failure(event);
                return self.poison.failed(event, &error, counting).await;
            }
        }
        let traceparent = event.traceparent.as_deref().and_then(valid_traceparent);
        match self.api.next_instance(series_id, asked, traceparent).await {
            Ok(()) => self.done(event).await,
            Err(Refusal::Question(reason)) => self.at_fault(event, &reason).await,
            Err(Refusal::Surroundings(reason)) => self.poison.retry(event, &reason),
        }
    }

    /// The effect is there, with or without a mark: to have the event delivered again for the mark
    /// alone would only ask the api once more.
    async fn done(&self, event: &Envelope) -> Settle {
        if let Err(error) = self.inbox.mark_done(event).await {
            let error = chain(&error);
            tracing::warn!(consumer = CONSUMER, event_id = %event.id, error, "done, and not marked");
        }
        Settle::Done
    }

    async fn at_fault(&self, event: &Envelope, reason: &str) -> Settle {
        let counting = self.inbox.count_failure(event);
        self.poison.at_fault(event, reason, counting).await
    }
}

#[async_trait]
impl Handler for RecurringHandler {
    async fn handle(&self, batch: &[Delivery]) -> Vec<Settle> {
        let deadline = Instant::now() + BATCH_WITHIN;
        let each: Vec<_> = batch
            .iter()
            .map(|Delivery { envelope, .. }| {
                let settling = self.settle_by(deadline, envelope);
                settling.instrument(traces::logs(envelope))
            })
            .collect();
        stream::iter(each).buffered(IN_FLIGHT_MAX).collect().await
    }
}

/// What the event asks the api for, or what it says of itself and cannot be true.
fn question(event: &Envelope) -> Result<(SeriesId, NextInstance), &'static str> {
    let (EventType::InstanceSettled, EventData::Settled(settled)) = (event.kind, &event.data)
    else {
        return Err("not the settlement of an instance");
    };
    if event.subject != settled.task_id.into() {
        return Err("subject and data name different tasks");
    }
    if settled.number == 0 {
        return Err("numbers of instances start at 1");
    }
    let number = settled.number.checked_add(1);
    let asked = NextInstance {
        number: number.ok_or("there is no number after that of the instance")?,
        settled_at: Some(settled.settled_at),
    };
    Ok((settled.series_id, asked))
}
