use gauntlet_harness::stack::{RunsOn, StackKind};
use gauntlet_reports::evidence::{ProviderInfo, Providers, RunInfo, Timing};
use jiff::Timestamp;

use crate::cli::Chosen;
use crate::host::{self, Checkout};

/// What is known of a run beside its scenarios.
#[derive(Clone, Debug)]
pub struct RunFacts {
    pub id: String,
    pub started: Timestamp,
    pub seed: u64,
    pub stack: StackKind,
    pub allowed_not_run: Vec<String>,
    /// In the order in which each scenario goes through them.
    pub providers: Vec<Chosen>,
    pub checkout: Checkout,
    /// What setting up took before the first scenario.
    pub timings: Vec<Timing>,
}

/// The report's head, finished now. `broken` is why the harness could not go on, when it could not.
pub fn run_info(facts: &RunFacts, broken: Option<String>) -> RunInfo {
    RunInfo {
        id: facts.id.clone(),
        started: facts.started,
        finished: Timestamp::now(),
        seed: facts.seed,
        command: command_line(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        commit: facts.checkout.commit.clone(),
        dirty: facts.checkout.dirty,
        profile: profile().to_owned(),
        stack: facts.stack.as_str().to_owned(),
        providers: providers(facts),
        host: host::describe(),
        timings: facts.timings.clone(),
        allowed_not_run: facts.allowed_not_run.clone(),
        broken,
    }
}

/// Why each provider, and how far what it runs can be reached.
fn providers(facts: &RunFacts) -> Providers {
    let infos = facts.providers.iter().map(|chosen| {
        let reach = reach(&chosen.runs_on, facts.stack);
        ProviderInfo {
            name: chosen.name().to_owned(),
            reason: format!("{}; {reach}", chosen.reason),
        }
    });
    Providers::from(infos.collect::<Vec<_>>())
}

fn reach(runs_on: &RunsOn, stack: StackKind) -> &'static str {
    match (runs_on, stack) {
        (RunsOn::Containers(_), _) => {
            "containers listen on a network of each stack's own, and are published on 127.0.0.1 alone; what \
             the harness sends to them passes through the engine's proxy"
        }
        (RunsOn::Processes, StackKind::Light) => "child processes listen on 127.0.0.1",
        (RunsOn::Processes, StackKind::Full) => {
            "child processes listen on 127.0.0.1 but for the health ports of Dapr's scheduler and \
             placement, which 1.16 opens on every interface"
        }
    }
}

/// The harness builds the system in its own profile, so one word describes both.
fn profile() -> &'static str {
    if cfg!(debug_assertions) {
        "debug"
    } else {
        "release"
    }
}

/// As a person would type it again: the path of the binary says nothing to a reader.
fn command_line() -> Vec<String> {
    let arguments = std::env::args_os().skip(1);
    std::iter::once("gauntlet".to_owned())
        .chain(arguments.map(|argument| argument.to_string_lossy().into_owned()))
        .collect()
}
