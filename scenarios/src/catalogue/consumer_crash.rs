//! Claim: a consumer that is killed in the middle of a burst loses nothing, does nothing twice, keeps
//! the order of each task's changes, and sends no healthy event to the dead letters.
//!
//! The consumer is killed with SIGKILL twice, at moments that the seed chooses: first the app alone
//! beside its living sidecar, then app and sidecar together. Without Dapr there is no sidecar, and
//! the app is killed twice. Half of the load are changes of a few tasks: while the consumer is down,
//! several versions of each of them wait, and come to it in one rush.
//! Does not show: a crash of the broker, of the database or of the host; a consumer that hangs.

use std::time::Duration;

use async_trait::async_trait;
use gauntlet_harness::check::Check;
use gauntlet_harness::ledger::Ledger;
use gauntlet_harness::stack::{StackKind, Topology};
use gauntlet_loadgen::arrival::{Arrival, Rate};
use gauntlet_reports::evidence::Figure;

use super::common::{self, Planned};
use crate::run::{Purpose, Run, Settings, Victim, Work};
use crate::scenario::{Abort, Meta, Needs, Scenario};

/// Fast enough that the consumer is at work whenever it is hit, slow enough for two cores.
const RATE: Rate = Rate::constant(250);
/// With the rate: bursts of a thousand.
const BURST: Duration = Duration::from_secs(4);
/// The kill comes after this many acknowledged operations, so that it hits the middle.
const KILL_AFTER: std::ops::Range<u64> = 250..500;
/// The two faults, in order.
const VICTIMS: [Victim; 2] = [Victim::App, Victim::AppAndSidecar];
/// Operations acknowledged while the consumer is down, before it is started again: a fault that costs
/// nothing shows nothing.
const MISSED: u64 = 250;
/// Versions, for each fault, that have to be written while the one before them still waits. Half of what
/// is missed are changes, 125, of 50 tasks in turn and the few that take the place of deleted ones.
/// All but the first of each task are such versions; the consumer's return adds to them.
const OVERLAPPING: u64 = 50;
/// A replica that was killed together with its sidecar keeps its place in the consumer group until
/// its session times out, 10 s by default; then everything it left is delivered again.
const DRAIN_WITHIN: Duration = Duration::from_secs(90);

static META: Meta = Meta {
    id: "consumer-crash",
    title: "Consumer killed in mid-burst",
    claim: "when a consumer is killed, alone and then with its sidecar where it has one, no event is \
            lost, none takes effect twice, none out of its task's order, and no healthy event becomes \
            a dead letter",
    not_shown: &[
        "a crash of the broker, of the database or of the machine",
        "a consumer that hangs instead of dying",
        "several replicas of the consumer, among which order is harder to keep",
    ],
    requirements: &["E1", "E2", "E3", "H3"],
    needs: Needs::Light,
};

/// Without Dapr both faults kill the app alone.
const WITHOUT_SIDECAR: &[&str] = &[
    "the death of a consumer together with its sidecar: there is no sidecar here, and both faults \
     killed the app alone",
];

/// See the module's documentation.
#[derive(Debug)]
pub struct ConsumerCrash;

#[async_trait]
impl Scenario for ConsumerCrash {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn topology(&self, offered: StackKind) -> Topology {
        common::one_lane(offered)
    }

    fn not_shown_on(&self, topology: &Topology) -> &'static [&'static str] {
        common::without_sidecars(topology, WITHOUT_SIDECAR)
    }

    async fn drive(&self, run: &mut Run) -> Result<(), Abort> {
        for lane in run.lanes() {
            run.warm_up(&lane).await?;
            for (block, victim) in (0..).zip(VICTIMS) {
                run.phase(&lane, format!("burst {}", block + 1));
                let arrival = Arrival::steady(RATE, BURST);
                let offer = run.begin(&lane, arrival, Work::Changes, Purpose::block(block))?;
                let kill_after = run.random(KILL_AFTER);
                offer.acknowledged_at_least(kill_after).await?;
                let down = run.kill_consumer(&lane, victim).await?;
                offer.acknowledged_at_least(kill_after + MISSED).await?;
                run.heal(&lane, down).await?;
                run.finish(&lane, offer).await?;
                run.phase(&lane, "drain");
                run.drained(&lane, DRAIN_WITHIN).await?;
            }
            run.quiesce(&lane, DRAIN_WITHIN).await?;
        }
        Ok(())
    }

    fn checks(&self, settings: &Settings) -> Vec<Box<dyn Check>> {
        let topology = self.topology(settings.offered);
        common::of_each_lane(&topology, |lane| {
            let mut checks = common::fault_checks(lane, VICTIMS.len() as u64);
            checks.extend(common::delivery_checks(lane, planned()));
            checks
        })
    }

    fn figures(&self, ledger: &Ledger, _settings: &Settings) -> Vec<Figure> {
        common::recoveries(ledger)
    }
}

/// What all bursts are to have.
fn planned() -> Planned {
    let faults = VICTIMS.len() as u64;
    let operations = faults * Arrival::steady(RATE, BURST).count();
    Planned::changes(operations).overlapping(faults * OVERLAPPING)
}
