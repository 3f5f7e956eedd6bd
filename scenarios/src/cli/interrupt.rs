use std::time::Duration;

use anyhow::{Context, Result};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// What was interrupted in the midst of a fetch ends its tools at once and removes their scratch space,
/// which takes a few seconds where a build had filled it. What is left then is swept at the next start.
pub(super) const CLEARED_WITHIN: Duration = Duration::from_secs(15);

/// A token that is cancelled by the first SIGINT or SIGTERM, so that the work can stop in good order.
/// The second one ends the process at once; its children then die with it.
pub(super) fn token() -> Result<CancellationToken> {
    let listen = |kind| signal(kind).context("failed to listen for signals");
    let mut interrupts = listen(SignalKind::interrupt())?;
    let mut terminations = listen(SignalKind::terminate())?;
    let token = CancellationToken::new();
    let cancelled = token.clone();
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = interrupts.recv() => {}
                _ = terminations.recv() => {}
            }
            if cancelled.is_cancelled() {
                std::process::exit(i32::from(
                    gauntlet_reports::evidence::ExitStatus::HarnessFailure.code(),
                ));
            }
            cancelled.cancel();
        }
    });
    Ok(token)
}
