//! Runs the `gauntlet` binary.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// Names the provider where no `--provider` does.
pub(crate) const PROVIDER: &str = "GAUNTLET_PROVIDER";

/// The binary with its arguments. On processes, unless an argument says otherwise: what the environment
/// names, or whether an engine answers, decides no test's outcome.
pub(crate) fn command(args: &[&str]) -> Command {
    let mut command = as_is(args);
    command.env(PROVIDER, "process").env_remove("RUST_LOG");
    command
}

/// The binary with its arguments, in the environment as it is.
pub(crate) fn as_is(args: &[&str]) -> Command {
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

/// Puts a program of this name and shell script into a folder, for a `PATH`.
pub(crate) fn tool(bin: &Path, name: &str, script: &str) {
    fs::create_dir_all(bin).expect("a folder");
    let path = bin.join(name);
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("a tool");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("mode");
}

pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
