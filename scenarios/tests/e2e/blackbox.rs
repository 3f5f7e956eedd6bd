//! The black-box suite on one direct light stack: every case, each by its name where it fails.

use std::sync::Arc;
use std::time::Duration;

use gauntlet_harness::component::ComponentFiles;
use gauntlet_harness::component::system::SystemSource;
use gauntlet_harness::provider::StateDir;
use gauntlet_harness::stack::{RunningLane, RunsOn, Stack, StackContext, Topology};
use gauntlet_harness::store::{Silent, Store, StoreConfig};
use gauntlet_scenarios::blackbox::{self, Cast, Inputs, Played, Site, Variant, play_all};
use jiff::Timestamp;
use tempfile::tempdir;
use tokio::runtime::Runtime;

use crate::evidence::fresh_evidence;
use crate::machine::beside_others;

/// Longer than the suite takes by far.
const TOKEN_TTL: Duration = Duration::from_hours(1);
/// The system drains within its own 30 s.
const STOP_GRACE: Duration = Duration::from_secs(35);
/// Cases that are under way at a time; most of them wait for a consumer or for the schedule.
const AT_ONCE: usize = 8;
/// Any will do: a failure names what was asked and answered.
const SEED: u64 = 1;

#[test]
fn every_case_is_answered_as_expected() {
    let _beside_others = beside_others();
    let runtime = Runtime::new().expect("a runtime");
    let played = runtime.block_on(on_a_light_stack());
    let failed: Vec<String> = played
        .iter()
        .filter_map(|played| {
            let surprise = played.surprise.as_ref()?;
            Some(format!("{}: {surprise}", played.case.name))
        })
        .collect();
    let (failures, all) = (failed.len(), played.len());
    assert!(
        failed.is_empty(),
        "{failures} of {all} cases:\n{}",
        failed.join("\n")
    );
    assert!(all >= 100, "{all} cases");
}

async fn on_a_light_stack() -> Vec<Played> {
    let state = tempdir().expect("a folder");
    // This program does not answer to `exec-child`, without which no tool runs: whatever is not in the
    // cache already could neither be fetched nor found on the machine.
    let store = StoreConfig {
        shim: env!("CARGO_BIN_EXE_gauntlet").into(),
        ..StoreConfig::from_env().expect("a cache")
    };
    let context = StackContext {
        run_id: format!("blackbox-{}", std::process::id()),
        run_dir: fresh_evidence("blackbox"),
        state: StateDir::at(state.path()),
        shim: env!("CARGO_BIN_EXE_gauntlet").into(),
        runs_on: RunsOn::Processes,
        store: Arc::new(Store::open(store).expect("a store")),
        components: ComponentFiles::default(),
        system: SystemSource::Auto,
        progress: Arc::new(Silent),
        notes: Arc::new(|_| ()),
    };
    let started = Stack::start(Topology::light(), &context).await;
    let stack = started.expect("a stack");
    let played = played(&stack, &stack.lanes()[0]).await;
    stack.stop(STOP_GRACE).await.expect("stopped");
    played
}

async fn played(stack: &Stack, lane: &RunningLane) -> Vec<Played> {
    let site = Site {
        api: lane.api_url(),
        audit: lane.audit_url(),
    };
    let inputs = Inputs::new(SEED, Timestamp::now());
    let token = |user| stack.token_for(user, TOKEN_TTL);
    let casts = blackbox::all()
        .into_iter()
        .map(|case| Cast::of(case, Variant::Ordinary, &inputs, token));
    let casts = casts.collect::<Result<_, _>>().expect("tokens");
    play_all(casts, &inputs, &site, AT_ONCE)
        .await
        .expect("a client")
}
