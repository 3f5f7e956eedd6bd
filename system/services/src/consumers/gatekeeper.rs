use std::sync::Arc;
use std::time::Duration;

use gauntlet_ports::{AuditLog, Gap};
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::telemetry::{GAPS_TOTAL, chain};

/// How late a line may be that came too early. The question costs a look at a table that is empty as a rule.
const EVERY: Duration = Duration::from_millis(500);
/// A look that comes later than this found the process stopped, or the log out of reach.
const MISSED: Duration = Duration::from_secs(2);
/// Nearly twice what a broker takes to come back with what a crash left behind: a Kafka group's session times out
/// after 10 s, an entry of a stream is claimed again after 10 s and one turn.
const PATIENCE: Duration = Duration::from_secs(20);

/// Has the lines written that the trail's gate keeps: behind the version before, or with a gap when that one
/// has not come for long. A predecessor that was parked or lost does not stop its entity for good, and what is
/// missing can be seen by the versions.
pub struct Gatekeeper {
    log: Arc<dyn AuditLog>,
    patience: Duration,
}

impl std::fmt::Debug for Gatekeeper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gatekeeper")
            .field("patience", &self.patience)
            .finish_non_exhaustive()
    }
}

impl Gatekeeper {
    pub fn new(log: Arc<dyn AuditLog>) -> Self {
        Self {
            log,
            patience: PATIENCE,
        }
    }

    /// With another bound on how long an event is kept.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Works until stopped. Nothing is given up before it has looked on for as long as its patience without
    /// a break: while nobody could consume or write, nothing that is waited for could come.
    pub async fn run(self, stop: CancellationToken) {
        let mut looking_since = Instant::now();
        let mut looked_at = looking_since;
        let mut ticks = interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while stop.run_until_cancelled(ticks.tick()).await.is_some() {
            if looked_at.elapsed() > MISSED {
                looking_since = Instant::now();
            }
            looked_at = Instant::now();
            let patience = if looking_since.elapsed() < self.patience {
                Duration::MAX
            } else {
                self.patience
            };
            match self.log.release(patience).await {
                Ok(gaps) => gaps.iter().for_each(tell),
                Err(error) => {
                    looking_since = Instant::now();
                    let error = chain(&error);
                    tracing::warn!(error, "what the trail's gate keeps stays there for now");
                }
            }
        }
    }
}

fn tell(gap: &Gap) {
    metrics::counter!(GAPS_TOTAL, "consumer" => "audit").increment(1);
    tracing::warn!(
        entity = gap.entity.as_str(),
        entity_id = %gap.entity_id,
        version = gap.version,
        "recorded, although the version before it never came"
    );
}
