use std::time::Duration;

use gauntlet_ports::OutboxQueue;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use super::settings::{RelaySettings, Retention};
use crate::telemetry::{OUTBOX_PURGED_TOTAL, chain};

/// Deletes from the outbox what was published longer ago than it has to be kept, now and then, for
/// ever. Only a relay that holds leases deletes anything. Dropping it midway is safe: a statement
/// that is cut short has deleted its batch or none of it.
pub(super) async fn purge(queue: &dyn OutboxQueue, settings: RelaySettings) {
    let Retention::For(retention) = settings.retention else {
        return;
    };
    // Not at once: a start has better things to do, and has no lease yet.
    let first = Instant::now() + settings.purge_every;
    let mut ticks = interval_at(first, settings.purge_every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        // A full batch means that there may be more.
        while purge_batch(queue, retention, settings).await == u64::from(settings.purge_max) {}
    }
}

/// Answers how many events were deleted; none where the outbox did not answer.
async fn purge_batch(queue: &dyn OutboxQueue, retention: Duration, settings: RelaySettings) -> u64 {
    match queue.purge_sent(retention, settings.purge_max).await {
        Ok(purged) => {
            metrics::counter!(OUTBOX_PURGED_TOTAL, "outbox" => settings.outbox).increment(purged);
            purged
        }
        Err(error) => {
            let error = chain(&error);
            tracing::warn!(
                error,
                "published events were not purged; trying again later"
            );
            0
        }
    }
}
