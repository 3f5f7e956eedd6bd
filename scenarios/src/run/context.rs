use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

use gauntlet_contract::config::Role;
use gauntlet_harness::ledger::{LaneRecord, Ledger};
use gauntlet_harness::observe::{MemorySampler, Watched};
use gauntlet_harness::provider::UnexpectedExit;
use gauntlet_harness::stack::{Lane, Stack};
use gauntlet_loadgen::arrival::{Arrival, Rate};
use gauntlet_loadgen::noise_floor;
use gauntlet_reports::evidence::{TimelineEntry, TimelineKind};
use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::journal::{self, Purpose};
use super::lane::{LaneRun, Work, sidecar_process};
use super::offer::Offer;
use super::settings::Settings;
use super::timeline::Timeline;
use crate::console::Step;
use crate::scenario::Abort;

/// The first delivery on a fresh Kafka takes 0.8 s, and connections, plans and pages are cold. So
/// many operations at this rate are enough for all of that to be over.
const WARM_UP_RATE: Rate = Rate::constant(50);
const WARM_UP: Duration = Duration::from_secs(2);
/// A consumer that has not had its first event by then is broken, not slow.
const WARM_WITHIN: Duration = Duration::from_secs(30);
/// Long enough for a 99th percentile of an empty loop at the rates in use.
const NOISE_LASTING: Duration = Duration::from_secs(3);
/// After an abort the lane may never come to rest; it had its full time before.
const SALVAGE_WITHIN: Duration = Duration::from_secs(10);
/// A request is given up after 30 s; a load that was stopped ends with its last one.
const LOADS_END_WITHIN: Duration = Duration::from_secs(35);
/// A progress line a quarter of a second is live to the eye.
const SHOW_EVERY: Duration = Duration::from_millis(250);

/// One run of one scenario.
#[derive(Debug)]
pub struct Run {
    pub(super) stack: Stack,
    pub(super) settings: Settings,
    rng: ChaCha8Rng,
    lanes: BTreeMap<String, LaneRun>,
    samplers: Vec<(String, MemorySampler)>,
    pub(super) timeline: Timeline,
    step: Step,
}

impl Run {
    /// Takes over a stack that is ready. `scenario` and `repeat` choose the random numbers.
    pub fn on(
        stack: Stack,
        settings: Settings,
        scenario: &str,
        repeat: u32,
        step: Step,
    ) -> anyhow::Result<Self> {
        let mut rng = settings.rng(scenario, repeat);
        let mut lanes = BTreeMap::new();
        for lane in stack.lanes() {
            let opened = LaneRun::open(&stack, lane, &mut rng)?;
            lanes.insert(lane.name().to_owned(), opened);
        }
        Ok(Self {
            stack,
            settings,
            rng,
            lanes,
            samplers: Vec::new(),
            timeline: Timeline::begin(),
            step,
        })
    }

    /// The lanes, in the topology's order.
    pub fn lanes(&self) -> Vec<Lane> {
        let lanes = self.stack.lanes().iter();
        lanes.map(|lane| lane.lane().clone()).collect()
    }

    /// The length that was asked for on the command line.
    pub fn duration(&self) -> Option<Duration> {
        self.settings.duration
    }

    /// A number that the seed chooses.
    pub fn random(&mut self, range: Range<u64>) -> u64 {
        self.rng.random_range(range)
    }

    /// Begins a phase of a lane; it lasts until the lane's next one.
    pub fn phase(&mut self, lane: &Lane, what: impl Into<String>) {
        let what = what.into();
        self.step.update(&format!("{}: {what}", lane.name()));
        self.timeline.mark(TimelineKind::Phase, lane.name(), what);
    }

    /// Measures what this machine alone does to a timer at a rate, to stand beside the latencies.
    pub async fn measure_noise(&mut self, rate: Rate) -> Result<(), Abort> {
        let empty = Arrival::steady(rate, NOISE_LASTING);
        let measured = noise_floor(empty)
            .await
            .map_err(Abort::during("measure the timer's noise"))?;
        let noise = journal::noise(&measured);
        for lane in self.lanes.values_mut() {
            lane.noise = Some(noise);
        }
        Ok(())
    }

    /// Offers a few creations until their effects are there. Judged for loss and order like any other
    /// load, left out of every timing; later loads may change these tasks.
    pub async fn warm_up(&mut self, lane: &Lane) -> Result<(), Abort> {
        self.phase(lane, "warm-up");
        let arrival = Arrival::steady(WARM_UP_RATE, WARM_UP);
        self.offer(lane, arrival, Work::Creations, Purpose::WARM_UP)
            .await?;
        self.drained(lane, WARM_WITHIN).await
    }

    /// Begins series, and has each go on once or not at all: until there is nothing cold on that way either.
    /// Left out of every timing; later loads settle what is open of them.
    pub async fn begin_series(&mut self, lane: &Lane, series: Arrival) -> Result<(), Abort> {
        self.phase(lane, "series begin");
        self.offer(lane, series, Work::Series, Purpose::WARM_UP)
            .await?;
        let arrival = Arrival::steady(WARM_UP_RATE, WARM_UP);
        let offer = self.begin_settling(lane, arrival, Purpose::WARM_UP).await?;
        self.finish(lane, offer).await?;
        let went_on = self.lane_mut(lane)?.observer.postgres();
        let went_on = went_on.await_instances(WARM_WITHIN).await;
        went_on.map_err(Abort::during("wait for the series to go on"))
    }

    /// Offers a whole load.
    pub async fn offer(
        &mut self,
        lane: &Lane,
        arrival: Arrival,
        work: Work,
        purpose: Purpose,
    ) -> Result<(), Abort> {
        let offer = self.begin(lane, arrival, work, purpose)?;
        self.finish(lane, offer).await
    }

    /// Begins a load that runs on while the scenario does something else.
    pub fn begin(
        &mut self,
        lane: &Lane,
        arrival: Arrival,
        work: Work,
        purpose: Purpose,
    ) -> Result<Offer, Abort> {
        let begun = self.lane_mut(lane)?.begin(arrival, work, purpose);
        begun.map_err(Abort::during("start the load"))
    }

    /// Begins a load of mixed changes in which what is open of the lane's series is completed, too.
    pub async fn begin_settling(
        &mut self,
        lane: &Lane,
        arrival: Arrival,
        purpose: Purpose,
    ) -> Result<Offer, Abort> {
        let begun = self.lane_mut(lane)?.begin_settling(arrival, purpose).await;
        begun.map_err(Abort::during("start the load"))
    }

    /// The same, and the mixed changes are of few tasks, so that changes of one are under way beside each other.
    pub async fn begin_contending(
        &mut self,
        lane: &Lane,
        arrival: Arrival,
        purpose: Purpose,
    ) -> Result<Offer, Abort> {
        let lane = self.lane_mut(lane)?;
        let begun = lane.begin_contending(arrival, purpose).await;
        begun.map_err(Abort::during("start the load"))
    }

    /// Waits for the end of a load, and shows how it goes meanwhile.
    pub async fn finish(&mut self, lane: &Lane, offer: Offer) -> Result<(), Abort> {
        let progress = offer.watch();
        let shown = lane.name().to_owned();
        let lane_run = self
            .lanes
            .get_mut(lane.name())
            .ok_or_else(|| Abort::because("offer the load", "no such lane"))?;
        let mut finishing = std::pin::pin!(lane_run.finish(&offer));
        let mut beat = tokio::time::interval(SHOW_EVERY);
        loop {
            tokio::select! {
                finished = &mut finishing => {
                    return finished.map_err(Abort::during("offer the load"));
                }
                _ = beat.tick() => {
                    let now = *progress.borrow();
                    self.step.update(&format!(
                        "{shown}: {} of {} offered, {} acknowledged, {} failed, {} unknown, p95 {:.1} ms",
                        now.offered, now.planned, now.acknowledged, now.failed, now.unknown,
                        now.p95.as_secs_f64() * 1e3,
                    ));
                }
            }
        }
    }

    /// Samples the memory of a lane's sidecars until the lane is quiet.
    pub fn watch_sidecars(&mut self, lane: &Lane, every: Duration) -> Result<(), Abort> {
        let running = self.stack.lane(lane.name());
        let running = running.map_err(Abort::during("find the lane"))?;
        let watched = Role::ALL.into_iter().map(|role| {
            let pid = running
                .sidecar(role)?
                .pid()
                .and_then(|pid| i32::try_from(pid).ok());
            let pid = pid.ok_or_else(|| {
                anyhow::anyhow!(
                    "the process of {}'s sidecar is gone, or not of this machine",
                    role.as_str()
                )
            })?;
            Ok(Watched {
                process: sidecar_process(role),
                pid,
            })
        });
        let watched: anyhow::Result<Vec<Watched>> = watched.collect();
        let watched = watched.map_err(Abort::during("watch the sidecars"))?;
        let sampler = MemorySampler::start(watched, every);
        self.samplers.push((lane.name().to_owned(), sampler));
        Ok(())
    }

    /// Ends the sampling of memory.
    pub async fn end_watch(&mut self) -> Result<(), Abort> {
        for (lane, sampler) in std::mem::take(&mut self.samplers) {
            let sampled = sampler.finish().await;
            let sampled = sampled.map_err(Abort::during("sample the sidecars' memory"))?;
            if let Some(lane) = self.lanes.get_mut(&lane) {
                lane.record.memory.extend(sampled.samples);
            }
        }
        Ok(())
    }

    /// Waits until a lane has as many effects as are owed for what was acknowledged.
    pub async fn drained(&mut self, lane: &Lane, within: Duration) -> Result<(), Abort> {
        let lane = self.lane_mut(lane)?;
        let owed = lane.owed();
        let drained = lane.observer.postgres().await_effects(owed, within).await;
        drained.map(|_| ()).map_err(Abort::during("drain"))
    }

    /// Waits until nothing moves in a lane any more, and reads the final state of its stores.
    pub async fn quiesce(&mut self, lane: &Lane, within: Duration) -> Result<(), Abort> {
        self.end_watch().await?;
        self.phase(lane, "drain");
        let run = self.lane_mut(lane)?;
        let quiet = run.observer.quiesce(within).await;
        // What did not come to rest is read all the same: the ledger then shows where it stands.
        run.read().await?;
        quiet.map_err(Abort::during("drain"))?;
        self.timeline.mark(TimelineKind::Phase, lane.name(), "idle");
        Ok(())
    }

    /// After an abort: ends the loads, and reads what the stores hold now, so that what was seen is
    /// judged and what was not seen is not taken for lost. An error where that cannot be told apart: a
    /// load left no record, or a lane does not come to rest or cannot be read.
    pub async fn salvage(&mut self) -> Result<(), Abort> {
        self.end_watch().await?;
        // An operation that is not in the record makes its event one that nobody asked for.
        for run in self.lanes.values_mut() {
            run.stop_loads(LOADS_END_WITHIN).await?;
        }
        for run in self.lanes.values_mut().filter(|run| !run.is_read()) {
            // Events that are still on their way would look lost: such a lane is not judged.
            let quiet = run.observer.quiesce(SALVAGE_WITHIN).await;
            quiet.map_err(Abort::during("wait for the lane to come to rest"))?;
            run.read().await?;
        }
        Ok(())
    }

    /// Returns as soon as a service ends though nobody asked it to: for a `select!` beside the drive,
    /// which it does not borrow from.
    pub fn until_unexpected_exit(&self) -> impl Future<Output = UnexpectedExit> + use<> {
        self.stack.until_unexpected_exit()
    }

    /// Closes the record. The stack is handed back, to be stopped.
    pub fn close(self, scenario: &str) -> (Ledger, Vec<TimelineEntry>, Stack, Step) {
        let records: Vec<LaneRecord> = self.lanes.into_values().map(|lane| lane.record).collect();
        let entries = self.timeline.into_entries();
        (
            Ledger::new(scenario, records),
            entries,
            self.stack,
            self.step,
        )
    }

    pub(super) fn lane_mut(&mut self, lane: &Lane) -> Result<&mut LaneRun, Abort> {
        let missing = || Abort::because("find the lane", lane.name());
        self.lanes.get_mut(lane.name()).ok_or_else(missing)
    }
}
