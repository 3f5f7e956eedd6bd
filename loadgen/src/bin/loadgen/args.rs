use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::{Parser, ValueEnum};
use gauntlet_contract::TaskId;
use gauntlet_loadgen::arrival::{Arrival, Ramp, Rate};
use jiff::SignedDuration;

/// Bounds of one invocation: every operation is kept in memory until the end.
const MOST_OPERATIONS: u64 = 1_000_000;
const LONGEST: Duration = Duration::from_hours(1);

const AFTER_HELP: &str = "\
Examples:
  loadgen create --token-file token --rate 200 --for 30s
  loadgen create --token-file token --burst 1000
  loadgen list --token-file token --rate 100 --ramp-to 2000 --for 1m --json out.json

Latency is counted from the moment an operation was meant to start, so a server that stalls shows it.
Exit status: 0 measured; 2 inconclusive, the generator itself was late; 3 nothing measured.";

/// Offer load to a todo API on this machine, at a rate that does not slow down when the API does.
#[derive(Debug, Parser)]
#[command(version, after_help = AFTER_HELP)]
pub(crate) struct Args {
    /// What to offer
    pub(crate) operations: Operations,

    /// Id of a task to get; may be repeated
    #[arg(long, value_name = "ID", required_if_eq("operations", "get"))]
    pub(crate) task: Vec<TaskId>,

    /// The API; a loopback address, nothing else is accepted
    #[arg(long, default_value = "http://127.0.0.1:8000")]
    pub(crate) url: String,

    /// File with the bearer token of the user on whose behalf operations are offered
    #[arg(long, value_name = "PATH")]
    pub(crate) token_file: PathBuf,

    /// How long to wait for each answer
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = duration)]
    pub(crate) timeout: Duration,

    /// Most requests under way at once; what exceeds it starts late and is counted
    #[arg(long, value_name = "N", default_value_t = 4096)]
    pub(crate) max_in_flight: usize,

    /// Also write the figures and histograms as JSON
    #[arg(long, value_name = "PATH")]
    pub(crate) json: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) schedule: Schedule,
}

/// What to offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Operations {
    /// Create tasks; their titles begin with `loadgen-`
    Create,
    /// List the user's tasks
    List,
    /// Read the tasks named by --task, in turn
    Get,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Schedule {
    /// Operations a second
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=50_000))]
    pub(crate) rate: u32,

    /// For how long, at most an hour
    #[arg(long = "for", value_name = "DURATION", default_value = "10s", value_parser = duration)]
    pub(crate) lasting: Duration,

    /// Change the rate linearly up (or down) to this one
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=50_000))]
    pub(crate) ramp_to: Option<u32>,

    /// Offer this many at once instead
    #[arg(long, value_name = "N", conflicts_with_all = ["rate", "lasting", "ramp_to"], value_parser = clap::value_parser!(u32).range(1..=20_000))]
    pub(crate) burst: Option<u32>,
}

impl Args {
    pub(crate) fn arrival(&self) -> Result<Arrival> {
        let Schedule {
            rate,
            lasting,
            ramp_to,
            burst,
        } = self.schedule;
        let per_second = |rate| Rate::try_per_second(rate).context("a rate of zero");
        let arrival = match (burst, ramp_to) {
            (Some(size), _) => Arrival::burst(size),
            (None, Some(to)) => Arrival::Ramp(Ramp {
                from: per_second(rate)?,
                to: per_second(to)?,
                lasting,
            }),
            (None, None) => Arrival::steady(per_second(rate)?, lasting),
        };
        let count = arrival.count();
        ensure!(lasting <= LONGEST, "--for takes at most 1h");
        ensure!(
            count <= MOST_OPERATIONS,
            "{arrival} is {count} operations, at most {MOST_OPERATIONS} are offered in one go"
        );
        Ok(arrival)
    }
}

/// A positive duration such as `500ms`, `30s` or `1m 30s`.
fn duration(text: &str) -> Result<Duration> {
    let signed: SignedDuration = text.parse()?;
    let duration = Duration::try_from(signed)?;
    ensure!(!duration.is_zero(), "must be longer than nothing");
    Ok(duration)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn parse(line: &str) -> Result<Args> {
        let words = ["loadgen", "--token-file", "t"]
            .into_iter()
            .chain(line.split_whitespace());
        Ok(Args::try_parse_from(words)?)
    }

    #[test]
    fn the_command_is_well_formed() {
        Args::command().debug_assert();
    }

    #[test]
    fn schedules_are_what_was_typed() {
        let arrival = |line| {
            parse(line)
                .and_then(|args| args.arrival())
                .expect(line)
                .to_string()
        };
        assert_eq!(arrival("create --rate 200 --for 30s"), "200/s for 30s");
        assert_eq!(
            arrival("create --burst 1000"),
            "1000 at once (leaving within 50ms)"
        );
        assert_eq!(
            arrival("list --rate 10 --ramp-to 90 --for 1m"),
            "10/s to 90/s over 60s"
        );
    }

    #[test]
    fn loads_without_bounds_are_refused() {
        for line in [
            "create --rate 50000 --for 1h",
            "create --rate 1 --for 61m",
            "create --rate 0",
            "create --for -1s",
            "create --burst 5 --rate 9",
            "get --rate 5",
            "drop",
        ] {
            assert!(
                parse(line).and_then(|args| args.arrival()).is_err(),
                "{line}"
            );
        }
    }
}
