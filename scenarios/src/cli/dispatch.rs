use std::env::VarError;
use std::io::{Write, stderr};
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Parser;
use clap::error::ErrorKind;
use gauntlet_harness::provider::containers::reaper;
use gauntlet_harness::provider::process::shim;
use gauntlet_reports::evidence::ExitStatus;
use tracing_subscriber::EnvFilter;

use super::args::{Cli, Command};
use super::{completions, down, env, fetch, hold, images, list, logs, report, run, status, up};

/// Who debugs by a filter that is not in force looks for the wrong thing.
const RUST_LOG_MEND: &str = "failed to understand RUST_LOG; to mend: unset it, or set a level such as \
                             `debug` or `gauntlet_harness=debug,warn`";

/// Parses the command line, runs the command, and answers with the documented exit code.
///
/// `exec-child` and `reap-containers` are not part of the grammar: they are how the harness starts its
/// children and sees to its containers, and the arguments of the first are another program's.
pub fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1);
    match args.next() {
        Some(command) if command == shim::SUBCOMMAND => return shim::run(args),
        Some(command) if command == reaper::SUBCOMMAND => return reaper::run(args),
        _ => {}
    }
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(refusal) => return refused(&refusal),
    };
    match trace_to_stderr().and_then(|()| perform(cli.command)) {
        Ok(status) => ExitCode::from(status.code()),
        Err(error) => {
            let _ = writeln!(stderr(), "error: {error:#}");
            ExitCode::from(ExitStatus::HarnessFailure.code())
        }
    }
}

fn perform(command: Command) -> Result<ExitStatus> {
    match command {
        Command::Run(args) => return run::run(&args),
        Command::List(args) => list::list(&args)?,
        Command::Up(args) => up::up(&args)?,
        Command::Status(args) => return status::status(&args),
        Command::Env(args) => env::env(&args)?,
        Command::Logs(args) => logs::logs(&args)?,
        Command::Down(args) => down::down(&args)?,
        Command::Fetch(args) => fetch::fetch(&args)?,
        Command::Images(args) => images::images(&args)?,
        Command::Report(args) => return report::report(&args),
        Command::Completions(args) => completions::completions(&args),
        Command::Hold(args) => hold::hold(&args)?,
    }
    Ok(ExitStatus::Pass)
}

/// Help and version are answers; anything else is a command line that cannot be carried out. Clap's
/// own exit code for that is 2, which here means inconclusive.
fn refused(refusal: &clap::Error) -> ExitCode {
    let _ = refusal.print();
    match refusal.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => ExitCode::SUCCESS,
        _ => ExitCode::from(ExitStatus::HarnessFailure.code()),
    }
}

/// The harness's own log, for those who debug it: `RUST_LOG=debug gauntlet run`.
fn trace_to_stderr() -> Result<()> {
    let asked = match std::env::var(EnvFilter::DEFAULT_ENV) {
        Ok(asked) if !asked.is_empty() => asked,
        Ok(_) | Err(VarError::NotPresent) => "warn".to_owned(),
        Err(error @ VarError::NotUnicode(_)) => return Err(error).context(RUST_LOG_MEND),
    };
    let filter =
        EnvFilter::try_new(&asked).with_context(|| format!("{RUST_LOG_MEND}; it is '{asked}'"))?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(stderr)
        .init();
    Ok(())
}
