use std::sync::Arc;
use std::time::Duration;

use opentelemetry::Context;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Span, SpanData, SpanProcessor};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{Notify, mpsc};

use crate::telemetry::TRACE_SPANS_TOTAL;

/// Spans that may wait for the collector; about 1 KiB each. What comes on top is dropped and counted.
const WAITING_MAX: usize = 4096;
/// Spans that are posted together.
pub(super) const BATCH_MAX: usize = 512;

/// Where spans wait that have ended. Whoever ends one never waits.
#[derive(Debug)]
pub(super) struct Queue {
    waiting: mpsc::Sender<SpanData>,
    is_worth_a_batch: Arc<Notify>,
}

impl Queue {
    /// The queue, its other end, and what is notified when a batch has come together.
    pub(super) fn new() -> (Self, mpsc::Receiver<SpanData>, Arc<Notify>) {
        let (waiting, ended) = mpsc::channel(WAITING_MAX);
        let is_worth_a_batch = Arc::new(Notify::new());
        let queue = Self {
            waiting,
            is_worth_a_batch: Arc::clone(&is_worth_a_batch),
        };
        (queue, ended, is_worth_a_batch)
    }
}

/// What became of spans, one way or the other.
pub(super) fn count(outcome: &'static str, spans: usize) {
    metrics::counter!(TRACE_SPANS_TOTAL, "outcome" => outcome).increment(spans as u64);
}

impl SpanProcessor for Queue {
    fn on_start(&self, _span: &mut Span, _context: &Context) {}

    fn on_end(&self, span: SpanData) {
        match self.waiting.try_send(span) {
            Ok(()) => {
                let waiting = self.waiting.max_capacity() - self.waiting.capacity();
                if waiting >= BATCH_MAX {
                    self.is_worth_a_batch.notify_one();
                }
            }
            Err(TrySendError::Full(_)) => count("overflow", 1),
            // The process is at its end, and has told of what it left behind.
            Err(TrySendError::Closed(_)) => {}
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.is_worth_a_batch.notify_one();
        Ok(())
    }

    /// [`Traces::finish`](super::Traces::finish) flushes, and can wait.
    fn shutdown_with_timeout(&self, _timeout: Duration) -> OTelSdkResult {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;
    use opentelemetry::trace::{Tracer as _, TracerProvider as _};
    use opentelemetry_sdk::trace::SdkTracerProvider;

    use super::*;

    #[test]
    fn a_batch_that_has_come_together_is_told_of_and_the_queue_is_bounded() {
        let (queue, mut ended, is_worth_a_batch) = Queue::new();
        let provider = SdkTracerProvider::builder()
            .with_span_processor(queue)
            .build();
        let tracer = provider.tracer("test");
        let end = |count: usize| (0..count).for_each(|_| drop(tracer.start("planted")));
        let is_told = || is_worth_a_batch.notified().now_or_never().is_some();
        end(BATCH_MAX - 1);
        assert!(!is_told());
        end(1);
        assert!(is_told());
        end(2 * WAITING_MAX);
        assert_eq!(ended.len(), WAITING_MAX);
        ended.close();
        end(1);
        assert_eq!(ended.len(), WAITING_MAX);
    }
}
