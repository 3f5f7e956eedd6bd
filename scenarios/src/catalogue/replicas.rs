//! Claim: two processes of the api keep the order of each task's changes, whichever of them takes a change,
//! and whatever befalls the one that publishes.
//!
//! Both commit to one outbox, and each shard of it is one replica's to publish, by a lease of 3 s. Under a
//! steady load, of which every change goes to the one or the other by chance, the replica that publishes is
//! killed with SIGKILL; then its sidecar alone, where it has one; then it is stopped with SIGSTOP until the
//! other has taken its shards over, and goes on with what it was at. It must not be believed then. Five
//! tasks at a time are changed, so that several versions of each wait while nobody publishes.
//! Does not show: the order on the broker, only that of effects, which the audit role also puts right.

use std::time::Duration;

use async_trait::async_trait;
use gauntlet_harness::check::Check;
use gauntlet_harness::ledger::Ledger;
use gauntlet_harness::stack::{Lane, Member, Mode, StackKind, Topology};
use gauntlet_loadgen::arrival::{Arrival, Rate};
use gauntlet_reports::evidence::Figure;

use super::common::{self, Planned};
use crate::run::{Outage, Purpose, Run, Settings, Victim};
use crate::scenario::{Abort, Meta, Needs, Scenario};

const API_REPLICAS: u8 = 2;
/// So slow that the consumer keeps up, on two cores with two lanes of four processes: with a backlog of its own
/// effects would go on while nothing is published.
const RATE: Rate = Rate::constant(60);
/// A stretch of the load for each fault: 2 s before it, up to 5 s until the other has the shards, and the rest
/// with both.
const STRETCH: Duration = Duration::from_secs(9);
/// The fault comes after this many operations of the stretch.
const STRUCK_AFTER: std::ops::Range<u64> = 90..150;
/// Operations offered while a sidecar is away. Nobody takes over from its app, which is alive.
const MISSED: u64 = 120;
/// As in `role-crash`: of six settlements four are of instances that were not settled before.
const SERIES: Rate = Rate::constant(60);
const SERIES_BEGIN_WITHIN: Duration = Duration::from_secs(2);
/// Instances that have to be settled from each fault to the next. One replica alone takes half of the 10 a
/// second, and there are 6 s at the least.
const SETTLED: u64 = 20;
/// Versions, for each fault, that have to be written while the one before them still waits. In 3 s there are
/// 66 changes, of which one replica takes half, of 5 tasks.
const OVERLAPPING: u64 = 15;
const DRAIN_WITHIN: Duration = Duration::from_mins(1);

/// What befalls the replica that publishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Blow {
    Kill(Victim),
    /// For longer than its lease.
    Pause,
}

const WITH_SIDECARS: [Blow; 3] = [
    Blow::Kill(Victim::App),
    Blow::Kill(Victim::Sidecar),
    Blow::Pause,
];
const WITHOUT_SIDECARS: [Blow; 2] = [Blow::Kill(Victim::App), Blow::Pause];

static META: Meta = Meta {
    id: "replicas",
    title: "Two replicas of the api, and the one that publishes struck",
    claim: "when two processes of the api change the same tasks and the one that publishes is killed, loses its \
            sidecar or stands still for longer than its lease, no acknowledged change is lost, takes effect \
            twice or out of its task's order, and each completed instance of a series has exactly one next one",
    not_shown: &[
        "the order in which events reach the broker: judged are effects, which the consumer puts in order too",
        "load that is shared in publishing: whoever finds the shards free takes them all",
        "that the other goes on where a sidecar is away: its app keeps the shards, and effects wait for it",
        "a replica that comes or goes under load other than by its death, or that cannot reach the database",
        "several replicas of the consumers",
        "without Dapr, the recurring role with both: it knows the first replica alone",
    ],
    requirements: &["E1", "E2", "S4", "H3"],
    needs: Needs::Light,
};

/// Without Dapr there are two faults instead of three.
const NO_SIDECARS: &[&str] = &["the death of a sidecar: there are none here"];

/// See the module's documentation.
#[derive(Debug)]
pub struct Replicas;

#[async_trait]
impl Scenario for Replicas {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn topology(&self, offered: StackKind) -> Topology {
        common::beside_direct(offered).api_replicas(API_REPLICAS)
    }

    fn not_shown_on(&self, topology: &Topology) -> &'static [&'static str] {
        common::without_sidecars(topology, NO_SIDECARS)
    }

    async fn drive(&self, run: &mut Run) -> Result<(), Abort> {
        for lane in run.lanes() {
            run.warm_up(&lane).await?;
            let series = Arrival::steady(SERIES, SERIES_BEGIN_WITHIN);
            run.begin_series(&lane, series).await?;
            for (block, &blow) in (0..).zip(blows(&lane)) {
                run.phase(&lane, format!("load {}", block + 1));
                let arrival = Arrival::steady(RATE, STRETCH);
                let purpose = Purpose::block(block);
                let offer = run.begin_contending(&lane, arrival, purpose).await?;
                let struck_after = run.random(STRUCK_AFTER);
                offer.offered_at_least(struck_after).await?;
                let publishing = run.publishing_replica(&lane).await?;
                let down = strike(run, &lane, publishing, blow).await?;
                if blow == Blow::Kill(Victim::Sidecar) {
                    offer.offered_at_least(struck_after + MISSED).await?;
                } else {
                    run.taken_over_from(&lane, publishing).await?;
                }
                run.heal(&lane, down).await?;
                run.finish(&lane, offer).await?;
                run.drained(&lane, DRAIN_WITHIN).await?;
            }
            run.quiesce(&lane, DRAIN_WITHIN).await?;
        }
        Ok(())
    }

    fn checks(&self, settings: &Settings) -> Vec<Box<dyn Check>> {
        let topology = self.topology(settings.offered);
        topology
            .lanes()
            .iter()
            .flat_map(|lane| {
                let faults = blows(lane).len() as u64;
                let mut checks = common::fault_checks(lane, faults);
                checks.extend(common::delivery_checks(lane, planned(faults)));
                checks.push(common::series_fault_check(lane, faults, SETTLED));
                checks
            })
            .collect()
    }

    fn figures(&self, ledger: &Ledger, _settings: &Settings) -> Vec<Figure> {
        common::recoveries(ledger)
    }
}

fn blows(lane: &Lane) -> &'static [Blow] {
    match lane.mode() {
        Mode::Dapr => &WITH_SIDECARS,
        Mode::Direct => &WITHOUT_SIDECARS,
    }
}

async fn strike(run: &mut Run, lane: &Lane, whom: Member, blow: Blow) -> Result<Outage, Abort> {
    match blow {
        Blow::Kill(victim) => run.kill(lane, whom, victim).await,
        Blow::Pause => run.pause(lane, whom).await,
    }
}

/// What all stretches are to have. Of a replica that is dead half the operations of its time are refused, and
/// of those that waited for one that stood still some find nothing to change any more.
fn planned(faults: u64) -> Planned {
    let answered = faults * Arrival::steady(RATE, STRETCH).count() / 2;
    Planned::changes(answered).overlapping(faults * OVERLAPPING)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_lane_has_two_replicas_and_is_struck_in_each_way_it_can_be() {
        for offered in [StackKind::Full, StackKind::Light] {
            for lane in Replicas.topology(offered).lanes() {
                let of_api = lane.members();
                assert_eq!(of_api.iter().filter(|it| it.replica == 1).count(), 1);
                let blows = blows(lane);
                assert!(blows.contains(&Blow::Kill(Victim::App)));
                assert!(blows.contains(&Blow::Pause));
                let has_sidecars = lane.mode() == Mode::Dapr;
                assert_eq!(blows.contains(&Blow::Kill(Victim::Sidecar)), has_sidecars);
            }
        }
    }

    #[test]
    fn the_load_goes_on_after_each_fault_and_ends_within_50_s() {
        assert!(STRUCK_AFTER.end + MISSED < Arrival::steady(RATE, STRETCH).count());
        let topology = Replicas.topology(StackKind::Full);
        let faults = topology.lanes().iter().map(|lane| blows(lane).len());
        let faults = u32::try_from(faults.sum::<usize>()).expect("a few");
        assert!(STRETCH * faults <= Duration::from_secs(50));
    }
}
