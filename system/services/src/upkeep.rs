//! Deleting, now and then, what has been kept for long enough.

use std::fmt;
use std::time::Duration;

use futures::future::BoxFuture;
use gauntlet_ports::PortError;
use tokio::time::{Instant, MissedTickBehavior, interval_at};
use tokio_util::sync::CancellationToken;

use crate::telemetry::chain;

const EVERY: Duration = Duration::from_mins(1);
/// Rows deleted by one statement, so that none holds its locks for long.
const BATCH_MAX: u32 = 1_000;

type Purge = Box<dyn Fn(u32) -> BoxFuture<'static, Result<u64, PortError>> + Send + Sync>;

/// Something to delete: at most as many as it is told at a time. It answers how many it has deleted.
pub struct Chore {
    name: &'static str,
    purge: Purge,
}

impl Chore {
    pub fn new<F>(name: &'static str, purge: impl Fn(u32) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<u64, PortError>> + Send + 'static,
    {
        Self {
            name,
            purge: Box::new(move |limit| Box::pin(purge(limit))),
        }
    }
}

impl fmt::Debug for Chore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chore")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// A chore that is done over and over.
#[derive(Debug)]
pub struct Upkeep {
    chore: Chore,
}

impl Upkeep {
    pub fn new(chore: Chore) -> Self {
        Self { chore }
    }

    /// Runs until `stop` is cancelled. Dropping a purge midway is safe: its statement has deleted its
    /// batch or none of it.
    pub async fn run(self, stop: CancellationToken) {
        stop.run_until_cancelled(self.work()).await;
    }

    async fn work(&self) {
        // Not at once: a start has better things to do.
        let mut ticks = interval_at(Instant::now() + EVERY, EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            // A full batch means that there may be more.
            while self.batch().await == u64::from(BATCH_MAX) {}
        }
    }

    async fn batch(&self) -> u64 {
        match (self.chore.purge)(BATCH_MAX).await {
            Ok(deleted) => deleted,
            Err(error) => {
                let (what, error) = (self.chore.name, chain(&error));
                tracing::warn!(what, error, "nothing was deleted; trying again later");
                0
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use gauntlet_ports::PortErrorKind;
    use tokio::sync::watch;

    use super::*;

    /// Rows that are left, and calls so far.
    type Left = (u64, u32);

    /// Of 2,500 rows; the second call fails to delete any.
    fn chore(rows: Arc<watch::Sender<Left>>) -> Chore {
        Chore::new("rows", move |limit| {
            let (left, calls) = *rows.borrow();
            let deleted = match calls {
                1 => 0,
                _ => left.min(u64::from(limit)),
            };
            rows.send_replace((left - deleted, calls + 1));
            let failed = PortError::new(PortErrorKind::Unavailable, "rows", "purge", "planted");
            std::future::ready(if calls == 1 { Err(failed) } else { Ok(deleted) })
        })
    }

    #[tokio::test(start_paused = true)]
    async fn a_chore_goes_on_until_nothing_is_left_and_after_a_failure() {
        let rows = Arc::new(watch::Sender::new((2_500, 0)));
        let mut seen = rows.subscribe();
        let stop = CancellationToken::new();
        let began = Instant::now();
        let running = tokio::spawn(Upkeep::new(chore(rows)).run(stop.clone()));
        seen.wait_for(|(_, calls)| *calls == 2).await.unwrap();
        assert_eq!(seen.borrow().0, 1_500, "one batch, then the failure");
        assert_eq!(began.elapsed(), EVERY);
        seen.wait_for(|(left, _)| *left == 0).await.unwrap();
        assert_eq!(began.elapsed(), 2 * EVERY, "not before the next turn");
        stop.cancel();
        running.await.unwrap();
    }
}
