use std::time::Duration;

use anyhow::{Context, Result, bail};
use gauntlet_harness::provider::sweep;
use gauntlet_harness::store::Store;
use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::args::DownArgs;
use super::held::{Held, Phase, Stacks};
use super::output::print;
use super::session::state_dir;
use super::wait::until;
use crate::console::{Console, Verbosity};
use crate::failure::failed;

/// The stack's own grace for each of its layers, and some.
const GONE_WITHIN: Duration = Duration::from_mins(2);
/// SIGKILL takes effect at once; only a process in the midst of disk IO keeps the kernel waiting.
const KILLED_WITHIN: Duration = Duration::from_secs(10);

/// Stops stacks, also those that are still starting, and waits until nothing of them is left.
pub(super) fn down(args: &DownArgs) -> Result<()> {
    let here = Stacks::here(Console::detect(Verbosity::Normal))?;
    let stacks = match &args.stack_id {
        Some(id) => vec![here.one(Some(id))?],
        None => here.all()?,
    };
    if stacks.is_empty() {
        print("no stack is up\n")?;
    }
    let mut failures = Vec::new();
    for stack in &stacks {
        match stop(&here, stack) {
            Ok(()) => print(&format!("stack {} is down\n", stack.paths.id))?,
            // The others are to go down all the same.
            Err(error) => failures.push(format!("{error:#}")),
        }
    }
    // What went wrong above is told all the same.
    if let Err(error) = clean_up() {
        failures.push(format!("{error:#}"));
    }
    if !failures.is_empty() {
        bail!("{}", failures.join("; "));
    }
    Ok(())
}

/// A holder that was killed could not remove its files.
fn clean_up() -> Result<()> {
    // Opening it sweeps what a killed fetch left of its scratch space.
    Store::from_env().map_err(failed)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let swept = runtime.block_on(sweep(&state_dir()?));
    let swept = swept.map_err(failed)?;
    for run in swept.runs {
        print(&format!(
            "{run}
"
        ))?;
    }
    Ok(())
}

fn stop(here: &Stacks, stack: &Held) -> Result<()> {
    let mut asked = None;
    if !is_gone_within(GONE_WITHIN, stack, || ask_once(stack, &mut asked))? {
        kill_holder(stack)?;
    }
    // A holder that ended in good order has removed its folder, and the `up` of a start has moved it.
    here.bury_aloud(&stack.paths)
}

/// Asks the holder to stop its stack, as soon as it has written itself down.
fn ask_once(stack: &Held, asked: &mut Option<i32>) -> Result<()> {
    if asked.is_some() {
        return Ok(());
    }
    // A record that is not there goes with the stack.
    let Ok(record) = stack.paths.read() else {
        return Ok(());
    };
    *asked = record.holder_pid;
    match (record.holder_pid, record.phase) {
        // Asked again it would leave everything as it is.
        (_, Phase::Stopping) | (None, _) => Ok(()),
        // One that is paused hears nothing until it goes on.
        (Some(pid), _) => send(pid, Signal::SIGTERM).and_then(|()| send(pid, Signal::SIGCONT)),
    }
}

/// What the holder started dies with it, and its files are swept.
fn kill_holder(stack: &Held) -> Result<()> {
    let id = &stack.paths.id;
    let waited = GONE_WITHIN.as_secs();
    let record = stack.paths.read()?;
    let Some(pid) = record.holder_pid else {
        bail!(
            "stack {id} has not begun to start within {waited} s; end the `gauntlet up` that starts it"
        );
    };
    print(&format!(
        "stack {id} did not stop within {waited} s; killing its holder, process {pid}\n"
    ))?;
    send(pid, Signal::SIGKILL)?;
    if !is_gone_within(KILLED_WITHIN, stack, || Ok(()))? {
        bail!("stack {id} is still owned: its holder, process {pid}, does not even answer SIGKILL");
    }
    Ok(())
}

/// Waits until the stack's owners are gone, doing `meanwhile` again and again.
fn is_gone_within(
    within: Duration,
    stack: &Held,
    mut meanwhile: impl FnMut() -> Result<()>,
) -> Result<bool> {
    let gone = until(within, || {
        match meanwhile().and_then(|()| stack.is_gone()) {
            Ok(false) => None,
            answer => Some(answer),
        }
    });
    gone.unwrap_or(Ok(false))
}

/// One that is gone already is no error.
fn send(pid: i32, signal: Signal) -> Result<()> {
    match kill(Pid::from_raw(pid), signal) {
        Ok(()) | Err(Errno::ESRCH) => Ok(()),
        Err(error) => Err(error).context("failed to signal the stack's holder"),
    }
}
