//! Claim (SC-004): a thousand tasks created at once are a thousand events, each audited, in time.
//!
//! Does not show: what happens with more consumers than audit, with several replicas, or when
//! bursts follow one another faster than they drain.

use std::time::Duration;

use async_trait::async_trait;
use gauntlet_harness::check::Check;
use gauntlet_harness::stack::{StackKind, Topology};
use gauntlet_loadgen::arrival::{Arrival, Burst};

use super::common::{self, Planned};
use crate::run::{Purpose, Run, Settings, Work};
use crate::scenario::{Abort, Meta, Needs, Scenario};

/// The size that the claim names.
const BURST: u32 = 1_000;
/// The clients share two cores with what they load, and cannot all send in the same instant. This is the
/// hundredth part of what was asked for, and it counts: the time runs from the burst's first moment.
const LEAVING: Duration = Duration::from_millis(100);
/// Six times what was asked for: a slow system is then a fail with a number, not an abort.
const DRAIN_WITHIN: Duration = Duration::from_mins(1);

static META: Meta = Meta {
    id: "burst-1000",
    title: "1000 concurrent creates",
    claim: "1000 concurrent creates become 1000 audited events within 10 seconds, none lost, none \
            twice",
    not_shown: &[
        "opening a thousand connections: the clients are connected before the burst",
        "changes of tasks: each has one event, and no order to break",
        "consumers other than audit, and several replicas of a role",
        "bursts that follow one another faster than they drain",
        "durability of Kafka or Postgres across a crash of the machine",
    ],
    requirements: &["SC-004"],
    needs: Needs::Light,
};

/// See the module's documentation.
#[derive(Debug)]
pub struct Burst1000;

#[async_trait]
impl Scenario for Burst1000 {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn topology(&self, offered: StackKind) -> Topology {
        common::beside_direct(offered)
    }

    async fn drive(&self, run: &mut Run) -> Result<(), Abort> {
        for lane in run.lanes() {
            run.warm_up(&lane).await?;
            run.phase(&lane, "burst");
            let burst = Arrival::Burst(Burst::once(BURST).leaving(LEAVING));
            run.offer(&lane, burst, Work::Creations, Purpose::LOAD)
                .await?;
            run.quiesce(&lane, DRAIN_WITHIN).await?;
        }
        Ok(())
    }

    fn checks(&self, settings: &Settings) -> Vec<Box<dyn Check>> {
        let topology = self.topology(settings.offered);
        common::of_each_lane(&topology, |lane| {
            let mut checks = common::burst_checks(lane, BURST);
            checks.extend(common::delivery_checks(
                lane,
                Planned::creations(u64::from(BURST)),
            ));
            checks
        })
    }
}
