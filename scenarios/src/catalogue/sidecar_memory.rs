//! Claim (SC-007): a sidecar stays below 128 MB at 100 events a second.
//!
//! What "memory" means decides the verdict, so the parts are shown side by side: the resident
//! high-water mark, its anonymous part, and the executable's own pages; beside them, where a sidecar
//! has a cgroup of its own, as in a container, the cgroup's working set and its peak. The load is
//! creations and changes in turn, so that events are of every kind.
//! Does not show: a leak slower than the run is long; `--for 1h` is the soak.

use std::time::Duration;

use async_trait::async_trait;
use gauntlet_harness::check::Check;
use gauntlet_harness::check::figure::{sidecar_cgroup, sidecar_resident};
use gauntlet_harness::ledger::Ledger;
use gauntlet_harness::stack::{StackKind, Topology};
use gauntlet_loadgen::arrival::{Arrival, Rate};
use gauntlet_reports::evidence::Figure;

use super::common::{self, Planned};
use crate::run::{Purpose, Run, Settings, Work};
use crate::scenario::{Abort, Length, Meta, Needs, Scenario};

/// The rate that the claim names.
const RATE: Rate = Rate::constant(100);
/// The quick length; a release takes 5 minutes, a soak an hour.
const QUICK: Duration = Duration::from_mins(1);
/// Reading two files of /proc a second for each sidecar costs nothing that shows.
const SAMPLE_EVERY: Duration = Duration::from_secs(1);
/// Events are 10 ms apart; what is not drained by then is not late but stuck.
const DRAIN_WITHIN: Duration = Duration::from_mins(1);

static META: Meta = Meta {
    id: "sidecar-memory",
    title: "Sidecar memory under load",
    claim: "a Dapr sidecar needs less than 128 MB at 100 events a second",
    not_shown: &[
        "growth slower than the run is long: `--for 1h` is the soak",
        "sidecars with other components than those in components/local",
        "a cgroup's working set, where a sidecar has no cgroup of its own that can be read here: as a \
         process of the host it shares the harness's",
        "a sidecar whose program was written or read as a whole just before: the kernel then maps up to \
         17 MB more of it (decision 0013)",
        "order under pressure: changes of one task are a second apart (see consumer-crash)",
    ],
    requirements: &["SC-007"],
    needs: Needs::Dapr,
};

/// See the module's documentation.
#[derive(Debug)]
pub struct SidecarMemory;

#[async_trait]
impl Scenario for SidecarMemory {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn length(&self) -> Length {
        Length::Chosen
    }

    fn topology(&self, offered: StackKind) -> Topology {
        common::one_lane(offered)
    }

    async fn drive(&self, run: &mut Run) -> Result<(), Abort> {
        let lasting = run.duration().unwrap_or(QUICK);
        for lane in run.lanes() {
            run.warm_up(&lane).await?;
            run.phase(&lane, "load");
            run.watch_sidecars(&lane, SAMPLE_EVERY)?;
            let arrival = Arrival::steady(RATE, lasting);
            run.offer(&lane, arrival, Work::Changes, Purpose::LOAD)
                .await?;
            run.quiesce(&lane, DRAIN_WITHIN).await?;
        }
        Ok(())
    }

    fn checks(&self, settings: &Settings) -> Vec<Box<dyn Check>> {
        let lasting = settings.duration.unwrap_or(QUICK);
        let samples = lasting.as_secs() / SAMPLE_EVERY.as_secs();
        let topology = self.topology(settings.offered);
        common::of_each_lane(&topology, |lane| {
            let mut checks = common::memory_checks(lane, samples);
            let planned = Planned::changes(Arrival::steady(RATE, lasting).count());
            checks.extend(common::delivery_checks(lane, planned));
            checks
        })
    }

    fn figures(&self, ledger: &Ledger, _settings: &Settings) -> Vec<Figure> {
        let of_lane = |lane| {
            let mut figures = sidecar_resident(lane);
            figures.extend(sidecar_cgroup(lane));
            figures
        };
        ledger.lanes().flat_map(of_lane).collect()
    }
}
