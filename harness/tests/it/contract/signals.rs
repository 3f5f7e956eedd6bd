use gauntlet_harness::provider::{Exit, Health, Signal};

use super::beats::{Beats, beat_into};
use super::trials::on_every_provider;
use crate::bench::{Bench, OBEDIENT, SOON, children_of, until_gone};

on_every_provider! {
    #[test] fn pause_and_resume_reach_the_whole_service;
    #[test] fn kill_ends_the_whole_service_by_that_signal;
    #[test] fn kill_ends_one_that_is_paused;
    #[test] fn signals_that_have_nothing_to_change_are_no_error;
}

const SIGKILL: Exit = Exit::Signal(9);

async fn pause_and_resume_reach_the_whole_service(bench: &Bench) {
    let clock = bench.shell("clock", &beat_into("clock.beats")).await;
    let script = format!(
        "{} & touch $READY; {}",
        beat_into("child.beats"),
        beat_into("own.beats")
    );
    let service = bench.ready_shell("pausable", &script).await;
    let members = ["own.beats", "child.beats"].map(|file| Beats::of(bench, file));
    for member in &members {
        member.until_more(1).await;
    }
    service.signal(Signal::Pause).await.unwrap();
    Beats::until_halt(&members, &Beats::of(bench, "clock.beats")).await;
    assert!(service.pid().is_some(), "it is paused and lives");
    service.signal(Signal::Resume).await.unwrap();
    for member in &members {
        member.until_more(1).await;
    }
    for service in [service, clock] {
        service.signal(Signal::Kill).await.unwrap();
        service.ended().await;
    }
}

async fn kill_ends_the_whole_service_by_that_signal(bench: &Bench) {
    let service = bench
        .ready_shell("family", "sleep 1000 & : > $READY; wait")
        .await;
    let pid = service.pid().unwrap();
    let children = children_of(pid);
    assert_eq!(children.len(), 1);
    service.signal(Signal::Kill).await.unwrap();
    assert_eq!(service.ended().await, SIGKILL);
    assert_eq!(service.exit(), Some(SIGKILL));
    assert_eq!(service.pid(), None);
    assert_eq!(service.health().await, Health::Exited(SIGKILL));
    until_gone(&children).await;
    until_gone(&[pid]).await;
    assert_eq!(bench.run.unexpected_exits(), [], "it was ordered");
}

async fn kill_ends_one_that_is_paused(bench: &Bench) {
    let service = bench.ready_shell("paused", OBEDIENT).await;
    service.signal(Signal::Pause).await.unwrap();
    service.signal(Signal::Kill).await.unwrap();
    let exit = tokio::time::timeout(SOON, service.ended()).await.unwrap();
    assert_eq!(exit, SIGKILL);
}

async fn signals_that_have_nothing_to_change_are_no_error(bench: &Bench) {
    let service = bench.ready_shell("steady", OBEDIENT).await;
    service.signal(Signal::Resume).await.unwrap();
    service.signal(Signal::Pause).await.unwrap();
    service.signal(Signal::Pause).await.unwrap();
    service.signal(Signal::Resume).await.unwrap();
    service.signal(Signal::Resume).await.unwrap();
    service.signal(Signal::Term).await.unwrap();
    assert_eq!(service.ended().await, Exit::Code(0));
    for signal in [
        Signal::Term,
        Signal::Interrupt,
        Signal::Kill,
        Signal::Pause,
        Signal::Resume,
    ] {
        service.signal(signal).await.unwrap();
    }
    assert_eq!(service.exit(), Some(Exit::Code(0)));
}
