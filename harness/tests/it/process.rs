//! What is true of the provider `process` beyond the contract.

use gauntlet_harness::provider::{Exit, RunAs, Signal};

use crate::bench::{Bench, OBEDIENT, SOON, pids_in, until_gone};

/// The second sleeper has a session of its own, as each backend of Postgres has.
#[tokio::test]
async fn kill_reaches_relatives_that_left_the_group() {
    let bench = Bench::on_processes();
    let script =
        "sleep 1000 & echo $! > pids; setsid sleep 1000 & echo $! >> pids; touch $READY; wait";
    let service = bench.ready_shell("family", script).await;
    let relatives = pids_in(&bench.path("pids"));
    assert_eq!(relatives.len(), 2);
    service.signal(Signal::Kill).await.unwrap();
    assert_eq!(service.ended().await, Exit::Signal(9));
    until_gone(&relatives).await;
}

#[tokio::test]
async fn a_program_that_is_missing_ends_as_a_shell_has_it() {
    let bench = Bench::on_processes();
    let mut spec = bench.spec("missing", "");
    spec.program = "/nonexistent/server".into();
    let service = bench.start(spec).await.unwrap();
    let error = service.ready(SOON).await.unwrap_err();
    assert_eq!(error.exit(), Some(Exit::Code(127)));
}

#[tokio::test]
async fn an_abandoned_service_ends() {
    let bench = Bench::on_processes();
    let service = bench.ready_shell("orphan", OBEDIENT).await;
    let pid = service.pid().unwrap();
    service.abandon();
    until_gone(&[pid]).await;
    assert_eq!(bench.run.unexpected_exits(), [], "it was abandoned");
}

#[tokio::test]
async fn root_can_give_a_service_another_user_and_no_groups() {
    if !nix::unistd::geteuid().is_root() {
        // Only root can become somebody else; for all others the shim leaves the user alone.
        return;
    }
    let bench = Bench::on_processes();
    let mut spec = bench.spec("nobody", "id -u; id -G; exit 1");
    spec.run_as = Some(RunAs {
        uid: 65_534,
        gid: 65_534,
    });
    spec.working_dir = "/".into();
    let service = bench.start(spec).await.unwrap();
    let error = service.ready(SOON).await.unwrap_err();
    assert_eq!(error.last_output(), ["65534", "65534"]);
}
