use std::io::Read;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use anyhow::{Context, Result};
use gauntlet_harness::provider::Health;
use gauntlet_harness::stack::{ServiceDescription, StackDescription};
use gauntlet_reports::evidence::ExitStatus;

use super::args::StatusArgs;
use super::held::{self, HeldPaths};
use super::output::print;

/// Each service has 2 s to answer, and all are asked at once.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// Asks each service of each stack how it is. Passes when all are healthy, fails when one is not.
pub(super) fn status(args: &StatusArgs) -> Result<ExitStatus> {
    let mut stacks = Vec::new();
    for held in held::all()? {
        stacks.push(ask(&held.id)?);
    }
    if args.json {
        print(&format!("{}\n", serde_json::to_string_pretty(&stacks)?))?;
    } else if stacks.is_empty() {
        print("no stack is up; `gauntlet up` starts one\n")?;
    } else {
        print(&stacks.iter().map(render).collect::<String>())?;
    }
    let sick = |service: &ServiceDescription| service.health != Health::Healthy;
    if stacks.iter().flat_map(|stack| &stack.services).any(sick) {
        return Ok(ExitStatus::Fail);
    }
    Ok(ExitStatus::Pass)
}

/// The holder asks its services when somebody connects.
fn ask(id: &str) -> Result<StackDescription> {
    let unanswered = || format!("failed to ask the holder of stack {id}");
    let mut socket = UnixStream::connect(HeldPaths::of(id)?.control()).with_context(unanswered)?;
    socket.set_read_timeout(Some(ANSWER_WITHIN))?;
    let mut answer = String::new();
    socket
        .read_to_string(&mut answer)
        .with_context(unanswered)?;
    serde_json::from_str(&answer).with_context(unanswered)
}

fn render(stack: &StackDescription) -> String {
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
