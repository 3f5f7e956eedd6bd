use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::{Child, Command};

use super::shim;
use super::spawner;
use crate::error::{StackError, StackErrorKind};
use crate::provider::{Exit, OneShot, RunAs, output};

/// Variables of the harness that every child gets; all others are the plan's to set, so that a run does
/// not depend on whose shell it was typed in.
const INHERITED: [&str; 7] = [
    "PATH",
    "HOME",
    "LANG",
    "LC_ALL",
    "TZ",
    "TMPDIR",
    "JAVA_HOME",
];

/// Turns plans into child processes, through the shim.
#[derive(Debug, Clone)]
pub struct Launcher {
    /// The executable that answers to `exec-child`: the `gauntlet` binary.
    pub shim: PathBuf,
}

/// What both a service and a one-shot are made of.
pub(super) struct Program<'a> {
    pub(super) path: &'a Path,
    pub(super) args: &'a [String],
    pub(super) env: &'a [(String, String)],
    pub(super) working_dir: &'a Path,
    pub(super) run_as: Option<RunAs>,
    pub(super) log: &'a Path,
}

impl Launcher {
    /// Runs a one-shot to its end. Anything but exit code 0 is an error with its last output.
    pub async fn run(&self, shot: &OneShot) -> Result<(), StackError> {
        let mut child = self
            .spawn(&Program {
                path: &shot.program,
                args: &shot.args,
                env: &shot.env,
                working_dir: &shot.working_dir,
                run_as: shot.run_as,
                log: &shot.log,
            })
            .await?;
        let mend = format!("see {}", shot.log.display());
        // Dropping the child on a timeout kills it.
        let Ok(waited) = tokio::time::timeout(shot.within, child.wait()).await else {
            let what = format!("{} within {} s", shot.what, shot.within.as_secs());
            return Err(StackError::new(StackErrorKind::NotReady, what, mend)
                .with_output(output::last_lines(&shot.log)));
        };
        let status = waited.map_err(|error| StackError::io("wait for", &shot.program, error))?;
        if status.success() {
            return Ok(());
        }
        let exit = Exit::from(status);
        let what = format!(
            "{}: {} ended with {exit}",
            shot.what,
            shot.program.display()
        );
        Err(StackError::new(StackErrorKind::Died, what, mend)
            .with_exit(exit)
            .with_output(output::last_lines(&shot.log)))
    }

    pub(super) async fn spawn(&self, plan: &Program<'_>) -> Result<Child, StackError> {
        let log = output::open(plan.log)
            .map_err(|error| StackError::io("open the log", plan.log, error))?;
        let errors = log
            .try_clone()
            .map_err(|error| StackError::io("open the log", plan.log, error))?;
        let mut command = Command::new(&self.shim);
        command
            .arg(shim::SUBCOMMAND)
            .arg("--parent")
            .arg(std::process::id().to_string());
        if let Some(RunAs { uid, gid }) = plan.run_as {
            command.args(["--uid", &uid.to_string(), "--gid", &gid.to_string()]);
        }
        command
            .arg("--")
            .arg(plan.path)
            .args(plan.args)
            .env_clear()
            .envs(
                INHERITED
                    .iter()
                    .filter_map(|name| Some((name, std::env::var_os(name)?))),
            )
            .envs(plan.env.iter().map(|(name, value)| (name, value)))
            .current_dir(plan.working_dir)
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(errors)
            // A group of its own: an interrupt typed in the terminal is the harness's to handle.
            .process_group(0)
            .kill_on_drop(true);
        spawner::spawn(command).await.map_err(|error| {
            let mend = format!("see that {} is the gauntlet binary", self.shim.display());
            let what = format!("execute {}", plan.path.display());
            StackError::new(StackErrorKind::Spawn, what, mend).because(error)
        })
    }
}
