use std::collections::HashSet;

use gauntlet_contract::Envelope;
use gauntlet_ports::{Delivery, Settle, Subscription};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::dispatch::{BATCH_MAX, dispatch};

/// Deliveries that may wait for the handler. A sidecar delivers one event per partition at a time,
/// so this is far more than ever waits; past it, the request itself waits.
const QUEUE_EVENTS: usize = 1024;

/// Groups deliveries that arrive one by one into batches, without adding a wait.
///
/// Whatever has queued up while the handler worked on one batch is the next batch; an event that
/// meets an idle handler is handled at once, alone. Under load this saves commits, because a
/// batch is one transaction.
#[derive(Clone, Debug)]
pub(crate) struct Batcher {
    queue: mpsc::Sender<Pending>,
}

#[derive(Debug)]
struct Pending {
    delivery: Delivery,
    answer: oneshot::Sender<Settle>,
}

impl Batcher {
    /// A batcher, and the task behind it. The task ends after `stop` is cancelled and everything
    /// that was queued by then has its answer.
    pub(crate) fn new(
        subscription: Subscription,
        stop: CancellationToken,
    ) -> (Self, impl Future<Output = ()> + Send + 'static) {
        let (queue, waiting) = mpsc::channel(QUEUE_EVENTS);
        (Self { queue }, run(subscription, waiting, stop))
    }

    /// Has an event handled. While draining, and after, the answer is a retry.
    pub(crate) async fn submit(&self, envelope: Envelope) -> Settle {
        let (answer, settled) = oneshot::channel();
        // The transport does not tell its attempts.
        let delivery = Delivery {
            envelope,
            attempt: 1,
        };
        if self.queue.send(Pending { delivery, answer }).await.is_err() {
            return Settle::Retry;
        }
        settled.await.unwrap_or(Settle::Retry)
    }
}

async fn run(
    subscription: Subscription,
    mut waiting: mpsc::Receiver<Pending>,
    stop: CancellationToken,
) {
    let mut carried: Option<Pending> = None;
    loop {
        let first = match carried.take() {
            Some(pending) => pending,
            None => match next(&mut waiting, &stop).await {
                Some(pending) => pending,
                None => return,
            },
        };
        let mut keys = HashSet::from([first.delivery.envelope.partitionkey.clone()]);
        let (mut deliveries, mut answers) = (vec![first.delivery], vec![first.answer]);
        while deliveries.len() < BATCH_MAX
            && let Ok(pending) = waiting.try_recv()
        {
            // One event of a key per batch: whether the second may be handled depends on what
            // becomes of the first.
            if !keys.insert(pending.delivery.envelope.partitionkey.clone()) {
                carried = Some(pending);
                break;
            }
            deliveries.push(pending.delivery);
            answers.push(pending.answer);
        }
        let Subscription { topic, handler, .. } = &subscription;
        let settles = dispatch(handler.as_ref(), topic, &deliveries).await;
        for (answer, settle) in answers.into_iter().zip(settles) {
            // A requester that has gone away will deliver again, and meet the inbox.
            drop(answer.send(settle));
        }
    }
}

/// The next delivery; none once stopped and empty.
async fn next(waiting: &mut mpsc::Receiver<Pending>, stop: &CancellationToken) -> Option<Pending> {
    tokio::select! {
        // The stop first, or a steady stream of deliveries would put it off for ever.
        biased;
        () = stop.cancelled() => {
            waiting.close();
            waiting.recv().await
        }
        pending = waiting.recv() => pending,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use async_trait::async_trait;
    use futures::future::join_all;
    use gauntlet_contract::{TaskId, Topic, TopicName};
    use gauntlet_ports::Handler;
    use gauntlet_ports::testsuite::messaging::task_event;
    use tokio::sync::Semaphore;

    use super::*;

    /// Notes each batch, and works on it only once it is given a permit.
    struct Gated {
        permits: Semaphore,
        batches: Mutex<Vec<Vec<u64>>>,
    }

    #[async_trait]
    impl Handler for Gated {
        async fn handle(&self, batch: &[Delivery]) -> Vec<Settle> {
            let version = |delivery: &Delivery| delivery.envelope.data.version().unwrap();
            let versions = batch.iter().map(version).collect();
            self.batches.lock().unwrap().push(versions);
            self.permits.acquire().await.unwrap().forget();
            vec![Settle::Done; batch.len()]
        }
    }

    fn gated() -> (Arc<Gated>, Subscription) {
        let handler = Arc::new(Gated {
            permits: Semaphore::new(0),
            batches: Mutex::default(),
        });
        let subscription = Subscription {
            topic: TopicName::new("", Topic::TaskEvents),
            group: "audit".to_owned(),
            handler: Arc::clone(&handler) as Arc<dyn Handler>,
        };
        (handler, subscription)
    }

    #[tokio::test]
    async fn what_queues_up_behind_a_batch_is_the_next_batch() {
        let (handler, subscription) = gated();
        let stop = CancellationToken::new();
        let (batcher, run) = Batcher::new(subscription, stop.clone());
        let same_key = TaskId::generate();
        let events = [
            task_event(TaskId::generate(), 1),
            task_event(same_key, 2),
            task_event(TaskId::generate(), 3),
            task_event(same_key, 4),
            task_event(TaskId::generate(), 5),
        ];
        let submitted = join_all(events.map(|event| batcher.submit(event)));
        let release = async {
            handler.permits.add_permits(3);
            tokio::task::yield_now().await;
        };
        let drive = async {
            let (answers, ()) = tokio::join!(submitted, release);
            stop.cancel();
            answers
        };
        let (answers, ()) = tokio::join!(drive, run);
        assert_eq!(answers, vec![Settle::Done; 5]);
        let seen = handler.batches.lock().unwrap().clone();
        assert_eq!(seen, [vec![1, 2, 3], vec![4, 5]]);
    }

    #[tokio::test]
    async fn a_drain_settles_what_is_queued_and_refuses_the_rest() {
        let (handler, subscription) = gated();
        let stop = CancellationToken::new();
        let (batcher, run) = Batcher::new(subscription, stop.clone());
        let queued = batcher.submit(task_event(TaskId::generate(), 1));
        let drain = async {
            stop.cancel();
            handler.permits.add_permits(1);
            run.await;
        };
        let (answer, ()) = tokio::join!(queued, drain);
        assert_eq!(answer, Settle::Done);
        let late = batcher.submit(task_event(TaskId::generate(), 2)).await;
        assert_eq!(late, Settle::Retry);
    }
}
