//! Runs the `gauntlet` binary.

use std::path::Path;
use std::process::{Command, Output, Stdio};

/// The binary with its arguments, deaf to the environment's own gauntlet settings.
pub(crate) fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gauntlet"));
    command.args(args).stdin(Stdio::null());
    command
}

/// Runs to the end, with a home of its own.
pub(crate) fn run_in(home: &Path, args: &[&str]) -> Output {
    command(args)
        .env("GAUNTLET_HOME", home)
        .output()
        .expect("gauntlet can be executed")
}

pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
