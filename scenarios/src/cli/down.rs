use std::time::Duration;

use anyhow::{Result, bail};
use gauntlet_harness::provider::sweep;

use super::args::DownArgs;
use super::held::{self, Held, HeldPaths};
use super::output::print;
use super::session::state_dir;
use super::wait::until;
use crate::failure::failed;

/// The stack's own grace for each of its layers, and some.
const GONE_WITHIN: Duration = Duration::from_mins(2);

/// Stops stacks and waits until nothing of them is left.
pub(super) fn down(args: &DownArgs) -> Result<()> {
    let stacks = match &args.stack_id {
        Some(id) => vec![held::one(Some(id))?],
        None => held::all()?,
    };
    if stacks.is_empty() {
        print("no stack is up\n")?;
    }
    for stack in &stacks {
        stop(stack)?;
        print(&format!("stack {} is down\n", stack.id))?;
    }
    clean_up()
}

/// A holder that was killed could not remove its files.
fn clean_up() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let swept = runtime.block_on(sweep(&state_dir()?));
    let swept = swept.map_err(failed)?;
    for run in swept.runs {
        print(&format!(
            "cleaned up after run {}, which had been killed\n",
            run.run_id
        ))?;
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
