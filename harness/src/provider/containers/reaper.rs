//! The last of a run in the engine, whatever becomes of the harness.
//!
//! Containers are children of the engine and not of the harness, so no signal of the kernel ends them with
//! it. A process of its own holds the other end of a pipe; when the harness lets go of its end, by
//! intention or by SIGKILL, it removes everything that carries the run's id.

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{ExitCode, Stdio};
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::process::{Child, ChildStdin, Command};

use super::engine::Engine;
use super::remove::{Belongings, remove_run};
use crate::error::{StackError, StackErrorKind};
use crate::provider::until;

/// The subcommand under which the harness's executable must call [`run`].
pub const SUBCOMMAND: &str = "reap-containers";
/// Says that nothing is left to reap. Without it the end of the pipe means that the harness is dead.
const DISMISSED: &[u8] = b".";
/// A request of the dead harness that the engine was still working on may bear fruit this much later.
const WATCHED_FOR: Duration = Duration::from_secs(3);
/// The engine may be restarted under the reaper's hands.
const GIVEN_UP_AFTER: Duration = Duration::from_mins(2);
/// It finds nothing to do in milliseconds; what is left after a failure is a dozen containers.
const ENDED_WITHIN: Duration = Duration::from_secs(40);

/// The harness's end. Dropping it sets the reaper to work.
#[derive(Debug)]
pub(super) struct Reaper {
    child: Child,
    line: Option<ChildStdin>,
}

impl Reaper {
    /// Starts it, before the run has anything in the engine.
    pub(super) fn start(shim: &Path, run_id: &str) -> Result<Self, StackError> {
        let mut command = std::process::Command::new(shim);
        command
            .args([SUBCOMMAND, run_id])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // A group of its own: neither an interrupt in the terminal nor a kill of the harness's group is
            // meant for it.
            .process_group(0);
        let mut child = Command::from(command)
            .spawn()
            .map_err(|error| StackError::io("start the reaper of containers", shim, error))?;
        let line = child.stdin.take();
        Ok(Self { child, line })
    }

    /// Sends it home, when nothing is left to reap.
    pub(super) async fn dismiss(mut self) -> Result<(), StackError> {
        if let Some(mut line) = self.line.take() {
            // It may have ended for another reason; waiting for it tells.
            let _ = line.write_all(DISMISSED).await;
        }
        let late = |what: &str| {
            StackError::new(
                StackErrorKind::Engine,
                what,
                "see whether the container engine still answers",
            )
        };
        match tokio::time::timeout(ENDED_WITHIN, self.child.wait()).await {
            Ok(Ok(status)) if status.success() => Ok(()),
            Ok(Ok(status)) => Err(late("see that no container is left").with_exit(status.into())),
            Ok(Err(error)) => Err(late("wait for the reaper of containers").because(error)),
            Err(_) => Err(late("see that no container is left, in time")),
        }
    }
}

/// Waits until standard input is closed, and removes everything that carries the run's id, the one
/// argument.
pub fn run(mut arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let Some(run_id) = arguments.next().and_then(|id| id.into_string().ok()) else {
        let _ = writeln!(
            io::stderr(),
            "gauntlet {SUBCOMMAND}: expected the id of a run"
        );
        return ExitCode::from(2);
    };
    let mut word = Vec::new();
    // It ends when the last holder of the other end is gone.
    let _ = io::stdin().read_to_end(&mut word);
    let was_dismissed = word == DISMISSED;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    match runtime.map(|runtime| runtime.block_on(reap_all(&run_id, was_dismissed))) {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(error)) => fail(&error),
        Err(error) => fail(&error),
    }
}

fn fail(error: &dyn std::fmt::Display) -> ExitCode {
    let _ = writeln!(io::stderr(), "gauntlet {SUBCOMMAND}: failed to {error}");
    ExitCode::FAILURE
}

async fn reap_all(run_id: &str, was_dismissed: bool) -> Result<(), StackError> {
    let reaped = until(
        "the containers of a dead run to be gone",
        GIVEN_UP_AFTER,
        || reap(run_id, was_dismissed),
    );
    reaped.await.map(|_| ()).map_err(|waited| {
        StackError::new(
            StackErrorKind::Engine,
            format!("remove the containers of run {run_id}"),
            "run `gauntlet down` when the engine answers again: it sweeps what dead runs left",
        )
        .because(waited)
    })
}

/// After a dismissal done when nothing is left. Else only when nothing came for a while: the harness may have
/// died over a request that the engine is still working on.
async fn reap(run_id: &str, was_dismissed: bool) -> Result<(), StackError> {
    let engine = Engine::connect().await?;
    remove_run(&engine, run_id).await?;
    if was_dismissed {
        return Ok(());
    }
    let more = until("more of a dead run", WATCHED_FOR, || async {
        match Belongings::of_run(&engine, run_id).await {
            Ok(late) if late.is_empty() => Err("nothing more".to_owned()),
            Ok(late) => Ok(late),
            Err(error) => Err(error.to_string()),
        }
    });
    match more.await {
        Err(_) => Ok(()),
        Ok((late, _)) => Err(StackError::new(
            StackErrorKind::Engine,
            format!("be done: {late} came late"),
            "try again",
        )),
    }
}
