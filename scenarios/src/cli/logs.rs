use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use gauntlet_harness::stack::StackDescription;
use tokio::time::{interval, timeout};

use super::args::LogsArgs;
use super::held::{Phase, Stacks};
use super::output::{Reader, print, print_to_reader, reader_gone};
use crate::console::{Console, Verbosity};

/// `--follow` ends with the user's patience, not by itself; this only has to be longer than that.
const FOLLOW_AT_MOST: Duration = Duration::from_hours(24);
/// A file does not tell that it grew; nobody notices a tenth of a second.
const LOOK_EVERY: Duration = Duration::from_millis(100);

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
    match print_tail(&service.log, args.lines)? {
        Some(end) if args.follow => follow(&service.log, end),
        _ => Ok(()),
    }
}

fn running(id: Option<&str>) -> Result<StackDescription> {
    let paths = Stacks::here(Console::detect(Verbosity::Normal))?
        .one(id)?
        .paths;
    match paths.read()?.phase {
        Phase::Up { stack, .. } => Ok(stack),
        Phase::Starting | Phase::Stopping => bail!(
            "stack {} is starting or stopping; the log of that is {}",
            paths.id,
            paths.holder_log().display()
        ),
    }
}

/// Prints the last lines, and answers where the file ended; none once nobody reads them.
fn print_tail(log: &Path, lines: usize) -> Result<Option<u64>> {
    let bytes = std::fs::read(log).with_context(|| format!("failed to read {}", log.display()))?;
    let text = String::from_utf8_lossy(&bytes);
    let all: Vec<&str> = text.lines().collect();
    for line in &all[all.len().saturating_sub(lines)..] {
        if print_to_reader(&format!("{line}\n"))? == Reader::Gone {
            return Ok(None);
        }
    }
    Ok(Some(bytes.len() as u64))
}

/// Prints what is added until the log or its reader is gone.
fn follow(log: &Path, from: u64) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let followed = runtime.block_on(async {
        let until_the_end = async {
            tokio::select! {
                () = reader_gone() => Ok(()),
                end = print_added(log, from) => end,
            }
        };
        timeout(FOLLOW_AT_MOST, until_the_end).await
    });
    match followed {
        // A log that is gone went with its stack: the end of following it.
        Ok(Err(_)) if !log.exists() => Ok(()),
        Ok(end) => end,
        Err(_) => Ok(()),
    }
}

async fn print_added(log: &Path, mut from: u64) -> Result<()> {
    let mut look = interval(LOOK_EVERY);
    loop {
        look.tick().await;
        let added = read_from(log, from)?;
        from += added.len() as u64;
        if !added.is_empty() && print_to_reader(&String::from_utf8_lossy(&added))? == Reader::Gone {
            return Ok(());
        }
    }
}

fn read_from(log: &Path, from: u64) -> Result<Vec<u8>> {
    let mut file = File::open(log)?;
    file.seek(SeekFrom::Start(from))?;
    let mut added = Vec::new();
    file.read_to_end(&mut added)?;
    Ok(added)
}
