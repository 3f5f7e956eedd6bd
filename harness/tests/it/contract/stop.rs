use std::time::Duration;

use gauntlet_harness::error::StackErrorKind;
use gauntlet_harness::provider::{Exit, Health, Signal, Stopped};

use super::trials::on_every_provider;
use crate::bench::{Bench, OBEDIENT, SOON, STUBBORN, children_of, until_gone};

on_every_provider! {
    #[test] fn stop_asks_first_and_forces_after_the_grace;
    #[test] fn a_paused_service_can_be_stopped_in_good_order;
    #[test] fn a_paused_service_that_does_not_listen_is_stopped_by_force;
    #[test] fn what_was_stopped_for_good_stays_so;
}

/// Too short for anybody to end in, and that is the point.
const NO_TIME: Duration = Duration::from_millis(200);

async fn stop_asks_first_and_forces_after_the_grace(bench: &Bench) {
    let obedient = bench.ready_shell("obedient", OBEDIENT).await;
    let stubborn = bench.ready_shell("stubborn", STUBBORN).await;
    let children = children_of(obedient.pid().unwrap());
    assert_eq!(obedient.stop(SOON).await.unwrap(), Stopped::InGoodOrder);
    assert_eq!(obedient.exit(), Some(Exit::Code(0)));
    until_gone(&children).await;
    assert_eq!(stubborn.stop(NO_TIME).await.unwrap(), Stopped::ByForce);
    assert_eq!(stubborn.exit(), Some(Exit::Signal(9)));
    assert_eq!(bench.run.unexpected_exits(), [], "both were asked to end");
}

async fn a_paused_service_can_be_stopped_in_good_order(bench: &Bench) {
    let service = bench.ready_shell("paused", OBEDIENT).await;
    service.signal(Signal::Pause).await.unwrap();
    assert_eq!(service.stop(SOON).await.unwrap(), Stopped::InGoodOrder);
}

async fn a_paused_service_that_does_not_listen_is_stopped_by_force(bench: &Bench) {
    let service = bench.ready_shell("deaf", STUBBORN).await;
    service.signal(Signal::Pause).await.unwrap();
    assert_eq!(service.stop(NO_TIME).await.unwrap(), Stopped::ByForce);
    assert_eq!(service.exit(), Some(Exit::Signal(9)));
}

async fn what_was_stopped_for_good_stays_so(bench: &Bench) {
    let service = bench.ready_shell("done", OBEDIENT).await;
    service.stop(SOON).await.unwrap();
    assert_eq!(service.stop(SOON).await.unwrap(), Stopped::AlreadyGone);
    assert_eq!(
        service.restart().await.unwrap_err().kind(),
        StackErrorKind::Stopped
    );
    for signal in [Signal::Kill, Signal::Pause, Signal::Resume] {
        service.signal(signal).await.unwrap();
    }
    assert_eq!(service.health().await, Health::Exited(Exit::Code(0)));
    assert_eq!(service.pid(), None);
}
