//! `loadgen`: offers load to a todo API on this machine, from a terminal.

mod args;
mod output;

use std::io::{IsTerminal, stderr};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::Parser;
use gauntlet_loadgen::arrival::Arrival;
use gauntlet_loadgen::client::{Client, Target, User};
use gauntlet_loadgen::{
    CreateTasks, Generator, Lateness, Load, LoadRecord, LoadSummary, Plan, ReadTasks, noise_floor,
};
use uuid::Uuid;

use args::{Args, Operations};

/// Long enough for a few hundred wake-ups at usual rates, short enough not to be waited for.
const NOISE_LASTING: Duration = Duration::from_secs(2);
const REDRAW_EVERY: Duration = Duration::from_millis(250);

/// The project's exit codes: what was measured is inconclusive, or there was no measuring.
const INCONCLUSIVE: u8 = 2;
const FAILED: u8 = 3;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let args = Args::parse();
    match run(&args).await {
        Ok(record) if record.lateness.is_beyond_limit() => ExitCode::from(INCONCLUSIVE),
        Ok(_) => ExitCode::SUCCESS,
        Err(error) => {
            output::error(&error);
            ExitCode::from(FAILED)
        }
    }
}

async fn run(args: &Args) -> Result<LoadRecord> {
    let arrival = args.arrival()?;
    let client = Client::new(
        Target::new(&args.url)?
            .timeout(args.timeout)
            .max_in_flight(args.max_in_flight),
    )?;
    let plan = plan(args, arrival)?;

    let noise = measure_noise(arrival).await?;
    let load = Generator::new(client, plan).start()?;
    show_until_end(&load).await?;
    let record = load.finish().await?;
    ensure!(
        record.offered() > 0,
        "nothing was offered: the load was stopped before its first operation"
    );

    let summary = LoadSummary::of(&record, noise.as_ref())?;
    output::summary(&summary);
    if let Some(path) = &args.json {
        let json = serde_json::to_vec_pretty(&summary)?;
        std::fs::write(path, json).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(record)
}

fn plan(args: &Args, arrival: Arrival) -> Result<Plan> {
    let token = std::fs::read_to_string(&args.token_file)
        .with_context(|| format!("cannot read {}", args.token_file.display()))?;
    let user = Arc::new(User::from_token(token.trim())?);
    // Differs between runs on one stack, and shows in a list where the tasks came from.
    let load = format!("loadgen-{}", Uuid::now_v7().simple());
    let plan = match args.operations {
        Operations::Create => Plan::new(arrival, CreateTasks::new(load, vec![user])),
        Operations::List => Plan::new(arrival, ReadTasks::list(load, vec![user])),
        Operations::Get => {
            let tasks = args
                .task
                .iter()
                .map(|task| (Arc::clone(&user), *task))
                .collect();
            Plan::new(arrival, ReadTasks::get(load, tasks))
        }
    };
    Ok(match arrival {
        Arrival::Burst(burst) => plan.connected_by(usize::try_from(burst.size)?),
        _ => plan,
    })
}

/// The empty loop at the load's rate. A burst has no rate to be quiet at.
async fn measure_noise(arrival: Arrival) -> Result<Option<Lateness>> {
    let quiet = match arrival {
        Arrival::Steady(steady) => Arrival::steady(steady.rate, steady.lasting.min(NOISE_LASTING)),
        Arrival::Ramp(ramp) => Arrival::steady(ramp.to, ramp.lasting.min(NOISE_LASTING)),
        Arrival::Burst(_) | Arrival::Spike(_) => return Ok(None),
    };
    Ok(Some(noise_floor(quiet).await?))
}

/// Redraws a line until the load has ended; an interrupt stops the load and keeps its figures.
async fn show_until_end(load: &Load) -> Result<()> {
    let live = stderr().is_terminal();
    let mut progress = load.watch();
    let mut interrupted = std::pin::pin!(tokio::signal::ctrl_c());
    let mut redraw = tokio::time::interval(REDRAW_EVERY);
    let mut listening = true;
    loop {
        tokio::select! {
            ended = progress.wait_for(|progress| progress.ended) => {
                ended.context("the load's thread died")?;
                break;
            }
            signal = &mut interrupted, if listening => {
                signal.context("cannot listen for an interrupt")?;
                listening = false;
                load.stop();
            }
            _ = redraw.tick(), if live => output::progress(&load.progress()),
        }
    }
    if live {
        output::clear_progress();
    }
    Ok(())
}
