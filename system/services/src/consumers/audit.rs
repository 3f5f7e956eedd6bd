use std::sync::Arc;

use async_trait::async_trait;
use gauntlet_contract::Envelope;
use gauntlet_ports::{AuditLog, Delivery, Handler, PortError, PortErrorKind, Recorded, Settle};

use crate::telemetry::{DUPLICATES_TOTAL, HANDLED_FAILURES_TOTAL, chain};

/// An event that failed this often through its own fault is parked.
const HANDLED_FAILURES_MAX: u32 = 3;
const CONSUMER: &str = "audit";

/// Writes every task event into the audit trail, once.
///
/// A failure that is the event's own fault is counted in its inbox, and the third one dead-letters
/// it. Every other failure is the surroundings' fault and is retried without bound: counting those
/// would park healthy events whenever the database is away for a moment.
pub struct AuditHandler {
    log: Arc<dyn AuditLog>,
}

impl std::fmt::Debug for AuditHandler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AuditHandler").finish_non_exhaustive()
    }
}

impl AuditHandler {
    pub fn new(log: Arc<dyn AuditLog>) -> Self {
        Self { log }
    }

    async fn settle(&self, event: &Envelope, answer: Result<Recorded, PortError>) -> Settle {
        match answer {
            Ok(Recorded::Fresh) => Settle::Done,
            Ok(Recorded::Duplicate) => {
                metrics::counter!(DUPLICATES_TOTAL, "consumer" => CONSUMER).increment(1);
                Settle::Done
            }
            Err(error) if error.kind == PortErrorKind::Invalid => {
                self.count_against(event, &chain(&error)).await
            }
            Err(error) => {
                tracing::warn!(event_id = %event.id, error = chain(&error), "to be retried");
                Settle::Retry
            }
        }
    }

    async fn count_against(&self, event: &Envelope, reason: &str) -> Settle {
        metrics::counter!(HANDLED_FAILURES_TOTAL, "consumer" => CONSUMER).increment(1);
        let failures = match self.log.count_failure(event).await {
            Ok(failures) => failures,
            // What cannot even be counted would otherwise be retried for ever.
            Err(error) if error.kind == PortErrorKind::Invalid => HANDLED_FAILURES_MAX,
            Err(_) => return Settle::Retry,
        };
        tracing::warn!(event_id = %event.id, failures, reason, "failed through its own fault");
        if failures < HANDLED_FAILURES_MAX {
            Settle::Retry
        } else {
            Settle::DeadLetter(reason.to_owned())
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
        let mut answers = self.log.record(&sound).await.into_iter();
        let mut settled = Vec::with_capacity(batch.len());
        for (delivery, fault) in batch.iter().zip(faults) {
            let event = &delivery.envelope;
            let settle = match fault {
                Some(fault) => self.count_against(event, fault).await,
                None => match answers.next() {
                    Some(answer) => self.settle(event, answer).await,
                    // A log that owes an answer has promised nothing.
                    None => Settle::Retry,
                },
            };
            settled.push(settle);
        }
        settled
    }
}

/// What an event says of itself and cannot be true. A trail that took it down would be wrong.
fn fault(event: &Envelope) -> Option<&'static str> {
    let data = &event.data;
    let states = [data.old.as_ref(), data.new.as_ref()];
    let is_of_the_task =
        |task: &gauntlet_contract::Task| task.id == data.task_id && task.user_id == data.user_id;
    if event.subject != data.task_id {
        Some("subject and data name different tasks")
    } else if data.version == 0 {
        Some("versions start at 1")
    } else if data.old.is_none() && data.new.is_none() {
        Some("neither a state before nor one after")
    } else if !states.into_iter().flatten().all(is_of_the_task) {
        Some("a state belongs to another task or user")
    } else {
        None
    }
}
