use anyhow::{Context, Result, bail};
use gauntlet_harness::stack::LaneDescription;

use super::args::EnvArgs;
use super::held::{Phase, Stacks};
use super::output::print;
use crate::console::{Console, Verbosity};

/// Prints what a shell needs to talk to a running stack, to be taken over by `eval`.
pub(super) fn env(args: &EnvArgs) -> Result<()> {
    let paths = Stacks::here(Console::detect(Verbosity::Normal))?
        .one(args.stack_id.as_deref())?
        .paths;
    let Phase::Up { token, stack } = paths.read()?.phase else {
        bail!("stack {} is starting or stopping: try again", paths.id);
    };
    let lane = match &args.lane {
        Some(name) => stack
            .lanes
            .iter()
            .find(|lane| lane.lane.name() == name)
            .with_context(|| {
                let names: Vec<_> = stack.lanes.iter().map(|lane| lane.lane.name()).collect();
                format!("no lane is named '{name}'; there are: {}", names.join(", "))
            })?,
        None => stack.lanes.first().context("the stack has no lane")?,
    };
    print(&exports(lane, &token))
}

/// None of the values has a character that a shell would act on: URLs of this machine, and base64.
fn exports(lane: &LaneDescription, token: &str) -> String {
    format!(
        "export API={} AUDIT={} TOKEN={token}\n",
        lane.api_url, lane.audit_url
    )
}
