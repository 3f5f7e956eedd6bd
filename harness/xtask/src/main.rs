//! `cargo xtask`: structure checks and chores of the workspace.

mod output;
mod policy;
mod proofs;
mod rules;
mod violation;
mod workspace;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{self, ExitCode};

use anyhow::{Context, anyhow};
use clap::{Parser, Subcommand};

use crate::proofs::Proof;

#[derive(Debug, Parser)]
#[command(
    name = "cargo xtask",
    about = "Structure checks and chores of the workspace"
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Check every structural rule; print each violation as `path:line: what; why; mend`
    Tidy,
    /// Print the requirement → proof table as Markdown
    Proofs {
        /// Write it to scenarios/PROOFS.md instead
        #[arg(long)]
        write: bool,
        /// List the tests and scenarios that the table may name instead
        #[arg(long, conflicts_with = "write")]
        known: bool,
    },
    /// Build the container images: `cargo gauntlet images`, with the same arguments
    #[command(disable_help_flag = true)]
    Images {
        #[arg(
            value_name = "ARG",
            trailing_var_arg = true,
            allow_hyphen_values = true
        )]
        args: Vec<OsString>,
    },
}

fn main() -> anyhow::Result<ExitCode> {
    let root = root()?;
    match Cli::parse().command {
        Command::Tidy => tidy(&root),
        Command::Proofs { known: true, .. } => known(&root),
        Command::Proofs { write, .. } => proofs(&root, write),
        Command::Images { args } => images(&root, &args),
    }
}

fn tidy(root: &Path) -> anyhow::Result<ExitCode> {
    let (workspace, mut violations) = workspace::load(root)?;
    violations.extend(rules::ALL.iter().flat_map(|rule| rule(&workspace)));
    violations.sort();
    violations.dedup();
    let (files, rules) = (workspace.files.len(), rules::ALL.len());
    let mut lines: Vec<String> = violations.iter().map(ToString::to_string).collect();
    lines.push(match violations.len() {
        0 => format!("tidy: {files} files keep all {rules} rules"),
        count => format!("tidy: {count} violations of {rules} rules in {files} files"),
    });
    print_lines(&lines)?;
    Ok(match violations.len() {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    })
}

fn proofs(root: &Path, write: bool) -> anyhow::Result<ExitCode> {
    let (workspace, _) = workspace::load(root)?;
    let table = proofs::Table::read(&workspace).map_err(|violations| {
        let violations: Vec<String> = violations.iter().map(ToString::to_string).collect();
        anyhow!("failed to read the table:\n{}", violations.join("\n"))
    })?;
    let rendered = proofs::render(&table);
    if write {
        std::fs::write(root.join(proofs::RENDERED), rendered)
            .with_context(|| format!("failed to write {}", proofs::RENDERED))?;
    } else {
        output::print(&rendered)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn known(root: &Path) -> anyhow::Result<ExitCode> {
    let (workspace, _) = workspace::load(root)?;
    let known = proofs::Known::of(&workspace);
    let scenarios = known.scenarios.into_keys().map(Proof::Scenario);
    let tests = known.tests.into_iter().map(Proof::Test);
    let lines: Vec<String> = scenarios
        .chain(tests)
        .map(|proof| proof.to_string())
        .collect();
    print_lines(&lines)?;
    Ok(ExitCode::SUCCESS)
}

/// A program of its own, so that the rules run when that does not compile.
fn images(root: &Path, args: &[OsString]) -> anyhow::Result<ExitCode> {
    let status = process::Command::new("cargo")
        .args(["gauntlet", "images"])
        .args(args)
        .current_dir(root)
        .status()
        .context("failed to run cargo")?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}

fn print_lines(lines: &[String]) -> anyhow::Result<()> {
    output::print(&format!("{}\n", lines.join("\n"))).context("failed to print the result")
}

/// The workspace's root: where cargo says this crate lies, two folders up.
fn root() -> anyhow::Result<PathBuf> {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .map(Path::to_path_buf)
        .context("failed to find the workspace root above harness/xtask")
}
