use std::fmt;
use std::sync::Arc;

use futures::future::BoxFuture;
use gauntlet_contract::TopicName;

use super::{Handler, ReadySignal};
use crate::error::PortError;

/// One topic and who handles it.
#[derive(Clone)]
pub struct Subscription {
    pub topic: TopicName,
    /// Consumer group: replicas of one role share it, different roles never do.
    pub group: String,
    pub handler: Arc<dyn Handler>,
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription")
            .field("topic", &self.topic)
            .field("group", &self.group)
            .finish_non_exhaustive()
    }
}

/// Everything that a process consumes. It is fixed before the process serves, because Dapr reads
/// it once, at its start.
#[derive(Clone, Debug, Default)]
pub struct SubscriptionSet {
    subscriptions: Vec<Subscription>,
}

impl SubscriptionSet {
    #[must_use]
    pub fn with(mut self, subscription: Subscription) -> Self {
        self.subscriptions.push(subscription);
        self
    }

    pub fn iter(&self) -> impl Iterator<Item = &Subscription> {
        self.subscriptions.iter()
    }

    pub fn is_empty(&self) -> bool {
        self.subscriptions.is_empty()
    }
}

/// A subscription set brought to life by a backend: routes to serve (Dapr pushes), a task to run
/// (direct mode pulls), or both. `run` ends when its cancellation token is cancelled and all that
/// it had taken on is settled.
pub struct Ingress {
    pub router: Option<axum::Router>,
    /// Whether events can arrive; for the readiness probe.
    pub ready: ReadySignal,
    pub run: BoxFuture<'static, Result<(), PortError>>,
}

impl fmt::Debug for Ingress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ingress")
            .field("router", &self.router.is_some())
            .finish_non_exhaustive()
    }
}
