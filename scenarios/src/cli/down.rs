use std::time::Duration;

use anyhow::{Result, bail};

use super::args::DownArgs;
use super::held::{self, Held, HeldPaths};
use super::output::print;
use super::wait::until;

/// The stack's own grace for each of its layers, and some.
const GONE_WITHIN: Duration = Duration::from_secs(120);

/// Stops stacks and waits until nothing of them is left.
pub(super) fn down(args: &DownArgs) -> Result<()> {
    let stacks = match &args.stack_id {
        Some(id) => vec![held::one(Some(id))?],
        None => held::all()?,
    };
    if stacks.is_empty() {
        return print("no stack is up\n");
    }
    for stack in &stacks {
        stop(stack)?;
        print(&format!("stack {} is down\n", stack.id))?;
    }
    Ok(())
}

fn stop(stack: &Held) -> Result<()> {
    let paths = HeldPaths::of(&stack.id)?;
    held::terminate(stack.holder_pid)?;
    let gone = until(GONE_WITHIN, || held::holder_is_gone(&paths).then_some(()));
    match gone {
        Some(()) => Ok(()),
        None => bail!(
            "stack {} did not stop within {} s; its holder is process {}, its log {}",
            stack.id,
            GONE_WITHIN.as_secs(),
            stack.holder_pid,
            paths.holder_log().display()
        ),
    }
}
