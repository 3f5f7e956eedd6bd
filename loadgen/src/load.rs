use tokio::sync::{oneshot, watch};
use tokio_util::sync::CancellationToken;

use crate::error::{LoadError, LoadErrorKind};
use crate::progress::Progress;
use crate::record::LoadRecord;

/// A load that is running. Dropped, it stops.
#[derive(Debug)]
pub struct Load {
    progress: watch::Receiver<Progress>,
    finished: oneshot::Receiver<Result<LoadRecord, LoadError>>,
    cancel: CancellationToken,
}

impl Load {
    pub(crate) fn new(
        progress: watch::Receiver<Progress>,
        finished: oneshot::Receiver<Result<LoadRecord, LoadError>>,
        cancel: CancellationToken,
    ) -> Load {
        Load {
            progress,
            finished,
            cancel,
        }
    }

    /// The load as it stands, for a display that polls.
    pub fn progress(&self) -> Progress {
        *self.progress.borrow()
    }

    /// The same as a channel, for a display that waits and outlives this handle.
    pub fn watch(&self) -> watch::Receiver<Progress> {
        self.progress.clone()
    }

    /// Waits until `wanted` operations were acknowledged. An error, at once, if the load ends with
    /// fewer.
    pub async fn acknowledged_at_least(&self, wanted: u64) -> Result<Progress, LoadError> {
        self.reaches(wanted, "acknowledged", |progress| progress.acknowledged)
            .await
    }

    /// Waits until `wanted` operations were started, whatever became of them. An error, at once, if
    /// the load ends with fewer.
    pub async fn offered_at_least(&self, wanted: u64) -> Result<Progress, LoadError> {
        self.reaches(wanted, "offered", |progress| progress.offered)
            .await
    }

    /// Stops offering. What is under way is still waited for, up to the time-out.
    pub fn stop(&self) {
        self.cancel.cancel();
    }

    /// Waits for the end of the load and of everything under way.
    pub async fn finish(mut self) -> Result<LoadRecord, LoadError> {
        self.ended().await
    }

    /// The same for a wait that may be given up: it can be taken up again, and the record is not lost
    /// meanwhile. The record is given away once; whoever asks again is told that the load died.
    pub async fn ended(&mut self) -> Result<LoadRecord, LoadError> {
        if self.finished.is_terminated() {
            return Err(LoadError::new(LoadErrorKind::Died));
        }
        match (&mut self.finished).await {
            Ok(record) => record,
            Err(_) => Err(LoadError::new(LoadErrorKind::Died)),
        }
    }

    pub(crate) fn stopper(&self) -> CancellationToken {
        self.cancel.clone()
    }

    async fn reaches(
        &self,
        wanted: u64,
        what: &'static str,
        figure: impl Fn(&Progress) -> u64,
    ) -> Result<Progress, LoadError> {
        let mut progress = self.progress.clone();
        let now = progress
            .wait_for(|progress| progress.ended || figure(progress) >= wanted)
            .await
            .map(|progress| *progress)
            // The sender is gone without a last snapshot: the load's thread died.
            .map_err(|_| LoadError::new(LoadErrorKind::Died))?;
        let reached = figure(&now);
        if reached < wanted {
            return Err(LoadError::new(LoadErrorKind::EndedEarly {
                what,
                wanted,
                reached,
            }));
        }
        Ok(now)
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}
