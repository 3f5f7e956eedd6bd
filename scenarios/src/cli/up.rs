use std::fs::{self, File};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use gauntlet_harness::stack::StackDescription;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::args::{StackArg, UpArgs};
use super::aside::with_logs_at;
use super::held::{Claim, HeldPaths, Phase, Stacks};
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
    let here = Stacks::here(console.clone())?;
    // What dead ones left, so that their names are free.
    here.all()?;
    let stack = here.claim(&format!("up-{}", std::process::id()), args.stack.into())?;
    let step = console.step("stack");
    match await_holder(args, &stack, &|line| step.update(line)) {
        Ok(Ready { token, description }) => {
            step.done("ready");
            print(&match verbosity {
                Verbosity::Normal => instructions(&description, &token, began.elapsed()),
                Verbosity::Quiet => urls(&description),
            })
        }
        Err(error) => {
            step.failed("did not start");
            let why = format!("{error:#}");
            bail!(
                "failed to bring the stack up: {}",
                with_logs_kept(&why, &here, &stack.paths)
            );
        }
    }
}

/// Why the start failed, with its logs where they stay.
fn with_logs_kept(why: &str, here: &Stacks, dead: &HeldPaths) -> String {
    match here.bury(dead) {
        Ok(Some(logs)) => format!(
            "{}\n  its logs: {}",
            with_logs_at(why, dead.folder(), &logs),
            logs.display()
        ),
        Ok(None) => why.to_owned(),
        // The first failure matters more, and is told first.
        Err(error) => format!("{why}\n  its logs are not kept: {error:#}"),
    }
}

struct Ready {
    token: String,
    description: StackDescription,
}

/// Starts the process that holds the stack and waits until that is up; `progress` gets what it says.
fn await_holder(args: &UpArgs, stack: &Claim, progress: &dyn Fn(&str)) -> Result<Ready> {
    let paths = &stack.paths;
    let mut holder = start_holder(args, stack)?;
    let answer = until(READY_WITHIN, || {
        if let Ok(Phase::Up { token, stack }) = paths.read().map(|record| record.phase) {
            return Some(Ok(Ready {
                token,
                description: stack,
            }));
        }
        progress(&last_line(paths));
        match holder.try_wait() {
            Ok(None) => None,
            Ok(Some(_)) => Some(Err(anyhow::anyhow!("{}", why_it_ended(paths)))),
            Err(error) => Some(Err(error.into())),
        }
    });
    let outcome =
        answer.unwrap_or_else(|| Err(anyhow::anyhow!("the stack was not ready within 45 minutes")));
    if outcome.is_err() {
        end(&mut holder);
    }
    outcome
}

/// The holder gets the locked file in place of its standard input, which it does not read: so it owns the
/// stack's folder from its first moment on.
fn start_holder(args: &UpArgs, stack: &Claim) -> Result<Child> {
    let log = File::create(stack.paths.holder_log()).context("failed to make the holder's log")?;
    let kind = match args.stack {
        StackArg::Full => "full",
        StackArg::Light => "light",
    };
    Command::new(own_executable()?)
        .args(["hold", "--id", &stack.paths.id, "--stack", kind])
        .args(["--starter", &std::process::id().to_string()])
        .args(
            args.provider
                .into_iter()
                .flat_map(|it| ["--provider", it.as_str()]),
        )
        .stdin(stack.share()?)
        .stdout(log.try_clone()?)
        .stderr(log)
        .spawn()
        .context("failed to start the process that holds the stack")
}

/// A holder that is still starting gets the chance to stop what it started.
fn end(holder: &mut Child) {
    if let (Ok(None), Ok(pid)) = (holder.try_wait(), i32::try_from(holder.id())) {
        // Ours and not waited for, so the id is nobody else's.
        let _ = kill(Pid::from_raw(pid), Signal::SIGTERM);
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

fn instructions(stack: &StackDescription, token: &str, took: Duration) -> String {
    let mut text = format!(
        "stack {} is up after {:.1} s\n",
        stack.run_id,
        took.as_secs_f64()
    );
    for lane in &stack.lanes {
        text.push_str(&format!(
            "\n{}\n  api     {}\n  audit   {}\n\n  create a task:\n    curl -s {}/api/tasks -H 'authorization: Bearer {}' \\\n      -H 'content-type: application/json' -d '{{\"title\":\"try gauntlet\"}}'\n  see it audited:\n    curl -s {}/api/audit -H 'authorization: Bearer {}'\n",
            lane.lane.name(), lane.api_url, lane.audit_url, lane.api_url, token, lane.audit_url, token,
        ));
    }
    text.push_str(
        "\nall services: gauntlet status   logs: gauntlet logs SERVICE   stop: gauntlet down\n",
    );
    text
}

/// For scripts: of each lane the api's and the audit's, a line each.
fn urls(stack: &StackDescription) -> String {
    let lanes = stack.lanes.iter();
    lanes
        .map(|lane| format!("{}\n{}\n", lane.api_url, lane.audit_url))
        .collect()
}

#[cfg(test)]
mod tests {
    use gauntlet_contract::config::Broker;
    use gauntlet_harness::stack::Lane;
    use serde_json::{from_value, json};

    use super::*;

    #[test]
    fn quiet_prints_urls_and_nothing_else() {
        let lane = serde_json::to_value(Lane::direct(Broker::Redis)).expect("a lane");
        let stack = from_value(json!({
            "run_id": "up-1", "kind": "light", "services": [],
            "lanes": [{
                "lane": lane, "api_url": "http://127.0.0.1:1", "audit_url": "http://127.0.0.1:2",
                "database_url": "postgres://u:secret@127.0.0.1:3/d"
            }]
        }));
        let stack: StackDescription = stack.expect("a description");
        assert_eq!(urls(&stack), "http://127.0.0.1:1\nhttp://127.0.0.1:2\n");
    }
}
