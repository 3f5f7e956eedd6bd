//! The contracts on real backends, and what only a real server can show (decision 0012).
//!
//! The project's own harness obtains the components and supervises them. One that cannot be had fails
//! its tests: whoever turns `e2e` on wants an answer about real backends, and a skipped test is none.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests fail as the tests' assertions do"
)]

mod audit;
mod components;
mod dapr;
mod invocation;
mod kafka;
mod plan;
mod postgres;
mod progress;
mod redis;
mod secrets;
mod sidecars;
mod state;
mod topics;
mod trials;

use std::io::{Write, stderr};
use std::process::ExitCode;
use std::sync::Arc;

use gauntlet_harness::provider::process::shim;
use libtest_mimic::{Arguments, Trial};

use components::Components;

fn main() -> ExitCode {
    // The harness executes this very binary again for each child (decision 0002).
    let mut args = std::env::args_os().skip(1);
    if args
        .next()
        .is_some_and(|command| command == shim::SUBCOMMAND)
    {
        return shim::run(args);
    }
    run_trials(&Arguments::from_args()).unwrap_or_else(|error| {
        // Nobody to tell is no reason to panic.
        let _ = writeln!(stderr(), "error: {error}");
        ExitCode::FAILURE
    })
}

/// Answers as the compiler's own runner does, once nothing runs any more.
fn run_trials(args: &Arguments) -> Result<ExitCode, String> {
    let components = Arc::new(Components::none_yet()?);
    let suites = [
        kafka::trials,
        redis::trials,
        postgres::trials,
        audit::trials,
        state::trials,
        secrets::trials,
        invocation::trials,
        sidecars::trials,
        dapr::trials,
    ];
    let trials: Vec<Trial> = suites
        .iter()
        .flat_map(|trials| trials(&components))
        .collect();
    let conclusion = libtest_mimic::run(args, trials);
    components.stop()?;
    Ok(conclusion.exit_code())
}
