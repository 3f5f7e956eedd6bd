//! What stands between the harness and a tool, and sees to it that nothing of the tool is left.
//!
//! Standard input is a pipe of which the harness holds the other end: the kernel closes it however the
//! harness ends, and no thread of the harness has to live on for that. A compiler's children do not hear
//! of the death of the harness by themselves, so all that comes from the tool is adopted here, whichever
//! group or session it may make for itself, and is killed together.

use std::io::{self, Read};
use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use nix::errno::Errno;
use nix::sys::prctl::set_child_subreaper;
use nix::sys::signal::{Signal, raise};
use nix::sys::wait::{WaitStatus, wait};
use nix::unistd::Pid;

use super::proctable::{Identity, kill_descendants};
use super::shim::{CommandLine, SUBCOMMAND};

/// This very executable, even where a build has put another in its place.
const OURSELVES: &str = "/proc/self/exe";
/// What a shell adds to the number of the signal that ended a program.
const ENDED_BY_SIGNAL: i32 = 128;

/// Runs the program to its end, or until standard input ends. What the program leaves running ends
/// with it.
pub(super) fn run(program: &CommandLine) -> io::Result<ExitCode> {
    // Before there is a child: an orphan of the tool is then never adopted by somebody else.
    set_child_subreaper(true)?;
    let tool = Command::new(OURSELVES)
        // Ends the tool, if not its children, should somebody kill this process.
        .args([
            SUBCOMMAND,
            "--parent",
            &std::process::id().to_string(),
            "--",
        ])
        .arg(&program.path)
        .args(&program.args)
        .stdin(Stdio::null())
        .spawn()?;
    let tool = Pid::from_raw(i32::try_from(tool.id()).map_err(io::Error::other)?);
    // Before it can be reaped: its number may be another's afterwards.
    let identity = Identity::of(tool.as_raw());
    let ending = Arc::new(AtomicBool::new(false));
    let watched = Arc::clone(&ending);
    thread::Builder::new()
        .name("harness".to_owned())
        .spawn(move || watch_harness(identity, &watched))?;
    Ok(match reap_all(tool, &ending) {
        Some(end) => end_alike(end),
        None => ExitCode::FAILURE,
    })
}

/// Each byte asks the tool to end in its own way; the end of the pipe ends everything.
fn watch_harness(tool: Option<Identity>, ending: &AtomicBool) {
    let mut byte = [0];
    loop {
        match io::stdin().read(&mut byte) {
            Ok(1..) => tool.iter().for_each(|tool| tool.send(Signal::SIGTERM)),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Ok(0) | Err(_) => break,
        }
    }
    ending.store(true, Ordering::SeqCst);
    kill_descendants();
}

/// Waits until there is no descendant; answers how the tool ended.
///
/// A process that is born while the table of processes is read may escape the killing, but then one of
/// its elders ended meanwhile or was killed. That one is waited for here, and the killing starts again.
fn reap_all(tool: Pid, ending: &AtomicBool) -> Option<WaitStatus> {
    let mut end = None;
    loop {
        if end.is_some() || ending.load(Ordering::SeqCst) {
            kill_descendants();
        }
        match wait() {
            Ok(status) if status.pid() == Some(tool) => end = Some(status),
            // No child is left, and so no descendant.
            Err(Errno::ECHILD) => return end,
            // Another one, or an end that cannot be told.
            Ok(_) | Err(_) => {}
        }
    }
}

/// Ends this process as the tool ended, so that the harness need not know of the difference.
fn end_alike(end: WaitStatus) -> ExitCode {
    let code = match end {
        WaitStatus::Exited(_, code) => code,
        WaitStatus::Signaled(_, signal, _) => {
            // Returns only where the harness's own parent made us deaf to it.
            let _ = raise(signal);
            ENDED_BY_SIGNAL + signal as i32
        }
        _ => return ExitCode::FAILURE,
    };
    u8::try_from(code).map_or(ExitCode::FAILURE, ExitCode::from)
}
