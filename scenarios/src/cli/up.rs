use std::fs::{self, File};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::args::{StackArg, UpArgs};
use super::held::{self, Held, HeldPaths};
use super::output::print;
use super::session::own_executable;
use super::wait::until;
use crate::console::{Console, Verbosity};

/// Components may have to be built first, on a new machine for a quarter of an hour.
const READY_WITHIN: Duration = Duration::from_mins(45);

/// Starts a stack in the background and says how to use it.
pub(super) fn up(args: &UpArgs) -> Result<()> {
    let began = Instant::now();
    let verbosity = if args.quiet {
        Verbosity::Quiet
    } else {
        Verbosity::Normal
    };
    let console = Console::detect(verbosity);
    let id = format!("up-{}", std::process::id());
    let paths = HeldPaths::of(&id)?;
    fs::create_dir_all(paths.folder()).context("failed to make the stack's folder")?;
    fs::write(paths.folder().join("starting"), "")?;
    let mut holder = start_holder(&id, args.stack, &paths)?;
    let step = console.step("stack");
    let ready = until(READY_WITHIN, || {
        if paths.description().is_file() {
            return Some(Ok(()));
        }
        step.update(&last_line(&paths));
        match holder.try_wait() {
            Ok(None) => None,
            Ok(Some(_)) => Some(Err(anyhow::anyhow!("{}", why_it_ended(&paths)))),
            Err(error) => Some(Err(error.into())),
        }
    });
    let outcome = match ready {
        Some(outcome) => outcome,
        None => Err(anyhow::anyhow!("the stack was not ready within 45 minutes")),
    };
    if let Err(error) = outcome {
        step.failed("did not start");
        end(&mut holder);
        fs::remove_dir_all(paths.folder()).context("failed to remove the stack's folder")?;
        bail!("failed to bring the stack up: {error:#}");
    }
    step.done("ready");
    let held = held::one(Some(&id))?;
    print(&instructions(&held, began.elapsed()))
}

fn start_holder(id: &str, stack: StackArg, paths: &HeldPaths) -> Result<Child> {
    let log = File::create(paths.holder_log()).context("failed to make the holder's log")?;
    let stack = match stack {
        StackArg::Full => "full",
        StackArg::Light => "light",
    };
    Command::new(own_executable()?)
        .args(["hold", "--id", id, "--stack", stack])
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .spawn()
        .context("failed to start the process that holds the stack")
}

/// A holder that is still starting gets the chance to stop what it started.
fn end(holder: &mut Child) {
    if let Ok(None) = holder.try_wait() {
        let _ = held::terminate(i32::try_from(holder.id()).unwrap_or(i32::MAX));
    }
    let _ = holder.wait();
}

fn last_line(paths: &HeldPaths) -> String {
    let log = fs::read_to_string(paths.holder_log()).unwrap_or_default();
    log.lines().last().unwrap_or_default().trim().to_owned()
}

/// The holder's own error is the last thing it printed.
fn why_it_ended(paths: &HeldPaths) -> String {
    let log = fs::read_to_string(paths.holder_log()).unwrap_or_default();
    match log.find("error: ") {
        Some(at) => log[at + "error: ".len()..].trim().to_owned(),
        None => format!("its holder ended; it said: {}", log.trim()),
    }
}

fn instructions(held: &Held, took: Duration) -> String {
    let mut text = format!(
        "stack {} is up after {:.1} s\n",
        held.id,
        took.as_secs_f64()
    );
    for lane in &held.stack.lanes {
        text.push_str(&format!(
            "\n{}\n  api     {}\n  audit   {}\n\n  create a task:\n    curl -s {}/api/tasks -H 'authorization: Bearer {}' \\\n      -H 'content-type: application/json' -d '{{\"title\":\"try gauntlet\"}}'\n  see it audited:\n    curl -s {}/api/audit -H 'authorization: Bearer {}'\n",
            lane.lane.name(), lane.api_url, lane.audit_url, lane.api_url, held.token,
            lane.audit_url, held.token,
        ));
    }
    text.push_str(
        "\nall services: gauntlet status   logs: gauntlet logs SERVICE   stop: gauntlet down\n",
    );
    text
}
