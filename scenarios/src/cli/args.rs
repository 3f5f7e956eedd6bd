//! The command line's grammar. What each command does is in the module of its name.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{EnumValueParser, PossibleValue, TypedValueParser};
use clap::error::ErrorKind;
use clap::{Arg, Args, Parser, Subcommand, ValueEnum};
use gauntlet_harness::image::Part;
use gauntlet_harness::stack::StackKind;
use gauntlet_harness::store::ComponentId;
use gauntlet_reports::regression::Tolerance;

/// Run an event-driven todo system on real Kafka, Redis, Postgres and Dapr, load it, break it, and
/// judge what happened.
#[derive(Debug, Parser)]
#[command(
    name = "gauntlet",
    version,
    max_term_width = 100,
    after_help = "Exit codes: 0 pass · 1 fail · 2 inconclusive or not run · 3 the harness itself \
                  failed (a wrong flag included).\nThe exit code follows the bar that was asked \
                  for; our own, stricter bar is reported beside it."
)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Set everything up, run scenarios, judge them, and write a report
    Run(RunArgs),
    /// List the scenarios: what each claims and what it needs
    List(ListArgs),
    /// Start a stack and leave it running, with URLs and a token to try it
    Up(UpArgs),
    /// Ask each part of the running stacks how it is
    Status(StatusArgs),
    /// Print shell variables with a running stack's URLs and a token, for `eval`
    Env(EnvArgs),
    /// Print the log of one service of a running stack
    Logs(LogsArgs),
    /// Stop running or starting stacks and leave nothing behind
    Down(DownArgs),
    /// Get the components ahead of time, or list where they are
    Fetch(FetchArgs),
    /// Build container images from the components, or list those that the engine has
    Images(ImagesArgs),
    /// Show, re-render or compare reports
    Report(ReportArgs),
    /// Print a completion script for a shell
    Completions(CompletionsArgs),
    /// Hold a stack until told to stop (used by `up`)
    #[command(hide = true)]
    Hold(HoldArgs),
}

#[derive(Debug, Args)]
pub struct RunArgs {
    /// Scenarios to run, in this order; all of them when none is named
    #[arg(value_name = "SCENARIO")]
    pub scenarios: Vec<String>,
    /// Which components to stand up
    #[arg(long, value_enum, default_value_t = StackArg::Full)]
    pub stack: StackArg,
    /// What to run the components on, several with commas: each scenario is then run on each; by default
    /// containers where an engine answers and has the images, else processes
    #[arg(
        long = "provider",
        env = "GAUNTLET_PROVIDER",
        value_parser = ProviderParser { of_several: true },
        value_name = "PROVIDER",
        value_delimiter = ','
    )]
    pub providers: Vec<ProviderOrNone>,
    /// Seed of the run's random choices; chosen and printed when left out
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Run each scenario this many times
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub repeat: u32,
    /// Length of scenarios that watch something over time, e.g. 60s, 5m, 1h: of `sidecar-memory` alone
    /// so far; the others have a length of their own
    #[arg(long = "for", value_name = "DURATION", value_parser = parse_duration)]
    pub duration: Option<Duration>,
    /// Also write the JSON report to this path
    #[arg(long, value_name = "PATH")]
    pub json: Option<PathBuf>,
    /// Folder that keeps the reports; the newest is linked as `latest`
    #[arg(long, value_name = "DIR", default_value = "reports")]
    pub reports: PathBuf,
    /// A scenario that may be not run without turning the exit code to 2
    #[arg(long, value_name = "SCENARIO")]
    pub allow_not_run: Vec<String>,
    /// Print only the closing table
    #[arg(long, short)]
    pub quiet: bool,
}

/// The command line's word for a kind of stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum StackArg {
    /// Kafka, Redis, Postgres, Dapr
    Full,
    /// Postgres and Redis alone, direct mode
    Light,
}

/// The command line's word for a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ProviderArg {
    /// Child processes on 127.0.0.1
    Process,
    /// Containers of a local engine, on a network of the run's own
    Containers,
}

impl ProviderArg {
    /// As it is typed.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Process => "process",
            Self::Containers => "containers",
        }
    }
}

/// None of an empty value. Not `Option` by its own name, which the grammar takes for a flag that may be
/// left out.
pub type ProviderOrNone = Option<ProviderArg>;

/// Reads a provider. An empty value counts as unset, as it does of every variable of the environment.
#[derive(Clone, Copy, Debug)]
struct ProviderParser {
    /// Whether the value is a piece of a list that was cut at its commas.
    of_several: bool,
}

impl TypedValueParser for ProviderParser {
    type Value = ProviderOrNone;

    fn parse_ref(
        &self,
        command: &clap::Command,
        arg: Option<&Arg>,
        value: &OsStr,
    ) -> Result<ProviderOrNone, clap::Error> {
        if value.is_empty() {
            return Ok(None);
        }
        if !self.of_several && value.to_string_lossy().contains(',') {
            let why = format!(
                "`{}` takes one provider, and --provider or GAUNTLET_PROVIDER names '{}'; to mend: name \
                 one of them by --provider\n",
                command.get_name(),
                value.to_string_lossy()
            );
            return Err(clap::Error::raw(ErrorKind::ValueValidation, why).with_cmd(command));
        }
        let named = EnumValueParser::<ProviderArg>::new();
        named.parse_ref(command, arg, value).map(Some)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        let all = ProviderArg::value_variants().iter();
        Some(Box::new(all.filter_map(ValueEnum::to_possible_value)))
    }
}

impl From<StackArg> for StackKind {
    fn from(arg: StackArg) -> Self {
        match arg {
            StackArg::Full => StackKind::Full,
            StackArg::Light => StackKind::Light,
        }
    }
}

#[derive(Debug, Args)]
pub struct ListArgs {
    /// Print as JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct UpArgs {
    /// Which components to stand up
    #[arg(long, value_enum, default_value_t = StackArg::Full)]
    pub stack: StackArg,
    /// What to run it on; by default containers where an engine answers and has the images, else
    /// processes
    #[arg(
        long,
        env = "GAUNTLET_PROVIDER",
        value_parser = ProviderParser { of_several: false },
        value_name = "PROVIDER",
        default_value = "",
        hide_default_value = true
    )]
    pub provider: ProviderOrNone,
    /// Print only the URLs, a line each: the api's, then the audit's
    #[arg(long, short)]
    pub quiet: bool,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 all is healthy, or no stack is up · 1 a service is not, or a holder does \
                  not answer · 2 a stack is starting or stopping · 3 the question itself failed."
)]
pub struct StatusArgs {
    /// Print as JSON: a list of stacks
    ///
    /// Each has a `run_id` and a `state`. `up`: with `kind`, `services` and `lanes`. `starting` and
    /// `stopping`: with `kind` and `holder_log`. `unanswering`: with `holder_pid` (or null),
    /// `holder_log` and the `reason`.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Use it like this: eval \"$(gauntlet env)\". API and AUDIT are base URLs, TOKEN is a \
                  made-up user's bearer token."
)]
pub struct EnvArgs {
    /// Lane, as `gauntlet up` names it; the first one when it is left out
    #[arg(long)]
    pub lane: Option<String>,
    /// Stack, when several are up
    #[arg(long, value_name = "ID")]
    pub stack_id: Option<String>,
}

#[derive(Debug, Args)]
pub struct LogsArgs {
    /// Service, as `gauntlet status` names it; all names are listed when it is left out
    pub service: Option<String>,
    /// Stack, when several are up
    #[arg(long, value_name = "ID")]
    pub stack_id: Option<String>,
    /// How many lines from the end
    #[arg(long, short = 'n', value_name = "LINES", default_value_t = 50)]
    pub lines: usize,
    /// Keep printing what is added, until interrupted or until nobody reads it any more
    #[arg(long, short)]
    pub follow: bool,
}

#[derive(Debug, Args)]
pub struct DownArgs {
    /// Stack to stop; all of them when left out
    #[arg(value_name = "ID")]
    pub stack_id: Option<String>,
}

#[derive(Debug, Args)]
pub struct FetchArgs {
    /// Components to get; all of them when none is named
    #[arg(value_name = "COMPONENT")]
    pub components: Vec<ComponentId>,
    /// Show what is there and where it came from; get nothing
    #[arg(long)]
    pub list: bool,
}

#[derive(Debug, Args)]
#[command(
    after_help = "With --gate, got worse means: a criterion that passed what was asked and now fails or is \
                  inconclusive, a scenario or criterion that is no longer judged, or a number that is \
                  worse by more than the tolerance and, where runs repeat, outside their spread. What is \
                  new in the later report does not count. Numbers are compared only where machine, \
                  provider, build profile, stack and length are the same.\n\
                  Exit codes with --gate: 0 nothing got worse · 1 something did · 3 a report cannot be \
                  read, or the two have no criterion in common. Without --gate: 0, or 3 where a report \
                  cannot be read."
)]
pub struct ReportArgs {
    /// A report's folder or its report.json
    #[arg(default_value = "reports/latest")]
    pub path: PathBuf,
    /// Compare with this earlier report
    ///
    /// Scenarios are matched by name, provider and repeat. Where one report has processes alone and the
    /// other containers alone, they are compared across the two, and that is said.
    #[arg(long, value_name = "PATH")]
    pub compare: Option<PathBuf>,
    /// Answer by exit code whether anything got worse since the compared report
    #[arg(long, requires = "compare")]
    pub gate: bool,
    /// How much worse a number may be, in percent of its earlier value and of its bar
    #[arg(long, value_name = "PERCENT", requires = "gate", default_value_t = Tolerance::default().percent, value_parser = parse_percent)]
    pub tolerance: f64,
    /// Write all renderings again beside the JSON
    #[arg(long, conflicts_with = "compare")]
    pub render: bool,
}

#[derive(Debug, Args)]
pub struct CompletionsArgs {
    pub shell: clap_complete::Shell,
}

#[derive(Debug, Args)]
pub struct HoldArgs {
    #[arg(long)]
    pub id: String,
    #[arg(long, value_enum)]
    pub stack: StackArg,
    /// What to run it on
    #[arg(long, value_enum)]
    pub provider: Option<ProviderArg>,
    /// Process whose child this is; the start goes no further than that lives
    #[arg(long, value_name = "PID")]
    pub starter: i32,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Official images are used where they are in the engine or can be pulled; the images that \
                  this builds are for where no registry can be reached. They are called \
                  gauntlet/PART:VERSION, run as nobody, and hold nothing but the programs and what these \
                  are linked with. GAUNTLET_KAFKA_IMAGE and so on, a variable for each part, name an image \
                  to use instead."
)]
pub struct ImagesArgs {
    /// Parts to build an image of: redis, postgres, kafka, placement, scheduler, daprd, todo (the system);
    /// all of them when none is named
    #[arg(value_name = "PART")]
    pub parts: Vec<Part>,
    /// Show which image each part would run from and where it is from; build nothing
    #[arg(long, conflicts_with = "context")]
    pub list: bool,
    /// Write what the images are built from to DIR/PART instead, for `docker build`; needs no engine
    #[arg(long, value_name = "DIR")]
    pub context: Option<PathBuf>,
}

/// `90s`, `5m`, `1h`, and sums such as `1m 30s`.
fn parse_duration(text: &str) -> Result<Duration, String> {
    let parsed: jiff::SignedDuration = text
        .parse()
        .map_err(|_| "expected a length of time such as 60s, 5m or 1h".to_owned())?;
    let length =
        Duration::try_from(parsed).map_err(|_| "a length of time cannot be negative".to_owned())?;
    if length < MIN_DURATION || length > MAX_DURATION {
        return Err("expected between 30s and 24h".to_owned());
    }
    Ok(length)
}

/// From 0 on; what is no number would hold nothing to anything.
fn parse_percent(text: &str) -> Result<f64, String> {
    let percent = text
        .parse()
        .ok()
        .filter(|percent: &f64| percent.is_finite() && *percent >= 0.0);
    percent.ok_or_else(|| "expected a percentage of 0 or more, such as 20".to_owned())
}

/// Shorter than this no slope and no percentile would mean anything.
const MIN_DURATION: Duration = Duration::from_secs(30);
/// Every run is bounded; a soak of more than a day is a series of runs.
const MAX_DURATION: Duration = Duration::from_hours(24);

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::registry;

    #[test]
    fn the_grammar_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_help_of_for_names_exactly_those_that_heed_it() {
        let run = Cli::command();
        let run = run.find_subcommand("run").expect("run");
        let length = run.get_arguments().find(|arg| arg.get_id() == "duration");
        let help = length
            .and_then(|arg| arg.get_help())
            .expect("help")
            .to_string();
        let heeding = registry::of_chosen_length(&registry::all());
        for scenario in registry::all() {
            let id = scenario.meta().id;
            assert_eq!(help.contains(id), heeding.contains(&id), "{id}: {help}");
        }
    }

    #[test]
    fn a_tolerance_is_a_percentage() {
        assert_eq!(parse_percent("0"), Ok(0.0));
        assert_eq!(parse_percent("12.5"), Ok(12.5));
        for refused in ["-1", "NaN", "inf", "20%", ""] {
            assert!(parse_percent(refused).is_err(), "{refused}");
        }
    }

    #[test]
    fn a_gate_needs_something_to_compare_with() {
        let parsed = |line: &str| Cli::try_parse_from(line.split(' '));
        assert!(parsed("gauntlet report --gate").is_err());
        assert!(parsed("gauntlet report --compare a --tolerance 5").is_err());
        assert!(parsed("gauntlet report b --compare a --gate --tolerance 5").is_ok());
        assert!(parsed("gauntlet report b --compare a --gate").is_ok());
    }

    #[test]
    fn an_empty_provider_counts_as_unset() {
        let command = |line: &str| {
            let parsed = Cli::try_parse_from(line.split(' '));
            parsed.expect("is understood").command
        };
        let asked = |line: &str| -> Vec<ProviderArg> {
            match command(line) {
                Command::Run(args) => args.providers.into_iter().flatten().collect(),
                Command::Up(args) => args.provider.into_iter().collect(),
                other => panic!("neither run nor up: {other:?}"),
            }
        };
        let both = vec![ProviderArg::Process, ProviderArg::Containers];
        for (line, expected) in [
            ("gauntlet run --provider=", vec![]),
            ("gauntlet up --provider=", vec![]),
            ("gauntlet up --provider=process", vec![ProviderArg::Process]),
            ("gauntlet run --provider=process,containers", both),
        ] {
            assert_eq!(asked(line), expected, "{line}");
        }
    }

    #[test]
    fn planted_second_provider_of_up_is_refused_with_the_reason() {
        let line = ["gauntlet", "up", "--provider=process,containers"];
        let error = Cli::try_parse_from(line)
            .expect_err("up takes one")
            .to_string();
        assert!(error.contains("`up` takes one provider"), "{error}");
        let error = Cli::try_parse_from(["gauntlet", "run", "--provider=podman"]);
        let error = error.expect_err("there is no such").to_string();
        assert!(error.contains("process, containers"), "{error}");
    }

    #[test]
    fn durations_are_bounded_and_positive() {
        assert_eq!(parse_duration("1h"), Ok(Duration::from_hours(1)));
        assert_eq!(parse_duration("1m 30s"), Ok(Duration::from_secs(90)));
        assert!(parse_duration("1s").is_err());
        assert!(parse_duration("-5m").is_err());
        assert!(parse_duration("soon").is_err());
    }
}
