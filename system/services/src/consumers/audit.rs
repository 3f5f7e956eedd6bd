use std::sync::Arc;

use async_trait::async_trait;
use gauntlet_contract::{Envelope, EventType};
use gauntlet_ports::{AuditLog, Audited, Delivery, Handler, PortError, Recorded, Settle};

use tracing::Instrument as _;

use super::poison::Poison;
use crate::telemetry::{EARLY_TOTAL, chain};
use crate::traces::{self, TraceSpan};

/// Writes every event of `task-events` into the audit trail, once. What comes before its time is the log's to
/// keep, and the [`Gatekeeper`](super::Gatekeeper)'s to have written.
pub struct AuditHandler {
    log: Arc<dyn AuditLog>,
    poison: Poison,
}

impl std::fmt::Debug for AuditHandler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AuditHandler").finish_non_exhaustive()
    }
}

impl AuditHandler {
    pub fn new(log: Arc<dyn AuditLog>) -> Self {
        Self {
            log,
            poison: Poison::new("audit"),
        }
    }

    /// Each event has a span of the one transaction.
    async fn record(&self, events: &[Envelope]) -> Vec<Result<Recorded, PortError>> {
        if !traces::is_on() {
            return self.log.record(events).await;
        }
        let span = |event| TraceSpan::committed("commit audit", event, events.len());
        let spans: Vec<_> = events.iter().map(span).collect();
        let answers = self.log.record(events).await;
        for (span, answer) in spans.iter().zip(&answers) {
            if let Err(error) = answer {
                span.failed(&chain(error));
            }
        }
        answers
    }

    async fn settle(&self, event: &Envelope, answer: Result<Recorded, PortError>) -> Settle {
        match answer {
            Ok(Recorded::Fresh) => Settle::Done,
            Ok(Recorded::Duplicate) => self.poison.known(),
            // Whoever delivers has done its part. Asked to come back, a sidecar's only worker would do
            // nothing else, and the event that is waited for may be the next in its queue.
            Ok(Recorded::Kept) => {
                metrics::counter!(EARLY_TOTAL, "consumer" => "audit").increment(1);
                Settle::Done
            }
            Err(error) => {
                let counting = self.log.count_failure(event);
                self.poison.failed(event, &error, counting).await
            }
        }
    }
}

#[async_trait]
impl Handler for AuditHandler {
    async fn handle(&self, batch: &[Delivery]) -> Vec<Settle> {
        // What is at fault by its looks never gets to the log, where it would cost the whole batch
        // its fast path.
        let faults: Vec<_> = batch.iter().map(|d| fault(&d.envelope)).collect();
        let sound: Vec<_> = batch
            .iter()
            .zip(&faults)
            .filter(|(_, fault)| fault.is_none())
            .map(|(delivery, _)| delivery.envelope.clone())
            .collect();
        let mut answers = self.record(&sound).await.into_iter();
        let mut settled = Vec::with_capacity(batch.len());
        for (delivery, fault) in batch.iter().zip(faults) {
            let event = &delivery.envelope;
            let settling = async {
                match fault {
                    Some(fault) => {
                        let counting = self.log.count_failure(event);
                        self.poison.at_fault(event, fault, counting).await
                    }
                    None => match answers.next() {
                        Some(answer) => self.settle(event, answer).await,
                        // A log that owes an answer has promised nothing.
                        None => Settle::Retry,
                    },
                }
            };
            let settle = settling.instrument(traces::logs(event)).await;
            settled.push(settle);
        }
        settled
    }
}

/// What an event says of itself and cannot be true. A trail that took it down would be wrong.
fn fault(event: &Envelope) -> Option<&'static str> {
    let Some(audited) = Audited::of(event) else {
        return Some("type and data are of different kinds, or of another topic");
    };
    let Audited { old, new, .. } = audited;
    let states = || old.iter().chain(&new);
    let has_states_of_its_type = match event.kind {
        EventType::TaskCreated
        | EventType::TagCreated
        | EventType::CategoryCreated
        | EventType::SeriesCreated => old.is_none() && new.is_some(),
        EventType::TaskDeleted | EventType::TagDeleted | EventType::CategoryDeleted => {
            old.is_some() && new.is_none()
        }
        _ => old.is_some() && new.is_some(),
    };
    if event.subject != audited.entity_id {
        Some("subject and data name different ids")
    } else if audited.version == 0 {
        Some("versions start at 1")
    } else if !has_states_of_its_type {
        Some("the states before and after are not those of the type")
    } else if states().any(|state| state.entity() != audited.entity) {
        Some("a state is of another kind than the type")
    } else if states()
        .any(|state| state.id() != audited.entity_id || state.user_id() != audited.user_id)
    {
        Some("a state belongs to another id or user")
    } else if old.is_some_and(|old| old.version() >= audited.version)
        || new.is_some_and(|new| new.version() != audited.version)
    {
        Some("the version is not that of the states")
    } else {
        None
    }
}
