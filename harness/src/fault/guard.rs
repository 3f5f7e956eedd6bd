use std::sync::Arc;

use futures::future::{join_all, try_join_all};
use tokio::runtime::Handle;

use super::Fault;
use crate::error::StackError;
use crate::provider::{Instance, Signal, micros_since_epoch};

/// A fault in force.
///
/// Healing is a deed of its own, with a time that belongs into the ledger. A guard that is dropped
/// unhealed says so and heals as well as it can, so that a scenario that gave up does not spoil the next.
#[derive(Debug)]
#[must_use = "a fault is in force until its guard heals it"]
pub struct FaultGuard {
    fault: Fault,
    targets: Vec<Arc<dyn Instance>>,
    struck_at_micros: i64,
    healed: bool,
}

/// When a fault ended. Times are microseconds since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Healed {
    pub struck_at_micros: i64,
    /// When healing began.
    pub healed_at_micros: i64,
    /// When every target said that it was ready again.
    pub ready_at_micros: i64,
}

impl FaultGuard {
    /// Does the deed and returns once it is done: killed processes are gone.
    pub async fn strike(fault: Fault, targets: Vec<Arc<dyn Instance>>) -> Result<Self, StackError> {
        let struck_at_micros = micros_since_epoch();
        let guard = Self {
            fault,
            targets,
            struck_at_micros,
            healed: false,
        };
        match &guard.fault {
            Fault::Kill(_) => {
                guard.signal(Signal::Kill).await?;
                join_all(guard.targets.iter().map(|target| target.ended())).await;
            }
            Fault::Pause(_) => guard.signal(Signal::Pause).await?,
            Fault::Restart(_) => guard.restart().await?,
        }
        Ok(guard)
    }

    pub fn fault(&self) -> &Fault {
        &self.fault
    }

    /// Microseconds since the Unix epoch.
    pub fn struck_at_micros(&self) -> i64 {
        self.struck_at_micros
    }

    /// Undoes the fault and waits until every target is ready again.
    pub async fn heal(mut self) -> Result<Healed, StackError> {
        // Set first: a heal that fails has its own error, and a second try would not help it.
        self.healed = true;
        let healed_at_micros = micros_since_epoch();
        match self.fault {
            Fault::Kill(_) => self.restart().await?,
            Fault::Pause(_) => self.signal(Signal::Resume).await?,
            Fault::Restart(_) => {}
        }
        try_join_all(
            self.targets
                .iter()
                .map(|target| target.ready(target.ready_within())),
        )
        .await?;
        Ok(Healed {
            struck_at_micros: self.struck_at_micros,
            healed_at_micros,
            ready_at_micros: micros_since_epoch(),
        })
    }

    async fn signal(&self, signal: Signal) -> Result<(), StackError> {
        try_join_all(self.targets.iter().map(|target| target.signal(signal)))
            .await
            .map(|_| ())
    }

    async fn restart(&self) -> Result<(), StackError> {
        try_join_all(self.targets.iter().map(|target| target.restart()))
            .await
            .map(|_| ())
    }
}

impl Drop for FaultGuard {
    fn drop(&mut self) {
        if self.healed {
            return;
        }
        tracing::error!(fault = %self.fault, "dropped unhealed, healing as well as possible");
        let Ok(runtime) = Handle::try_current() else {
            return;
        };
        let targets = std::mem::take(&mut self.targets);
        let fault = self.fault.clone();
        runtime.spawn(async move {
            for target in targets {
                let outcome = match fault {
                    Fault::Kill(_) => target.restart().await,
                    Fault::Pause(_) => target.signal(Signal::Resume).await,
                    Fault::Restart(_) => Ok(()),
                };
                if let Err(error) = outcome {
                    tracing::error!(service = %target.id(), %error, "failed to heal");
                }
            }
        });
    }
}
