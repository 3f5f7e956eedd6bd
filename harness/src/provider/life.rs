//! What is the same of a service's life whoever runs it: how it is waited for, asked, and mourned.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::watch;

use super::{
    Exit, Health, RunContext, ServiceId, ServiceSpec, UnexpectedExit, micros_since_epoch, output,
    until,
};
use crate::error::{StackError, StackErrorKind};

/// One run of a service's program, from its start to its end.
#[derive(Debug, Clone)]
pub(super) struct Life {
    end: watch::Receiver<Option<Exit>>,
    /// Set before a signal that ends it is sent.
    asked_to_end: Arc<AtomicBool>,
}

/// Whoever sees the end first-hand, and tells those who have to know.
#[derive(Debug)]
pub(super) struct Witness {
    service: ServiceId,
    run: Arc<RunContext>,
    log: PathBuf,
    asked_to_end: Arc<AtomicBool>,
    end: watch::Sender<Option<Exit>>,
}

pub(super) fn begin(service: &ServiceId, run: &Arc<RunContext>, log: &Path) -> (Life, Witness) {
    let (sender, end) = watch::channel(None);
    let asked_to_end = Arc::new(AtomicBool::new(false));
    let witness = Witness {
        service: service.clone(),
        run: Arc::clone(run),
        log: log.to_owned(),
        asked_to_end: Arc::clone(&asked_to_end),
        end: sender,
    };
    (Life { end, asked_to_end }, witness)
}

impl Witness {
    pub(super) fn service(&self) -> &ServiceId {
        &self.service
    }

    pub(super) fn tell(self, exit: Exit) {
        if !self.asked_to_end.load(Ordering::Acquire) {
            tracing::warn!(service = %self.service, %exit, "ended unexpectedly");
            self.run.record_unexpected(UnexpectedExit {
                service: self.service,
                exit,
                at_micros: micros_since_epoch(),
                last_output: output::last_lines(&self.log),
            });
        }
        self.end.send_replace(Some(exit));
    }
}

impl Life {
    pub(super) fn exit(&self) -> Option<Exit> {
        *self.end.borrow()
    }

    pub(super) async fn ended(&self) -> Exit {
        let mut end = self.end.clone();
        match end.wait_for(Option::is_some).await {
            Ok(exit) => exit.unwrap_or(Exit::Code(-1)),
            // The witness goes without a word only with the runtime, and the service with it.
            Err(_) => Exit::Signal(nix::sys::signal::Signal::SIGKILL as i32),
        }
    }

    /// From now on its end surprises nobody.
    pub(super) fn expect_end(&self) {
        self.asked_to_end.store(true, Ordering::Release);
    }

    /// Waits until the service says that it is ready, or has ended.
    pub(super) async fn ready(
        &self,
        spec: &ServiceSpec,
        log: &Path,
        within: Duration,
    ) -> Result<Duration, StackError> {
        let probe = Arc::clone(&spec.readiness);
        let what = format!("{} at {}", spec.id, probe.target());
        tokio::select! {
            exit = self.ended() => Err(died(&spec.id, log, exit)),
            answer = until(what, within, || probe.ask()) => match answer {
                Ok(((), took)) => Ok(took),
                Err(waited) => Err(StackError::new(
                    StackErrorKind::NotReady,
                    format!("start {}", spec.id),
                    format!("see {}", log.display()),
                )
                .because(waited)
                .with_output(output::last_lines(log))),
            },
        }
    }

    pub(super) async fn health(&self, spec: &ServiceSpec) -> Health {
        if let Some(exit) = self.exit() {
            return Health::Exited(exit);
        }
        match spec.readiness.ask().await {
            Ok(()) => Health::Healthy,
            Err(status) => self
                .exit()
                .map_or(Health::Unhealthy(status), Health::Exited),
        }
    }
}

fn died(service: &ServiceId, log: &Path, exit: Exit) -> StackError {
    StackError::new(
        StackErrorKind::Died,
        format!("start {service}, it ended with {exit}"),
        format!("see {}", log.display()),
    )
    .with_exit(exit)
    .with_output(output::last_lines(log))
}

/// The refusal to bring back what was stopped for good.
pub(super) fn stopped_for_good(service: &ServiceId) -> StackError {
    StackError::new(
        StackErrorKind::Stopped,
        format!("restart {service}, which was stopped for good"),
        "heal faults before stopping the stack",
    )
}
