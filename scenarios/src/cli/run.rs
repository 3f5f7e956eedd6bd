use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use gauntlet_harness::stack::StackKind;
use gauntlet_harness::store::Store;
use gauntlet_reports::evidence::{ExitStatus, SCHEMA, Timing};
use gauntlet_reports::{Report, write_all};
use jiff::Timestamp;
use rand::Rng;
use tokio_util::sync::CancellationToken;

use super::args::RunArgs;
use super::interrupt;
use super::output::print;
use super::{Session, closing};
use crate::console::{ComponentProgress, Console, Verbosity};
use crate::failure::failed;
use crate::host::Checkout;
use crate::registry;
use crate::run::Settings;
use crate::runner::{Carried, RunFacts, Runner, run_info};
use crate::scenario::Scenario;

/// Seeds are short enough to be typed again.
const LARGEST_CHOSEN_SEED: u64 = 999_999;

/// Sets up, runs, judges, reports.
pub(super) fn run(args: &RunArgs) -> Result<ExitStatus> {
    let scenarios = registry::select(&args.scenarios)?;
    for name in &args.allow_not_run {
        registry::find(name).context("failed to understand --allow-not-run")?;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let outcome = runtime.block_on(perform(args, scenarios));
    // A fetch that was interrupted may still be inside a package client; its children die with us.
    runtime.shutdown_background();
    outcome
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
    let mut facts = RunFacts {
        id: run_id(seed),
        started: Timestamp::now(),
        seed,
        stack: settings.offered,
        allowed_not_run: args.allow_not_run.clone(),
        checkout: Checkout::find(),
        timings: Vec::new(),
    };
    console.note(&format!(
        "gauntlet {}, {} stack, seed {seed}",
        env!("CARGO_PKG_VERSION"),
        settings.offered
    ));
    facts.timings = set_up(&mut session, settings.offered, &interrupt).await?;

    let folder = args.reports.join("runs").join(&facts.id);
    std::fs::create_dir_all(&folder)
        .with_context(|| format!("failed to make the report's folder {}", folder.display()))?;
    let runner = Runner {
        session: &session,
        settings,
        folder: &folder,
        run_id: &facts.id,
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
    interrupt: &CancellationToken,
) -> Result<Vec<Timing>> {
    session.console.heading("components");
    let components = Instant::now();
    let mut timings = Vec::new();
    obtain(session, stack, interrupt).await?;
    timings.push(timing("components in place", components));
    let system = Instant::now();
    tokio::select! {
        built = session.obtain_system() => built?,
        () = interrupt.cancelled() => bail!("interrupted while building the system"),
    }
    timings.push(timing("system in place", system));
    Ok(timings)
}

async fn obtain(session: &Session, stack: StackKind, interrupt: &CancellationToken) -> Result<()> {
    let store = Arc::clone(&session.store);
    let progress = ComponentProgress::new(session.console.clone());
    let obtaining =
        tokio::task::spawn_blocking(move || store.obtain_all(stack.components(), &progress));
    let obtained = tokio::select! {
        obtained = obtaining => obtained?,
        () = interrupt.cancelled() => {
            bail!("interrupted while getting components; what is complete is kept")
        }
    };
    obtained
        .map(|_| ())
        .map_err(failed)
        .with_context(|| unobtainable(&session.store, stack))
}

fn timing(what: &str, since: Instant) -> Timing {
    Timing {
        what: what.to_owned(),
        seconds: since.elapsed().as_secs_f64(),
    }
}

/// The full stack never silently becomes the light one: what is missing is named, and light offered.
fn unobtainable(store: &Store, stack: StackKind) -> String {
    let missing: Vec<&str> = stack
        .components()
        .iter()
        .filter(|id| !store.is_ready(**id))
        .map(|id| id.as_str())
        .collect();
    let offer = match stack {
        StackKind::Full => {
            "; `gauntlet run --stack light` runs what needs Postgres and Redis alone"
        }
        StackKind::Light => "",
    };
    format!("the {stack} stack lacks {}{offer}", missing.join(", "))
}

/// Writes the report, shows the table, and says what the exit code is.
fn conclude(
    args: &RunArgs,
    facts: &RunFacts,
    folder: &Path,
    carried: Carried,
) -> Result<ExitStatus> {
    let report = Report {
        schema: SCHEMA.to_owned(),
        run: run_info(facts),
        components: carried.components,
        scenarios: carried.scenarios,
    };
    let written = write_all(&report, folder).context("failed to write the report")?;
    let latest = point_latest(&args.reports, &facts.id)?;
    if let Some(copy) = &args.json {
        std::fs::copy(&written.json, copy)
            .with_context(|| format!("failed to write the report to {}", copy.display()))?;
    }
    let status = match &carried.broken {
        None => report.exit_status(&args.allow_not_run),
        Some(_) => ExitStatus::HarnessFailure,
    };
    print(&closing::table(&report, status, &latest))?;
    match carried.broken {
        Some(error) => Err(error),
        None => Ok(status),
    }
}

/// Makes `latest` point to this run, in one step, so that two runs that end together leave one whole
/// link.
fn point_latest(reports: &Path, id: &str) -> Result<PathBuf> {
    let latest = reports.join("latest");
    let draft = reports.join(format!(".latest-{id}"));
    symlink(Path::new("runs").join(id), &draft)
        .and_then(|()| std::fs::rename(&draft, &latest))
        .with_context(|| format!("failed to point {} to the report", latest.display()))?;
    Ok(latest)
}

/// Sorts by time, and does not collide between two runs that start in the same second.
fn run_id(seed: u64) -> String {
    let now = Timestamp::now().strftime("%Y%m%d-%H%M%S");
    format!("{now}-{seed}-{}", std::process::id())
}
