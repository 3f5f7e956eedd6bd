use std::io::{ErrorKind, Read};
use std::os::unix::net::UnixStream;
use std::panic::resume_unwind;
use std::path::PathBuf;
use std::thread::{self, ScopedJoinHandle};
use std::time::Duration;

use anyhow::{Context, Result};
use gauntlet_harness::provider::Health;
use gauntlet_harness::stack::{StackDescription, StackKind};
use gauntlet_reports::evidence::ExitStatus;
use serde::Serialize;

use super::args::StatusArgs;
use super::held::{Held, HeldPaths, Phase, Stacks};
use super::output::print;
use crate::console::{Console, Verbosity};

/// Each service has 2 s to answer, and all are asked at once.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// One stack, as `status --json` prints it.
#[derive(Debug, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
enum Seen {
    Starting(Changing),
    Up(StackDescription),
    Stopping(Changing),
    Unanswering(Silent),
}

/// A stack that is starting or stopping: there is nothing yet, or no more, to ask its services.
#[derive(Debug, Serialize)]
struct Changing {
    run_id: String,
    kind: StackKind,
    holder_log: PathBuf,
}

#[derive(Debug, Serialize)]
struct Silent {
    run_id: String,
    /// None where not even that can be told.
    holder_pid: Option<i32>,
    holder_log: PathBuf,
    reason: String,
}

/// Asks each service of each stack how it is. Passes when all are healthy, fails when one is not or a
/// holder does not answer; a stack that is starting or stopping leaves that open.
pub(super) fn status(args: &StatusArgs) -> Result<ExitStatus> {
    let held = Stacks::here(Console::detect(Verbosity::Normal))?.all()?;
    // Side by side: each one that does not answer takes its time.
    let stacks: Vec<Seen> = thread::scope(|scope| {
        let asked: Vec<_> = held.iter().map(|held| scope.spawn(|| look(held))).collect();
        let answer = |asking: ScopedJoinHandle<'_, _>| {
            asking.join().unwrap_or_else(|panic| resume_unwind(panic))
        };
        asked.into_iter().filter_map(answer).collect()
    });
    if args.json {
        print(&format!("{}\n", serde_json::to_string_pretty(&stacks)?))?;
    } else if stacks.is_empty() {
        print("no stack is up; `gauntlet up` starts one\n")?;
    } else {
        print(&stacks.iter().map(render).collect::<String>())?;
    }
    Ok(verdict(&stacks))
}

/// None where the stack ended while it was looked at.
fn look(held: &Held) -> Option<Seen> {
    let seen = present_state(held);
    // What ends under the question has not failed to answer it.
    let has_ended = || !held.paths.is_described() || matches!(held.is_gone(), Ok(true));
    if !matches!(seen, Ok(Seen::Up(_))) && has_ended() {
        return None;
    }
    Some(seen.unwrap_or_else(|error| {
        let record = held.paths.read().ok();
        Seen::Unanswering(Silent {
            run_id: held.paths.id.clone(),
            holder_pid: record.and_then(|record| record.holder_pid),
            holder_log: held.paths.holder_log(),
            reason: format!("{error:#}"),
        })
    }))
}

fn present_state(held: &Held) -> Result<Seen> {
    let paths = &held.paths;
    let record = paths.read()?;
    let changing = |kind| Changing {
        run_id: paths.id.clone(),
        kind,
        holder_log: paths.holder_log(),
    };
    match record.phase {
        Phase::Starting => Ok(Seen::Starting(changing(record.kind))),
        Phase::Stopping => Ok(Seen::Stopping(changing(record.kind))),
        Phase::Up { .. } => match (ask(paths), paths.read().map(|record| record.phase)) {
            (Ok(stack), _) => Ok(Seen::Up(stack)),
            // It has been told to stop since, and then it answers nobody.
            (Err(_), Ok(Phase::Stopping)) => Ok(Seen::Stopping(changing(record.kind))),
            (Err(error), _) => Err(error),
        },
    }
}

/// The holder asks its services when somebody connects.
fn ask(paths: &HeldPaths) -> Result<StackDescription> {
    let mut socket = UnixStream::connect(paths.control()).context("nobody listens")?;
    socket.set_read_timeout(Some(ANSWER_WITHIN))?;
    let mut answer = String::new();
    if let Err(error) = socket.read_to_string(&mut answer) {
        return match error.kind() {
            ErrorKind::WouldBlock => {
                let waited = ANSWER_WITHIN.as_secs();
                Err(anyhow::anyhow!("no answer within {waited} s"))
            }
            _ => Err(error).context("the answer broke off"),
        };
    }
    serde_json::from_str(&answer).context("the answer is not whole")
}

fn verdict(stacks: &[Seen]) -> ExitStatus {
    let sick = |stack: &Seen| match stack {
        Seen::Unanswering(_) => true,
        Seen::Up(stack) => {
            let mut services = stack.services.iter();
            services.any(|service| service.health != Health::Healthy)
        }
        Seen::Starting(_) | Seen::Stopping(_) => false,
    };
    if stacks.iter().any(sick) {
        ExitStatus::Fail
    } else if stacks.iter().all(|stack| matches!(stack, Seen::Up(_))) {
        ExitStatus::Pass
    } else {
        ExitStatus::InconclusiveOrNotRun
    }
}

fn render(stack: &Seen) -> String {
    match stack {
        Seen::Up(stack) => services(stack),
        Seen::Starting(stack) => on_its_way(stack, "starting"),
        Seen::Stopping(stack) => on_its_way(stack, "stopping"),
        Seen::Unanswering(stack) => format!(
            "stack {id}: its holder{pid} does not answer ({reason})\n  \
             see {log}, or end it with `gauntlet down {id}`\n",
            id = stack.run_id,
            pid = stack
                .holder_pid
                .map_or(String::new(), |pid| format!(", process {pid},")),
            reason = stack.reason,
            log = stack.holder_log.display(),
        ),
    }
}

fn on_its_way(stack: &Changing, word: &str) -> String {
    let log = stack.holder_log.display();
    format!(
        "stack {} ({}) is {word}; see {log}\n",
        stack.run_id, stack.kind
    )
}

fn services(stack: &StackDescription) -> String {
    let mut text = format!("stack {} ({})\n", stack.run_id, stack.kind);
    for service in &stack.services {
        let pid = service.pid.map_or("-".to_owned(), |pid| pid.to_string());
        let endpoint = service
            .endpoints
            .first()
            .map_or("", |endpoint| &endpoint.url);
        text.push_str(&format!(
            "  {:24} {:10} {pid:>8}  {endpoint}{}\n",
            service.id,
            word(&service.health),
            detail(&service.health)
        ));
    }
    text
}

fn word(health: &Health) -> &'static str {
    match health {
        Health::Healthy => "healthy",
        Health::Unhealthy(_) => "unhealthy",
        Health::Exited(_) => "ended",
    }
}

fn detail(health: &Health) -> String {
    match health {
        Health::Healthy => String::new(),
        Health::Unhealthy(answer) => format!("  ({answer})"),
        Health::Exited(exit) => format!("  ({exit})"),
    }
}
