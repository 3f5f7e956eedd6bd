use std::time::Duration;

use anyhow::{Context, Result};
use gauntlet_contract::UserId;
use gauntlet_contract::config::Broker;
use gauntlet_harness::stack::{Lane, Stack, StackKind, Topology};

use tokio::io::AsyncWriteExt;
use tokio::net::UnixListener;

use super::args::HoldArgs;
use super::held::{Held, HeldPaths, claim};
use super::{Session, interrupt};
use crate::console::{Console, Verbosity};

/// A person tries things for a day at most with one token.
const TOKEN_TTL: Duration = Duration::from_hours(24);
/// The system drains within its own 30 s; what is left of it then is stuck.
const STOP_GRACE: Duration = Duration::from_secs(35);

/// Starts a stack, describes it, holds it until SIGTERM, and stops it.
pub(super) fn hold(args: &HoldArgs) -> Result<()> {
    // A session of its own, so that the terminal that said `up` may be closed.
    nix::unistd::setsid().context("failed to leave the terminal's session")?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(perform(args))
}

async fn perform(args: &HoldArgs) -> Result<()> {
    let paths = HeldPaths::of(&args.id)?;
    let _lock = claim(&paths)?;
    let interrupt = interrupt::token()?;
    let mut session = Session::open(Console::detect(Verbosity::Normal)).await?;
    session.obtain_system().await?;
    let topology = topology(args.stack.into());
    let context = session.stack_context(&args.id, paths.folder());
    let stack = tokio::select! {
        stack = Stack::start(topology, &context) => stack.map_err(|error| anyhow::anyhow!("failed to {error}"))?,
        () = interrupt.cancelled() => anyhow::bail!("told to stop before the stack was ready"),
    };
    let described = describe(args, &paths, &stack).await;
    if described.is_ok() {
        tokio::select! {
            () = interrupt.cancelled() => {}
            error = answer(&paths, &stack) => tracing::error!(?error, "status cannot be asked"),
        }
        interrupt.cancelled().await;
    }
    stack
        .stop(STOP_GRACE)
        .await
        .map_err(|error| anyhow::anyhow!("failed to {error}"))?;
    described?;
    std::fs::remove_dir_all(paths.folder()).context("failed to remove the stack's folder")
}

async fn describe(args: &HoldArgs, paths: &HeldPaths, stack: &Stack) -> Result<()> {
    let token = stack
        .token_for(UserId::generate(), TOKEN_TTL)
        .map_err(|error| anyhow::anyhow!("failed to {error}"))?;
    let held = Held {
        id: args.id.clone(),
        holder_pid: nix::unistd::getpid().as_raw(),
        token,
        stack: stack.describe().await,
    };
    let draft = paths.folder().join("stack.json.draft");
    std::fs::write(&draft, serde_json::to_vec_pretty(&held)?)?;
    std::fs::rename(&draft, paths.description()).context("failed to describe the stack")
}

/// Answers each connection with the stack's present state.
async fn answer(paths: &HeldPaths, stack: &Stack) -> Result<()> {
    let listener = UnixListener::bind(paths.control()).context("failed to listen for status")?;
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
