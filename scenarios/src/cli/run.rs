use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use gauntlet_harness::stack::{RunsOn, StackKind};
use gauntlet_reports::evidence::{ExitStatus, Timing};
use gauntlet_reports::format;
use jiff::Timestamp;
use rand::Rng;
use tokio_util::sync::CancellationToken;

use super::Session;
use super::args::{ProviderArg, RunArgs};
use super::conclude::{conclude, make_folder, require_writable};
use super::interrupt;
use super::providers::{Chosen, choose};
use crate::console::{Console, Verbosity};
use crate::host::Checkout;
use crate::registry;
use crate::run::Settings;
use crate::runner::{RunFacts, Runner};
use crate::scenario::Scenario;

/// Seeds are short enough to be typed again.
const LARGEST_CHOSEN_SEED: u64 = 999_999;

/// Sets up, runs, judges, reports.
pub(super) fn run(args: &RunArgs) -> Result<ExitStatus> {
    let scenarios = registry::select(&args.scenarios)?;
    for name in &args.allow_not_run {
        registry::find(name).context("failed to understand --allow-not-run")?;
    }
    if let Some(length) = args.duration {
        require_heed(&scenarios, length)?;
    }
    if let Some(copy) = &args.json {
        require_writable(copy)?;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let outcome = runtime.block_on(perform(args, scenarios));
    runtime.shutdown_timeout(interrupt::CLEARED_WITHIN);
    outcome
}

/// A length that nobody heeds would be taken for one that was kept.
fn require_heed(scenarios: &[Box<dyn Scenario>], length: Duration) -> Result<()> {
    if registry::of_chosen_length(scenarios).is_empty() {
        bail!(
            "--for {} has no effect on what is to run; to mend: leave it out, or run {}",
            format::span(length.as_secs_f64()),
            registry::of_chosen_length(&registry::all()).join(", ")
        );
    }
    Ok(())
}

/// Which scenarios `--for` means, where some of those that run have a length of their own.
fn tell_who_heeds(console: &Console, scenarios: &[Box<dyn Scenario>], length: Duration) {
    let heeding = registry::of_chosen_length(scenarios);
    if heeding.len() < scenarios.len() {
        console.note(&format!(
            "--for {}: {}; the others have a length of their own",
            format::span(length.as_secs_f64()),
            heeding.join(", ")
        ));
    }
}

async fn perform(args: &RunArgs, scenarios: Vec<Box<dyn Scenario>>) -> Result<ExitStatus> {
    let interrupt = interrupt::token()?;
    let console = Console::detect(verbosity(args));
    let mut session = Session::open(console.clone()).await?;
    let seed = args
        .seed
        .unwrap_or_else(|| rand::rng().random_range(0..=LARGEST_CHOSEN_SEED));
    let settings = Settings {
        offered: args.stack.into(),
        seed,
        duration: args.duration,
    };
    let asked: Vec<ProviderArg> = args.providers.iter().copied().flatten().collect();
    let providers = tokio::select! {
        chosen = choose(&asked, args.stack.into()) => chosen?,
        () = interrupt.cancelled() => bail!("interrupted while choosing what to run on"),
    };
    let mut facts = RunFacts {
        id: run_id(seed),
        started: Timestamp::now(),
        seed,
        stack: settings.offered,
        allowed_not_run: args.allow_not_run.clone(),
        providers,
        checkout: Checkout::find(),
        timings: Vec::new(),
    };
    console.note(&format!(
        "gauntlet {}, {} stack, seed {seed}",
        env!("CARGO_PKG_VERSION"),
        settings.offered
    ));
    for Chosen { runs_on, reason } in &facts.providers {
        console.note(&format!("on {}: {reason}", runs_on.name()));
    }
    if let Some(length) = args.duration {
        tell_who_heeds(&console, &scenarios, length);
    }
    for Chosen { runs_on, .. } in &facts.providers {
        let timings = set_up(&mut session, settings.offered, runs_on, &interrupt).await?;
        facts.timings.extend(timings);
    }

    let folder = args.reports.join("runs").join(&facts.id);
    make_folder(&folder)?;
    let runner = Runner {
        session: &session,
        settings,
        folder: &folder,
        run_id: &facts.id,
        providers: &facts.providers,
        interrupt,
    };
    let carried = runner.carry_out(&scenarios, args.repeat).await;
    conclude(args, &facts, &folder, carried)
}

fn verbosity(args: &RunArgs) -> Verbosity {
    if args.quiet {
        Verbosity::Quiet
    } else {
        Verbosity::Normal
    }
}

/// Gets every component and the system before the first scenario, so that what is missing is said at
/// once.
async fn set_up(
    session: &mut Session,
    stack: StackKind,
    runs_on: &RunsOn,
    interrupt: &CancellationToken,
) -> Result<Vec<Timing>> {
    session
        .console
        .heading(&format!("components, {}", runs_on.name()));
    let components = Instant::now();
    let mut timings = Vec::new();
    tokio::select! {
        obtained = session.obtain_components(stack, runs_on) => obtained?,
        () = interrupt.cancelled() => {
            bail!("interrupted while getting components; what is complete is kept")
        }
    }
    timings.push(timing(
        &format!("components in place, {}", runs_on.name()),
        components,
    ));
    let system = Instant::now();
    tokio::select! {
        built = session.obtain_system(runs_on) => built?,
        () = interrupt.cancelled() => bail!("interrupted while building the system"),
    }
    timings.push(timing(
        &format!("system in place, {}", runs_on.name()),
        system,
    ));
    Ok(timings)
}

fn timing(what: &str, since: Instant) -> Timing {
    Timing {
        what: what.to_owned(),
        seconds: since.elapsed().as_secs_f64(),
    }
}

/// Sorts by time, and does not collide between two runs that start in the same second.
fn run_id(seed: u64) -> String {
    let now = Timestamp::now().strftime("%Y%m%d-%H%M%S");
    format!("{now}-{seed}-{}", std::process::id())
}
