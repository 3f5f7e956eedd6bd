use gauntlet_contract::Envelope;
use gauntlet_ports::{PortError, PortErrorKind, Settle};

use crate::telemetry::{DUPLICATES_TOTAL, HANDLED_FAILURES_TOTAL, chain};

/// An event that failed this often through its own fault is parked.
const HANDLED_FAILURES_MAX: u32 = 3;

/// What every consumer makes of the outcome of an event.
///
/// A failure that is the event's own fault is counted in the consumer's inbox, and the third one
/// dead-letters it. Every other failure is the surroundings' fault and is retried without bound: counting
/// those would park healthy events whenever a database is away for a moment.
///
/// `counting` counts one more failure of the event and answers how many there are; it is awaited only
/// where there is one to count.
#[derive(Clone, Copy, Debug)]
pub struct Poison {
    consumer: &'static str,
}

impl Poison {
    /// `consumer` names it in metrics and logs.
    pub fn new(consumer: &'static str) -> Self {
        Self { consumer }
    }

    /// The inbox knew the event: its effect is there.
    pub fn known(&self) -> Settle {
        metrics::counter!(DUPLICATES_TOTAL, "consumer" => self.consumer).increment(1);
        Settle::Done
    }

    /// A port failed while the event was handled. `Invalid` is the event's own fault.
    pub async fn failed(
        &self,
        event: &Envelope,
        error: &PortError,
        counting: impl Future<Output = Result<u32, PortError>>,
    ) -> Settle {
        if error.kind == PortErrorKind::Invalid {
            return self.at_fault(event, &chain(error), counting).await;
        }
        self.retry(event, &chain(error))
    }

    /// The surroundings are at fault, for this reason.
    pub fn retry(&self, event: &Envelope, reason: &str) -> Settle {
        tracing::warn!(consumer = self.consumer, event_id = %event.id, error = reason, "to be retried");
        Settle::Retry
    }

    /// The event itself is at fault, for this reason.
    pub async fn at_fault(
        &self,
        event: &Envelope,
        reason: &str,
        counting: impl Future<Output = Result<u32, PortError>>,
    ) -> Settle {
        let consumer = self.consumer;
        metrics::counter!(HANDLED_FAILURES_TOTAL, "consumer" => consumer).increment(1);
        let failures = match counting.await {
            Ok(failures) => failures,
            // What cannot even be counted would otherwise be retried for ever.
            Err(error) if error.kind == PortErrorKind::Invalid => HANDLED_FAILURES_MAX,
            Err(error) => return self.retry(event, &chain(&error)),
        };
        tracing::warn!(consumer, event_id = %event.id, failures, reason, "failed through its own fault");
        if failures < HANDLED_FAILURES_MAX {
            Settle::Retry
        } else {
            Settle::DeadLetter(reason.to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::ready;

    use gauntlet_contract::UserId;
    use gauntlet_ports::testsuite::storage::sample;

    use super::*;

    fn error(kind: PortErrorKind) -> PortError {
        PortError::new(kind, "a port", "do it", "planted")
    }

    fn event() -> Envelope {
        sample::event(None, Some(&sample::task(UserId::generate(), "any")))
    }

    #[tokio::test]
    async fn only_what_is_the_events_own_fault_is_counted() {
        let poison = Poison::new("test");
        for kind in [
            PortErrorKind::NotFound,
            PortErrorKind::Conflict,
            PortErrorKind::Timeout,
            PortErrorKind::Unavailable,
            PortErrorKind::Internal,
        ] {
            let counting = async { panic!("{kind:?} was counted") };
            let settle = poison.failed(&event(), &error(kind), counting).await;
            assert_eq!(settle, Settle::Retry, "{kind:?}");
        }
    }

    #[tokio::test]
    async fn the_third_count_parks_and_an_inbox_that_is_away_parks_nothing() {
        let poison = Poison::new("test");
        let invalid = error(PortErrorKind::Invalid);
        let settle = async |count| poison.failed(&event(), &invalid, ready(count)).await;
        assert_eq!(settle(Ok(2)).await, Settle::Retry);
        assert!(matches!(settle(Ok(3)).await, Settle::DeadLetter(_)));
        assert!(matches!(settle(Ok(4)).await, Settle::DeadLetter(_)));
        let away = Err(error(PortErrorKind::Unavailable));
        assert_eq!(settle(away).await, Settle::Retry);
        let uncountable = Err(error(PortErrorKind::Invalid));
        assert!(matches!(settle(uncountable).await, Settle::DeadLetter(_)));
    }
}
