use std::sync::Arc;
use std::time::Duration;

use gauntlet_ports::{OutboxQueue, Sent};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use super::backoff::Backoff;
use crate::telemetry::chain;

/// Marks written in one statement. A statement is under way while the next ones gather, so under
/// load marks come in batches, and alone they do not wait.
const BATCH_MAX: usize = 512;
const BACKOFF_FIRST: Duration = Duration::from_millis(20);
const BACKOFF_MAX: Duration = Duration::from_secs(1);

#[derive(Debug)]
enum Mark {
    Sent(Sent, oneshot::Sender<()>),
    Attempted(i64),
}

/// Hands marks to the one task that writes them.
#[derive(Clone, Debug)]
pub(super) struct Marker(mpsc::Sender<Mark>);

impl Marker {
    /// Starts the task. It ends when every clone of the marker is gone and all is written.
    pub(super) fn start(queue: Arc<dyn OutboxQueue>) -> (Self, JoinHandle<()>) {
        let (sender, receiver) = mpsc::channel(BATCH_MAX);
        (Self(sender), tokio::spawn(write(queue, receiver)))
    }

    /// Waits until the proof is written: until then the event counts as unsent.
    pub(super) async fn sent(&self, sent: Sent) {
        let (written, wait) = oneshot::channel();
        if self.0.send(Mark::Sent(sent, written)).await.is_ok() {
            // An error means that the task is gone and the process is ending; the event will be
            // published again by whoever holds the lease next.
            drop(wait.await);
        }
    }

    /// Counts an attempt. A count that gets lost costs no event, so nobody waits for it.
    pub(super) async fn attempted(&self, seq: i64) {
        drop(self.0.send(Mark::Attempted(seq)).await);
    }
}

async fn write(queue: Arc<dyn OutboxQueue>, mut marks: mpsc::Receiver<Mark>) {
    let mut batch = Vec::with_capacity(BATCH_MAX);
    while marks.recv_many(&mut batch, BATCH_MAX).await > 0 {
        let mut sent = Vec::new();
        let mut written = Vec::new();
        let mut attempted = Vec::new();
        for mark in batch.drain(..) {
            match mark {
                Mark::Sent(proof, answer) => {
                    sent.push(proof);
                    written.push(answer);
                }
                Mark::Attempted(seq) => attempted.push(seq),
            }
        }
        if !sent.is_empty() {
            write_sent(queue.as_ref(), &sent).await;
        }
        for answer in written {
            // Nobody waits any more when the relay was dropped, which is no concern of ours.
            answer.send(()).ok();
        }
        if !attempted.is_empty()
            && let Err(error) = queue.mark_attempted(&attempted).await
        {
            tracing::debug!(error = chain(&error), "attempts were not counted");
        }
    }
}

/// Tries until it is written: giving up would publish everything in the batch once more.
async fn write_sent(queue: &dyn OutboxQueue, sent: &[Sent]) {
    let mut backoff = Backoff::new(BACKOFF_FIRST, BACKOFF_MAX);
    loop {
        match queue.mark_sent(sent).await {
            Ok(marked) => {
                let fenced = sent.len() as u64 - marked.min(sent.len() as u64);
                if fenced > 0 {
                    tracing::warn!(fenced, "marks came after the lease was lost");
                }
                return;
            }
            Err(error) => {
                tracing::warn!(
                    error = chain(&error),
                    "published events could not be marked"
                );
                tokio::time::sleep(backoff.next_wait()).await;
            }
        }
    }
}
