//! What is left of a run in the engine when it is over, however it ends: nothing.

use std::path::Path;
use std::sync::Arc;

use gauntlet_harness::provider::{sweep, until};

use super::bench::{open_provider, stand_in};
use super::engine::Things;
use crate::bench::{Bench, OBEDIENT, SOON, open_run, state_in, until_gone};
use crate::victim::{Victim, directory};

/// What the harness that is killed has in the engine: services, the run's network, no volumes.
const HELD: (usize, usize, usize) = (2, 1, 0);
const PART: &str = "containers::leftovers::a_harness_with_containers";
const PART_AT_WORK: &str = "containers::leftovers::a_harness_that_starts_containers";
/// The file that tells the run's id.
const RUN: &str = "run";

#[tokio::test]
async fn closing_leaves_nothing_and_can_be_repeated() {
    let bench = Bench::on_containers().await;
    let things = Things::of_run(bench.run.run_id()).await;
    bench.ready_shell("still-running", OBEDIENT).await;
    assert_eq!(things.count().await, (1, 1, 0));
    bench.provider.close().await.unwrap();
    assert_eq!(things.count().await, (0, 0, 0));
    bench.close().await;
}

#[tokio::test]
async fn a_service_that_is_stopped_for_good_leaves_no_container() {
    let bench = Bench::on_containers().await;
    let things = Things::of_run(bench.run.run_id()).await;
    let service = bench.ready_shell("done", OBEDIENT).await;
    bench
        .run_once(bench.shot("do one thing", "true"))
        .await
        .unwrap();
    assert_eq!(things.count().await, (1, 1, 0));
    service.stop(SOON).await.unwrap();
    assert_eq!(things.count().await, (0, 1, 0));
    bench.close().await;
}

#[tokio::test]
async fn dropping_everything_leaves_nothing() {
    let bench = Bench::on_containers().await;
    let things = Things::of_run(bench.run.run_id()).await;
    let service = bench.ready_shell("orphan", OBEDIENT).await;
    let run = Arc::clone(&bench.run);
    service.abandon();
    drop(service);
    drop(bench);
    things.until_gone().await;
    assert_eq!(run.unexpected_exits(), [], "it was abandoned");
}

#[tokio::test]
async fn a_killed_harness_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (mut harness, things, run_id) = harness_with_containers(PART, dir.path()).await;
    things.until(HELD).await;
    assert_eq!(
        sweep(&state_in(dir.path())).await.unwrap().runs,
        [],
        "a living run is left alone"
    );
    assert_eq!(things.count().await, HELD);
    harness.kill();
    things.until_gone().await;
    let report = sweep(&state_in(dir.path())).await.unwrap();
    assert_eq!(report.runs.len(), 1);
    assert_eq!(report.runs[0].run_id, run_id);
    assert_eq!(report.runs[0].containers, 0, "its reaper had removed them");
}

#[tokio::test]
async fn a_harness_that_is_killed_while_it_starts_services_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (mut harness, things, run_id) = harness_with_containers(PART_AT_WORK, dir.path()).await;
    things.until(HELD).await;
    let reaper = reaper_of(&run_id);
    harness.kill();
    things.until_gone().await;
    // It stays on guard for a while: what the engine was asked for may come into being late.
    until_gone(&[reaper.unsigned_abs()]).await;
    assert_eq!(things.count().await, (0, 0, 0));
}

#[tokio::test]
async fn the_next_start_sweeps_what_a_killed_harness_and_its_killed_reaper_left() {
    let dir = tempfile::tempdir().unwrap();
    let (mut harness, things, run_id) = harness_with_containers(PART, dir.path()).await;
    things.until(HELD).await;
    let reaper = reaper_of(&run_id);
    let pid = nix::unistd::Pid::from_raw(reaper);
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL).unwrap();
    until_gone(&[reaper.unsigned_abs()]).await;
    harness.kill();
    assert_eq!(things.count().await, HELD, "nobody is left to remove them");
    let report = sweep(&state_in(dir.path())).await.unwrap();
    assert_eq!(report.runs.len(), 1);
    assert_eq!(report.runs[0].containers, HELD.0);
    assert_eq!(things.count().await, (0, 0, 0));
    assert_eq!(sweep(&state_in(dir.path())).await.unwrap().runs, []);
}

/// A process that holds a provider, its things in the engine, and its run's id.
async fn harness_with_containers(part: &str, dir: &Path) -> (Victim, Things, String) {
    let harness = Victim::play(part, dir);
    let run = dir.join(RUN);
    let told = || std::future::ready(std::fs::read_to_string(&run));
    let (run_id, _) = until("the run's id", SOON, told).await.unwrap();
    let things = Things::of_run(&run_id).await;
    (harness, things, run_id)
}

/// The process whose arguments say that it reaps this run.
fn reaper_of(run_id: &str) -> i32 {
    let reaps = |process: &procfs::process::Process| {
        let arguments = process.cmdline().unwrap_or_default();
        arguments.ends_with(&["reap-containers".to_owned(), run_id.to_owned()])
    };
    let mut processes = procfs::process::all_processes().unwrap().flatten();
    processes.find(reaps).unwrap().pid
}

/// Plays the harness that is killed. Does nothing unless a test above started it.
#[tokio::test]
#[ignore = "run by other tests, as a process of its own"]
async fn a_harness_with_containers() {
    let Some(dir) = directory() else {
        return;
    };
    let bench = bench_of_the_killed(&dir).await;
    let _services = [
        bench.shell("one", OBEDIENT).await,
        bench.shell("another", OBEDIENT).await,
    ];
    // Until the test kills this process.
    std::future::pending::<()>().await;
}

/// Plays the harness that is killed while it is at work.
#[tokio::test]
#[ignore = "run by another test, as a process of its own"]
async fn a_harness_that_starts_containers() {
    let Some(dir) = directory() else {
        return;
    };
    let bench = bench_of_the_killed(&dir).await;
    let mut services = Vec::new();
    for number in 1_u32.. {
        services.push(bench.shell(&format!("service-{number}"), OBEDIENT).await);
    }
}

/// The bench tells the run's id in one step: whoever reads it reads all of it.
async fn bench_of_the_killed(dir: &Path) -> Bench {
    let place = tempfile::tempdir_in(dir).unwrap();
    let run = open_run(&state_in(dir), dir);
    let provider = Arc::new(open_provider(&run).await);
    let package = stand_in(place.path()).await;
    std::fs::write(dir.join("run.new"), run.run_id()).unwrap();
    std::fs::rename(dir.join("run.new"), dir.join(RUN)).unwrap();
    Bench::at(place, run, provider, Some(package))
}
