use std::time::Duration;

use anyhow::{Context, Result, bail};
use gauntlet_contract::UserId;
use gauntlet_contract::config::Broker;
use gauntlet_harness::stack::{Lane, Stack, StackKind, Topology};

use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::Signal;
use nix::unistd::{Pid, getpid, getppid};
use tokio::io::AsyncWriteExt;
use tokio::net::UnixListener;
use tokio_util::sync::CancellationToken;

use super::args::HoldArgs;
use super::held::{HeldPaths, Phase, Record, Stacks};
use super::providers::choose_one;
use super::{Session, interrupt};
use crate::console::{Console, Verbosity};
use crate::failure::failed;
use crate::runner::STOP_GRACE;

/// A person tries things for a day at most with one token.
const TOKEN_TTL: Duration = Duration::from_hours(24);

/// Starts a stack, describes it, holds it until SIGTERM, and stops it.
pub(super) fn hold(args: &HoldArgs) -> Result<()> {
    // A session of its own, so that the terminal that said `up` may be closed.
    nix::unistd::setsid().context("failed to leave the terminal's session")?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let outcome = runtime.block_on(perform(args));
    runtime.shutdown_timeout(interrupt::CLEARED_WITHIN);
    outcome
}

async fn perform(args: &HoldArgs) -> Result<()> {
    // Until it is ready the stack belongs to the `up` that waits for it: an `up` that is interrupted or
    // killed takes it along.
    set_pdeathsig(Signal::SIGTERM).context("failed to follow the command that starts the stack")?;
    if getppid() != Pid::from_raw(args.starter) {
        bail!("the command that starts the stack is gone");
    }
    let console = Console::detect(Verbosity::Normal);
    let paths = Stacks::here(console.clone())?.paths(&args.id);
    let interrupt = interrupt::token()?;
    // From here on `down` finds this process.
    enter(args, &paths, Phase::Starting)?;
    let stack = tokio::select! {
        stack = bring_up(console, args, &paths) => stack?,
        () = interrupt.cancelled() => bail!("told to stop before the stack was ready"),
    };
    let held = hold_until(&interrupt, args, &paths, &stack).await;
    let told = enter(args, &paths, Phase::Stopping);
    stack.stop(STOP_GRACE).await.map_err(failed)?;
    held.and(told)?;
    paths.remove()
}

/// Writes down how far the stack is.
fn enter(args: &HoldArgs, paths: &HeldPaths, phase: Phase) -> Result<()> {
    paths.write(&Record {
        kind: args.stack.into(),
        holder_pid: Some(getpid().as_raw()),
        phase,
    })
}

async fn bring_up(console: Console, args: &HoldArgs, paths: &HeldPaths) -> Result<Stack> {
    let mut session = Session::open(console).await?;
    let chosen = choose_one(args.provider, args.stack.into()).await?;
    session
        .console
        .note(&format!("on {}: {}", chosen.name(), chosen.reason));
    session
        .obtain_components(args.stack.into(), &chosen.runs_on)
        .await?;
    session.obtain_system(&chosen.runs_on).await?;
    let context = session.stack_context(&args.id, paths.folder(), &chosen.runs_on);
    Stack::start(topology(args.stack.into()), &context)
        .await
        .map_err(failed)
}

/// Describes the stack, and answers for it until it is told to stop.
async fn hold_until(
    interrupt: &CancellationToken,
    args: &HoldArgs,
    paths: &HeldPaths,
    stack: &Stack,
) -> Result<()> {
    // Before the description: who has read it may ask at once.
    let listener = UnixListener::bind(paths.control()).context("failed to listen for status")?;
    set_pdeathsig(None).context("failed to leave the command that started the stack")?;
    describe(args, paths, stack).await?;
    tokio::select! {
        () = interrupt.cancelled() => {}
        error = answer(&listener, stack) => tracing::error!(?error, "status cannot be asked"),
    }
    interrupt.cancelled().await;
    Ok(())
}

async fn describe(args: &HoldArgs, paths: &HeldPaths, stack: &Stack) -> Result<()> {
    let token = stack
        .token_for(UserId::generate(), TOKEN_TTL)
        .map_err(failed)?;
    let stack = stack.describe().await;
    enter(args, paths, Phase::Up { token, stack })
}

/// Answers each connection with the stack's present state.
async fn answer(listener: &UnixListener, stack: &Stack) -> Result<()> {
    loop {
        let (mut asker, _) = listener.accept().await?;
        let state = serde_json::to_vec(&stack.describe().await)?;
        // Who asked may have gone away meanwhile; the next one matters as much.
        if let Err(error) = asker.write_all(&state).await {
            tracing::debug!(%error, "status was asked for and not read");
        }
    }
}

/// What a person wants to try: the system as it is meant to run, in one lane.
fn topology(kind: StackKind) -> Topology {
    match kind {
        StackKind::Full => Topology::full().lane(Lane::dapr(Broker::Kafka)),
        StackKind::Light => Topology::light(),
    }
}
