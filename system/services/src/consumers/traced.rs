use std::sync::Arc;

use async_trait::async_trait;
use gauntlet_contract::TopicName;
use gauntlet_ports::{Delivery, Handler, Settle};

use crate::traces::{self, TraceSpan};

/// The handler with a span for each delivery, as a member of `group`; the handler itself where spans go
/// nowhere. What it is given names the span of its delivery as its parent, so that whatever comes of the event
/// is below it.
pub fn traced(handler: Arc<dyn Handler>, topic: &TopicName, group: &str) -> Arc<dyn Handler> {
    if !traces::is_on() {
        return handler;
    }
    Arc::new(Traced {
        handler,
        topic: topic.clone(),
        group: group.to_owned(),
    })
}

struct Traced {
    handler: Arc<dyn Handler>,
    topic: TopicName,
    group: String,
}

/// Spans of deliveries that wait for what becomes of them. A handler that is cut off leaves them behind.
struct Unsettled(Vec<TraceSpan>);

impl Unsettled {
    fn settle(mut self, settles: &[Settle]) {
        // Of an answer that fits nothing, whoever delivers makes nothing either.
        if settles.len() != self.0.len() {
            return;
        }
        for (span, settle) in self.0.drain(..).zip(settles) {
            span.settled(settle);
        }
    }
}

impl Drop for Unsettled {
    fn drop(&mut self) {
        for span in &self.0 {
            span.failed("not settled");
        }
    }
}

#[async_trait]
impl Handler for Traced {
    async fn handle(&self, batch: &[Delivery]) -> Vec<Settle> {
        let mut batch = batch.to_vec();
        let mut spans = Unsettled(Vec::with_capacity(batch.len()));
        for Delivery { envelope, .. } in &mut batch {
            let span = TraceSpan::processed(&self.topic, &self.group, envelope);
            if let Some(own) = span.traceparent() {
                envelope.traceparent = Some(own.to_owned());
            }
            spans.0.push(span);
        }
        let settles = self.handler.handle(&batch).await;
        spans.settle(&settles);
        settles
    }
}
