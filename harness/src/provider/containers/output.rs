//! What a container prints, and how it ends.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::time::Duration;

use futures::{Stream, StreamExt};
use testcontainers::bollard::container::LogOutput;
use testcontainers::bollard::errors::Error as EngineError;
use testcontainers::bollard::query_parameters::{
    AttachContainerOptionsBuilder, InspectContainerOptions, LogsOptionsBuilder,
    WaitContainerOptions,
};

use super::engine::{Engine, refused};
use crate::error::StackError;
use crate::provider::life::Witness;
use crate::provider::{Exit, output};

/// What the engine reports for a process that ended by SIGKILL. Others that are above 128 may as well be a
/// program's own: a JVM ends with 143 after an orderly SIGTERM.
const KILLED: i64 = 137;
/// The engine closes a log with the container's end.
const LOG_ENDS_WITHIN: Duration = Duration::from_secs(5);
/// Added to a service's log, as its last words.
const OUT_OF_MEMORY: &str = "gauntlet: the kernel killed it at its memory limit";

/// The standard output and error of one life of a container.
pub(super) struct Output(Pin<Box<dyn Stream<Item = Result<LogOutput, EngineError>> + Send>>);

impl Output {
    /// Everything that it has printed and will print. Right for the first life alone.
    pub(super) fn from_the_beginning(engine: &Engine, id: &str) -> Self {
        let options = LogsOptionsBuilder::new()
            .follow(true)
            .stdout(true)
            .stderr(true);
        Self(Box::pin(engine.docker().logs(id, Some(options.build()))))
    }

    /// What it will print after its next start.
    pub(super) async fn from_now_on(engine: &Engine, id: &str) -> Result<Self, StackError> {
        let options = AttachContainerOptionsBuilder::new()
            .stream(true)
            .stdout(true)
            .stderr(true);
        let attached = engine
            .docker()
            .attach_container(id, Some(options.build()))
            .await
            .map_err(|error| refused("attach to a container", error))?;
        Ok(Self(attached.output))
    }

    /// Adds to the log until the container ends.
    async fn copy_to(mut self, log: &Path) -> std::io::Result<()> {
        let mut file: File = output::open(log)?;
        while let Some(chunk) = self.0.next().await {
            match chunk {
                Ok(chunk) => file.write_all(chunk.as_ref())?,
                Err(error) => return Err(std::io::Error::other(error)),
            }
        }
        Ok(())
    }
}

/// Keeps the log of one life, waits for its end, and tells it. Whoever hears of an end finds the last words
/// in the log, unless the engine does not close it.
pub(super) async fn watch(
    engine: Engine,
    id: String,
    output: Output,
    log: PathBuf,
    witness: Witness,
) {
    let copying = tokio::spawn({
        let log = log.clone();
        async move { output.copy_to(&log).await }
    });
    let exit = wait(&engine, &id).await.unwrap_or_else(|error| {
        tracing::error!(service = %witness.service(), %error, "failed to wait for a container");
        Exit::Code(-1)
    });
    let kept = tokio::time::timeout(LOG_ENDS_WITHIN, copying).await;
    if !matches!(kept, Ok(Ok(Ok(())))) {
        tracing::warn!(service = %witness.service(), "the log of a container was not kept to its end");
    }
    if ran_out_of_memory(&engine, &id).await {
        let told = output::open(&log).and_then(|mut log| writeln!(log, "{OUT_OF_MEMORY}"));
        if let Err(error) = told {
            tracing::warn!(service = %witness.service(), %error, "{OUT_OF_MEMORY}");
        }
    }
    witness.tell(exit);
}

/// Whether the kernel killed it, or a child of it, at its memory limit.
async fn ran_out_of_memory(engine: &Engine, id: &str) -> bool {
    let docker = engine.quick();
    let inspected = docker.inspect_container(id, None::<InspectContainerOptions>);
    let state = inspected.await.ok().and_then(|it| it.state);
    state.and_then(|state| state.oom_killed).unwrap_or_default()
}

/// Returns when the container does not run any more.
pub(super) async fn wait(engine: &Engine, id: &str) -> Result<Exit, EngineError> {
    let mut waiting = Box::pin(
        engine
            .docker()
            .wait_container(id, None::<WaitContainerOptions>),
    );
    let code = match waiting.next().await {
        Some(Ok(answer)) => answer.status_code,
        Some(Err(EngineError::DockerContainerWaitError { code, .. })) => code,
        Some(Err(error)) => return Err(error),
        None => -1,
    };
    Ok(exit(code))
}

fn exit(code: i64) -> Exit {
    if code == KILLED {
        return Exit::Signal(nix::sys::signal::Signal::SIGKILL as i32);
    }
    Exit::Code(i32::try_from(code).unwrap_or(-1))
}

/// What a container that ran once has printed, for its log.
pub(super) async fn keep_all(engine: &Engine, id: &str, log: &Path) -> std::io::Result<()> {
    Output::from_the_beginning(engine, id).copy_to(log).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kill_is_told_from_a_code() {
        assert_eq!(exit(137), Exit::Signal(9));
        assert_eq!(exit(143), Exit::Code(143));
        assert_eq!(exit(0), Exit::Code(0));
    }
}
