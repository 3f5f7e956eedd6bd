use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use gauntlet_contract::{Envelope, EventId};
use tokio::sync::watch;

use crate::messaging::{Delivery, Handler, Settle};

/// How long a backend may take to bring about what a case waits for. A fresh Kafka group takes
/// several seconds to its first delivery; a pass never waits this long.
pub const SETTLE_WITHIN: Duration = Duration::from_secs(30);

type Rule = Box<dyn Fn(&Delivery, usize) -> Settle + Send + Sync>;

/// A handler that answers by a rule, and remembers what it was given and what it answered.
pub struct Recorder {
    rule: Rule,
    log: Mutex<Vec<(Envelope, Settle)>>,
    grown: watch::Sender<usize>,
}

impl std::fmt::Debug for Recorder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Recorder")
            .field("handled", &self.log().len())
            .finish_non_exhaustive()
    }
}

impl Recorder {
    /// The rule is given a delivery, and how often the same event was handled before.
    pub fn answering(rule: impl Fn(&Delivery, usize) -> Settle + Send + Sync + 'static) -> Self {
        Self {
            rule: Box::new(rule),
            log: Mutex::default(),
            grown: watch::Sender::new(0),
        }
    }

    /// Settles everything as done.
    pub fn accepting() -> Self {
        Self::answering(|_, _| Settle::Done)
    }

    /// How often the event was handled.
    pub fn times(&self, id: EventId) -> usize {
        self.log()
            .iter()
            .filter(|(event, _)| event.id == id)
            .count()
    }

    /// The events that were answered with `Done`, in the order of their answers.
    pub fn done(&self) -> Vec<Envelope> {
        self.log()
            .iter()
            .filter(|(_, settle)| *settle == Settle::Done)
            .map(|(event, _)| event.clone())
            .collect()
    }

    /// Waits until `condition` holds of this recorder. Panics with `what` after
    /// [`SETTLE_WITHIN`].
    pub async fn until(&self, what: &str, condition: impl Fn(&Self) -> bool) {
        let mut grown = self.grown.subscribe();
        let wait = grown.wait_for(|_| condition(self));
        let ended = tokio::time::timeout(SETTLE_WITHIN, wait).await;
        assert!(
            ended.is_ok(),
            "waited {SETTLE_WITHIN:?} for: {what}; handled so far: {:?}",
            self.summary()
        );
    }

    fn summary(&self) -> Vec<(String, Option<u64>, Settle)> {
        self.log()
            .iter()
            .map(|(event, settle)| (event.id.to_string(), event.data.version(), settle.clone()))
            .collect()
    }

    fn log(&self) -> MutexGuard<'_, Vec<(Envelope, Settle)>> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Handler for Recorder {
    async fn handle(&self, batch: &[Delivery]) -> Vec<Settle> {
        let settles: Vec<Settle> = batch
            .iter()
            .map(|delivery| (self.rule)(delivery, self.times(delivery.envelope.id)))
            .collect();
        let length = {
            let mut log = self.log();
            let events = batch.iter().map(|delivery| delivery.envelope.clone());
            log.extend(events.zip(settles.clone()));
            log.len()
        };
        // With the log unlocked: a waiter looks at the log while it holds the channel.
        self.grown.send_replace(length);
        settles
    }
}
