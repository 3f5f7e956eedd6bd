use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use gauntlet_harness::stack::StackDescription;

use super::args::LogsArgs;
use super::held::{Phase, Stacks};
use super::output::print;
use super::wait::until;

/// `--follow` ends with the user's patience, not by itself; this only has to be longer than that.
const FOLLOW_AT_MOST: Duration = Duration::from_hours(24);

/// Prints the end of a service's log, and what is added to it with `--follow`.
pub(super) fn logs(args: &LogsArgs) -> Result<()> {
    let stack = running(args.stack_id.as_deref())?;
    let names: Vec<&str> = stack
        .services
        .iter()
        .map(|service| service.id.as_str())
        .collect();
    let Some(wanted) = &args.service else {
        return print(&format!("{}\n", names.join("\n")));
    };
    let Some(service) = stack
        .services
        .iter()
        .find(|service| service.id.as_str() == wanted)
    else {
        bail!(
            "no service is named '{wanted}'; there are: {}",
            names.join(", ")
        );
    };
    let end = print_tail(&service.log, args.lines)?;
    if args.follow {
        follow(&service.log, end)?;
    }
    Ok(())
}

fn running(id: Option<&str>) -> Result<StackDescription> {
    let paths = Stacks::here()?.one(id)?.paths;
    match paths.read()?.phase {
        Phase::Up { stack, .. } => Ok(stack),
        Phase::Starting | Phase::Stopping => bail!(
            "stack {} is starting or stopping; the log of that is {}",
            paths.id,
            paths.holder_log().display()
        ),
    }
}

/// Prints the last lines, and answers where the file ended.
fn print_tail(log: &Path, lines: usize) -> Result<u64> {
    let bytes = std::fs::read(log).with_context(|| format!("failed to read {}", log.display()))?;
    let text = String::from_utf8_lossy(&bytes);
    let all: Vec<&str> = text.lines().collect();
    for line in &all[all.len().saturating_sub(lines)..] {
        print(&format!("{line}\n"))?;
    }
    Ok(bytes.len() as u64)
}

fn follow(log: &Path, mut from: u64) -> Result<()> {
    let broken = until(FOLLOW_AT_MOST, || match print_from(log, from) {
        Ok(end) => {
            from = end;
            None
        }
        Err(error) => Some(error),
    });
    // A log that is gone went with its stack: the end of following it.
    match broken {
        Some(_) if !log.exists() => Ok(()),
        Some(error) => Err(error),
        None => Ok(()),
    }
}

fn print_from(log: &Path, from: u64) -> Result<u64> {
    let mut file = File::open(log)?;
    file.seek(SeekFrom::Start(from))?;
    let mut added = Vec::new();
    file.read_to_end(&mut added)?;
    if !added.is_empty() {
        print(&String::from_utf8_lossy(&added))?;
    }
    Ok(from + added.len() as u64)
}
