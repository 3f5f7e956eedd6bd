use std::sync::Arc;

use gauntlet_harness::fault::{Fault, FaultGuard};
use gauntlet_harness::provider::{Instance, until};

use crate::bench::{Bench, SOON, state_of};

/// Removes its sign of readiness first, so that only a new start can make it ready again.
const SLEEPER: &str = "rm -f $READY; touch $READY; exec sleep 1000";

async fn two_sleepers(bench: &Bench) -> Vec<Arc<dyn Instance>> {
    let pair = vec![
        bench.shell("app", SLEEPER).await,
        bench.shell("sidecar", SLEEPER).await,
    ];
    for service in &pair {
        service.ready(SOON).await.unwrap();
    }
    pair
}

fn ids(services: &[Arc<dyn Instance>]) -> Vec<gauntlet_harness::provider::ServiceId> {
    services
        .iter()
        .map(|service| service.id().clone())
        .collect()
}

#[tokio::test]
async fn killed_services_are_gone_at_once_and_back_after_healing() {
    let bench = Bench::on_processes();
    let pair = two_sleepers(&bench).await;
    let guard = FaultGuard::strike(Fault::Kill(ids(&pair)), pair.clone())
        .await
        .unwrap();
    assert!(pair.iter().all(|service| service.pid().is_none()));
    let healed = guard.heal().await.unwrap();
    assert!(pair.iter().all(|service| service.pid().is_some()));
    assert!(healed.struck_at_micros <= healed.healed_at_micros);
    assert!(healed.healed_at_micros <= healed.ready_at_micros);
    assert_eq!(bench.run.unexpected_exits(), [], "the fault was ordered");
    for service in &pair {
        service.stop(SOON).await.unwrap();
    }
}

#[tokio::test]
async fn a_guard_that_is_dropped_unhealed_heals_by_itself() {
    let bench = Bench::on_processes();
    let pair = two_sleepers(&bench).await;
    let pid = pair[0].pid().unwrap();
    let is_in = async |wanted: &str| {
        let ask = || {
            let state = state_of(pid).map(String::from).unwrap_or_default();
            std::future::ready(if wanted.contains(&state) {
                Ok(())
            } else {
                Err(state)
            })
        };
        until("the change of state", SOON, ask).await.unwrap();
    };
    let guard = FaultGuard::strike(Fault::Pause(ids(&pair)), pair.clone())
        .await
        .unwrap();
    is_in("T").await;
    drop(guard);
    is_in("SR").await;
    for service in &pair {
        service.stop(SOON).await.unwrap();
    }
}
