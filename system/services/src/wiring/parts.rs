use std::sync::Arc;

use gauntlet_adapters::postgres::Database;
use gauntlet_ports::{AuditLog, Secret, SubscriptionSet};
use tokio_util::sync::CancellationToken;

use crate::auth::Verifier;
use crate::commands::Commands;
use crate::health::{Component, Probe};
use crate::serve::Background;
use crate::telemetry::chain;

/// What the roles contribute to the process.
#[derive(Default)]
pub(super) struct Parts {
    pub(super) verifier: Option<Arc<Verifier>>,
    pub(super) commands: Option<Commands>,
    pub(super) service_token: Option<Secret>,
    pub(super) audit: Option<Arc<dyn AuditLog>>,
    pub(super) subscriptions: SubscriptionSet,
    pub(super) probes: Vec<Probe>,
    pub(super) background: Vec<Background>,
    pub(super) stop_consuming: CancellationToken,
    pub(super) stop_relaying: CancellationToken,
}

impl Parts {
    pub(super) fn watch_database(&mut self, database: &Database) {
        let pinged = database.clone();
        let probe = Probe::new(Component::Database, "postgres", move || {
            let database = pinged.clone();
            async move { database.ping().await.map_err(|error| chain(&error)) }
        });
        self.probes.push(probe);
    }
}
