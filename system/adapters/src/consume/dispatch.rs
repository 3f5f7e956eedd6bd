use std::time::{Duration, Instant};

use gauntlet_contract::TopicName;
use gauntlet_ports::{Delivery, Handler, Settle};

use crate::telemetry;

/// Longest time that a handler may take over a batch.
pub(crate) const HANDLER_TIMEOUT: Duration = Duration::from_mins(1);

/// Most messages that one call of a handler settles. A batch is one transaction of the handler,
/// and its size bounds what a crash between effect and acknowledgement delivers again.
pub(crate) const BATCH_MAX: usize = 64;

/// Lets the handler settle a batch; always answers for each delivery.
///
/// A handler that does not end in time, or that answers for another number of deliveries than it
/// was given, has settled nothing: all are retried, and its inbox knows what it had done.
pub(crate) async fn dispatch(
    handler: &dyn Handler,
    topic: &TopicName,
    deliveries: &[Delivery],
) -> Vec<Settle> {
    if deliveries.is_empty() {
        return Vec::new();
    }
    let started_at = Instant::now();
    let answer = tokio::time::timeout(HANDLER_TIMEOUT, handler.handle(deliveries)).await;
    let settles = match answer {
        Ok(settles) if settles.len() == deliveries.len() => settles,
        Ok(settles) => {
            tracing::error!(
                %topic,
                deliveries = deliveries.len(),
                answers = settles.len(),
                "handler answered for another number of deliveries; all are retried"
            );
            vec![Settle::Retry; deliveries.len()]
        }
        Err(_elapsed) => {
            tracing::warn!(
                %topic,
                deliveries = deliveries.len(),
                timeout_seconds = HANDLER_TIMEOUT.as_secs(),
                "handler did not end in time; all are retried"
            );
            vec![Settle::Retry; deliveries.len()]
        }
    };
    telemetry::consumed(topic, &settles, started_at.elapsed());
    settles
}

#[cfg(test)]
mod tests {
    use super::*;
    use async_trait::async_trait;
    use gauntlet_contract::Topic;
    use gauntlet_ports::testsuite::messaging::task_event;

    struct Answers(Vec<Settle>);

    #[async_trait]
    impl Handler for Answers {
        async fn handle(&self, _batch: &[Delivery]) -> Vec<Settle> {
            self.0.clone()
        }
    }

    struct Stuck;

    #[async_trait]
    impl Handler for Stuck {
        async fn handle(&self, _batch: &[Delivery]) -> Vec<Settle> {
            std::future::pending().await
        }
    }

    fn deliveries(count: u64) -> Vec<Delivery> {
        (1..=count)
            .map(|version| Delivery {
                envelope: task_event(gauntlet_contract::TaskId::generate(), version),
                attempt: 1,
            })
            .collect()
    }

    #[tokio::test]
    async fn a_short_answer_settles_nothing() {
        let topic = TopicName::new("", Topic::TaskEvents);
        let settles = dispatch(&Answers(vec![Settle::Done]), &topic, &deliveries(2)).await;
        assert_eq!(settles, [Settle::Retry, Settle::Retry]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_stuck_handler_is_given_up() {
        let topic = TopicName::new("", Topic::TaskEvents);
        let started_at = tokio::time::Instant::now();
        let settles = dispatch(&Stuck, &topic, &deliveries(1)).await;
        assert_eq!(settles, [Settle::Retry]);
        assert_eq!(started_at.elapsed(), HANDLER_TIMEOUT);
    }
}
