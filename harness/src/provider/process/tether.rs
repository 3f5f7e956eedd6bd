//! The harness's end of a tool: a package client, a compiler, a question for a version.

use std::ffi::OsStr;
use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};

use super::shim;

/// What asks the tool to end; any byte does.
const PLEASE_END: &[u8] = b".";

/// A command that runs `program` supervised by `shim`, the executable that answers to `exec-child`.
///
/// The program and all that it starts live for as long as somebody in this process holds the child's
/// standard input, and no longer than this process. Mind that waiting for a child closes that.
pub(crate) fn command(shim: &Path, program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(shim);
    command
        .args([shim::SUBCOMMAND, shim::SUPERVISED, "--"])
        .arg(program)
        .stdin(Stdio::piped())
        // An interrupt typed in the terminal is the harness's to handle.
        .process_group(0);
    command
}

/// A running tool. Dropping it ends the tool and everything that came from it.
#[derive(Debug)]
pub(crate) struct Tethered {
    child: Child,
    line: Option<ChildStdin>,
}

impl Tethered {
    /// Runs what [`command`] has made.
    pub(crate) fn spawn(command: &mut Command) -> io::Result<Self> {
        let mut child = command.spawn()?;
        let line = child.stdin.take();
        Ok(Self { child, line })
    }

    pub(crate) fn stdout(&mut self) -> Option<ChildStdout> {
        self.child.stdout.take()
    }

    pub(crate) fn stderr(&mut self) -> Option<ChildStderr> {
        self.child.stderr.take()
    }

    /// How it ended, with nothing of it left; none while it runs.
    pub(crate) fn try_wait(&mut self) -> io::Result<Option<ExitStatus>> {
        self.child.try_wait()
    }

    /// Sends SIGTERM to the tool itself.
    pub(crate) fn ask_to_end(&mut self) -> io::Result<()> {
        match &mut self.line {
            Some(line) => line.write_all(PLEASE_END),
            None => Ok(()),
        }
    }
}

impl Drop for Tethered {
    fn drop(&mut self) {
        drop(self.line.take());
        // Not long: the supervisor kills. An error means that it was waited for before.
        let _ = self.child.wait();
    }
}
