//! Claim (SC-002): publishing an event through the sidecar costs milliseconds, and its effect is
//! committed soon after.
//!
//! Dapr and direct mode take turns in blocks on one stack, so that drift of the host falls on both.
//! Does not show: latency at saturation, of large events, or with the sidecar on another host.

use std::time::Duration;

use async_trait::async_trait;
use gauntlet_harness::check::Check;
use gauntlet_harness::ledger::Ledger;
use gauntlet_harness::stack::{Mode, StackKind, Topology};
use gauntlet_loadgen::arrival::{Arrival, Rate};
use gauntlet_reports::evidence::Figure;

use super::common::{self, Planned};
use crate::run::{Purpose, Run, Settings, Work};
use crate::scenario::{Abort, Meta, Needs, Scenario};

/// The rate that the claim names.
const RATE: Rate = Rate::constant(100);
/// Turns that each mode gets. More turns even out drift; each costs a moment of draining.
const TURNS: u32 = 4;
/// With the rate and the turns: 5,200 events, above the 5,000 that the claim's p95 needs.
const SIDECAR_TURN: Duration = Duration::from_secs(13);
/// Half as long, because direct mode is the yardstick and not the claim.
const DIRECT_TURN: Duration = Duration::from_millis(6_500);
/// Events are 10 ms apart; what is not drained by then is not late but stuck.
const DRAIN_WITHIN: Duration = Duration::from_mins(1);

static META: Meta = Meta {
    id: "publish-latency",
    title: "Publish latency through the sidecar",
    claim: "publishing through Dapr answers within 100 ms at the 95th percentile, at 100 events \
            a second",
    not_shown: &[
        "latency near saturation, and of events larger than a task",
        "what an event waits before its first publish attempt: `commit-to-effect` counts that",
        "a sidecar that shares its cores with nothing, or lives on another host",
        "brokers with more than one replica of a partition",
    ],
    requirements: &["SC-002"],
    needs: Needs::Dapr,
};

/// See the module's documentation.
#[derive(Debug)]
pub struct PublishLatency;

#[async_trait]
impl Scenario for PublishLatency {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn topology(&self, offered: StackKind) -> Topology {
        common::beside_direct(offered)
    }

    async fn drive(&self, run: &mut Run) -> Result<(), Abort> {
        let lanes = run.lanes();
        run.measure_noise(RATE).await?;
        for lane in &lanes {
            run.warm_up(lane).await?;
        }
        for turn in 0..TURNS {
            for lane in &lanes {
                run.phase(lane, format!("turn {}", turn + 1));
                let arrival = Arrival::steady(RATE, turn_of(lane.mode()));
                run.offer(lane, arrival, Work::Creations, Purpose::block(turn))
                    .await?;
                // The other mode's turn must not begin in the tail of this one.
                run.drained(lane, DRAIN_WITHIN).await?;
                run.phase(lane, "idle");
            }
        }
        for lane in &lanes {
            run.quiesce(lane, DRAIN_WITHIN).await?;
        }
        Ok(())
    }

    fn checks(&self, settings: &Settings) -> Vec<Box<dyn Check>> {
        let topology = self.topology(settings.offered);
        common::of_each_lane(&topology, |lane| {
            let planned = planned_in(lane.mode());
            let mut checks = common::latency_checks(lane, planned);
            checks.extend(common::delivery_checks(lane, Planned::creations(planned)));
            checks
        })
    }

    fn figures(&self, ledger: &Ledger, settings: &Settings) -> Vec<Figure> {
        common::sidecar_overhead(ledger, settings.seed)
    }
}

fn turn_of(mode: Mode) -> Duration {
    match mode {
        Mode::Dapr => SIDECAR_TURN,
        Mode::Direct => DIRECT_TURN,
    }
}

/// Events that a mode publishes in all its turns. For Dapr that is more than the 5,000 that the
/// claim's p95 needs.
fn planned_in(mode: Mode) -> u64 {
    let turn = Arrival::steady(RATE, turn_of(mode));
    u64::from(TURNS) * turn.count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_claim_rests_on_at_least_five_thousand_events() {
        assert!(planned_in(Mode::Dapr) >= 5_000);
    }
}
