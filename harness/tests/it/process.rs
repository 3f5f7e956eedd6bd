use std::time::Duration;

use gauntlet_harness::error::StackErrorKind;
use gauntlet_harness::provider::{Exit, Health, RunAs, Signal, Stopped, until};

use crate::bench::{Bench, SOON, is_gone, pids_in, state_of};

const SIGKILL: Exit = Exit::Signal(9);
const SLEEPER: &str = "touch $READY; exec sleep 1000";

#[tokio::test]
async fn a_child_that_dies_at_start_tells_how_and_with_which_words() {
    let bench = Bench::new();
    let service = bench
        .shell("doomed", "echo looking; echo no space left >&2; exit 3")
        .await;
    let error = service.ready(SOON).await.unwrap_err();
    assert_eq!(error.kind(), StackErrorKind::Died);
    assert_eq!(error.exit(), Some(Exit::Code(3)));
    assert_eq!(error.last_output(), ["looking", "no space left"]);
    assert!(
        error
            .to_string()
            .contains("doomed, it ended with exit code 3"),
        "{error}"
    );
    assert_eq!(service.health().await, Health::Exited(Exit::Code(3)));
}

#[tokio::test]
async fn a_program_that_is_missing_is_named() {
    let bench = Bench::new();
    let mut spec = bench.spec("missing", "");
    spec.program = "/nonexistent/server".into();
    let service = bench.start(spec).await.unwrap();
    let error = service.ready(SOON).await.unwrap_err();
    assert_eq!(error.exit(), Some(Exit::Code(127)));
    assert!(
        error
            .to_string()
            .contains("/nonexistent/server: No such file"),
        "{error}"
    );
}

#[tokio::test]
async fn a_wait_in_vain_carries_the_last_answer() {
    let bench = Bench::new();
    let service = bench.shell("slow", "exec sleep 1000").await;
    let error = service.ready(Duration::from_millis(100)).await.unwrap_err();
    assert_eq!(error.kind(), StackErrorKind::NotReady);
    assert!(
        error.to_string().contains("last answer: no such file yet"),
        "{error}"
    );
    service.stop(SOON).await.unwrap();
}

#[tokio::test]
async fn stop_asks_first_and_forces_after_the_grace() {
    let bench = Bench::new();
    let obedient = bench.shell("obedient", SLEEPER).await;
    let script = "trap '' TERM; touch $READY; while :; do sleep 1; done";
    let stubborn = bench.shell("stubborn", script).await;
    obedient.ready(SOON).await.unwrap();
    stubborn.ready(SOON).await.unwrap();

    assert_eq!(obedient.stop(SOON).await.unwrap(), Stopped::InGoodOrder);
    assert_eq!(obedient.stop(SOON).await.unwrap(), Stopped::AlreadyGone);
    assert_eq!(
        stubborn.stop(Duration::from_millis(200)).await.unwrap(),
        Stopped::ByForce
    );
    assert_eq!(stubborn.exit(), Some(SIGKILL));
    assert_eq!(bench.run.unexpected_exits(), [], "both were asked to end");
}

#[tokio::test]
async fn a_paused_service_can_be_stopped_in_good_order() {
    let bench = Bench::new();
    let service = bench.shell("paused", SLEEPER).await;
    service.ready(SOON).await.unwrap();
    service.signal(Signal::Pause).await.unwrap();
    assert_eq!(service.stop(SOON).await.unwrap(), Stopped::InGoodOrder);
}

#[tokio::test]
async fn pause_and_resume_reach_the_whole_service() {
    let bench = Bench::new();
    let pids = bench.path("pids");
    let script = format!(
        "sleep 1000 & echo $! > {}; touch $READY; wait",
        pids.display()
    );
    let service = bench.shell("pausable", &script).await;
    service.ready(SOON).await.unwrap();
    let members = [service.pid().unwrap(), pids_in(&pids)[0]];
    let all_in = async |wanted: bool| {
        let all = || {
            let stopped = members.map(|pid| state_of(pid) == Some('T'));
            std::future::ready(if stopped == [wanted; 2] {
                Ok(())
            } else {
                Err(format!("{stopped:?}"))
            })
        };
        until("the change of state", SOON, all).await.unwrap();
    };
    service.signal(Signal::Pause).await.unwrap();
    all_in(true).await;
    service.signal(Signal::Resume).await.unwrap();
    all_in(false).await;
    service.stop(SOON).await.unwrap();
}

/// The second sleeper has a session of its own, as each backend of Postgres has.
#[tokio::test]
async fn kill_reaches_relatives_that_left_the_group() {
    let bench = Bench::new();
    let pids = bench.path("pids");
    let script = format!(
        "sleep 1000 & echo $! > {pids}; setsid sleep 1000 & echo $! >> {pids}; touch $READY; wait",
        pids = pids.display()
    );
    let service = bench.shell("family", &script).await;
    service.ready(SOON).await.unwrap();
    let relatives = pids_in(&pids);
    assert_eq!(relatives.len(), 2);
    service.signal(Signal::Kill).await.unwrap();
    assert_eq!(service.ended().await, SIGKILL);
    for pid in relatives {
        until("a relative to end", SOON, || {
            std::future::ready(is_gone(pid))
        })
        .await
        .unwrap();
    }
}

#[tokio::test]
async fn an_exit_that_nobody_asked_for_is_noticed() {
    let bench = Bench::new();
    let service = bench
        .shell("fickle", "touch $READY; echo farewell; exit 4")
        .await;
    let seen = tokio::time::timeout(SOON, bench.run.until_unexpected_exit())
        .await
        .unwrap();
    assert_eq!(&seen.service, service.id());
    assert_eq!(
        (seen.exit, seen.last_output),
        (Exit::Code(4), vec!["farewell".to_owned()])
    );
    assert_eq!(bench.run.unexpected_exits().len(), 1);
}

#[tokio::test]
async fn restart_goes_on_in_the_same_log_until_stopped_for_good() {
    let bench = Bench::new();
    let service = bench
        .shell("again", "echo hello; touch $READY; exec sleep 1000")
        .await;
    service.ready(SOON).await.unwrap();
    let first = service.pid().unwrap();
    service.restart().await.unwrap();
    service.ready(SOON).await.unwrap();
    assert_ne!(service.pid(), Some(first));
    let greeted_twice = || {
        let log = std::fs::read_to_string(service.logs()).unwrap();
        std::future::ready(if log == "hello\nhello\n" {
            Ok(())
        } else {
            Err(log)
        })
    };
    until("two greetings", SOON, greeted_twice).await.unwrap();
    service.stop(SOON).await.unwrap();
    assert_eq!(
        service.restart().await.unwrap_err().kind(),
        StackErrorKind::Stopped
    );
}

#[tokio::test]
async fn root_can_give_a_service_another_user_and_no_groups() {
    if !nix::unistd::geteuid().is_root() {
        // Only root can become somebody else; for all others the shim leaves the user alone.
        return;
    }
    let bench = Bench::new();
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
