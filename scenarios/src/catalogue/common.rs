//! What several scenarios share: lanes, and the checks that judge one kind of claim.

use std::time::Duration;

use gauntlet_contract::config::{Broker, Role};
use gauntlet_harness::check::figure::{recovery, sidecar_overhead as overhead_of};
use gauntlet_harness::check::{
    Amount, ApiLatency, AuditLogsComplete, Bar, Bars, BurstCompleteWithin, Check, CommitToEffect,
    ConsumerDrained, ContentIntact, EffectsInOrder, FaultFelt, GeneratorOnTime,
    InstancesExactlyOnce, NoEffectTwice, NoHealthyDeadLetter, NothingInvented, NothingLost,
    OrderTested, PeakOf, Population, PublishLatency, Scope, SeededReadsBack, SidecarMemoryPeak,
    SidecarMemorySlope, UnknownsSettled,
};
use gauntlet_harness::ledger::{Lane as LaneName, Ledger};
use gauntlet_harness::stack::{Lane, Mode, StackKind, Topology};
use gauntlet_reports::evidence::Figure;

use crate::run::sidecar_process;

/// Dapr on Kafka with direct Kafka beside it; direct mode on Redis where that is all there is.
pub(super) fn beside_direct(offered: StackKind) -> Topology {
    match offered {
        StackKind::Full => Topology::full().lane(dapr_kafka()).lane(direct_kafka()),
        StackKind::Light => Topology::light(),
    }
}

/// Dapr on Kafka alone; direct mode on Redis where that is all there is.
pub(super) fn one_lane(offered: StackKind) -> Topology {
    match offered {
        StackKind::Full => Topology::full().lane(dapr_kafka()),
        StackKind::Light => Topology::light(),
    }
}

/// Dapr on Kafka and on Redis; direct mode on Redis where that is all there is.
pub(super) fn both_brokers(offered: StackKind) -> Topology {
    match offered {
        StackKind::Full => {
            let on_redis = Lane::dapr(Broker::Redis);
            Topology::full().lane(dapr_kafka()).lane(on_redis)
        }
        StackKind::Light => Topology::light(),
    }
}

/// The checks of each lane of a topology, lane after lane.
pub(super) fn of_each_lane(
    topology: &Topology,
    checks: impl FnMut(&Lane) -> Vec<Box<dyn Check>>,
) -> Vec<Box<dyn Check>> {
    topology.lanes().iter().flat_map(checks).collect()
}

fn dapr_kafka() -> Lane {
    Lane::dapr(Broker::Kafka)
}

fn direct_kafka() -> Lane {
    Lane::direct(Broker::Kafka)
}

/// Consumer groups of a lane: those of audit and of recurring.
pub(super) const GROUPS: usize = 2;

fn scope(lane: &Lane) -> Scope {
    Scope::lane(LaneName::new(lane.name()))
}

/// What a scenario's loads are to have in them. With less, a verdict would rest on too little.
#[derive(Clone, Copy, Debug)]
pub(super) struct Planned {
    /// Operations of the load that have to be acknowledged, the warm-up apart: a system that refuses
    /// loses nothing either.
    operations: u64,
    order: OrderTested,
    /// Operations that have to go without an answer, where the claim is about these.
    unanswered: u64,
}

impl Planned {
    pub(super) fn creations(operations: u64) -> Self {
        Self {
            operations,
            order: OrderTested::default(),
            unanswered: 0,
        }
    }

    /// Half of the operations are changes, and each raises a version. All creations and half of the
    /// changes have to arrive: a change that overtakes another, as on a busy machine, is rightly
    /// refused or changes nothing, but where most do, the load is not the planned one.
    pub(super) fn changes(operations: u64) -> Self {
        let successors = operations / 4;
        let mut planned = Self::creations(operations - successors);
        planned.order.successors = successors;
        planned
    }

    /// And so many of them are written while the version before is still on its way.
    pub(super) fn overlapping(mut self, versions: u64) -> Self {
        self.order.overlapping = versions;
        self
    }

    /// And so many get no answer.
    pub(super) fn unanswered(mut self, operations: u64) -> Self {
        self.unanswered = operations;
        self
    }
}

/// No acknowledged change lost, none twice, none out of order, none invented, and its line in the audit
/// trail published: whatever else a scenario claims.
pub(super) fn delivery_checks(lane: &Lane, planned: Planned) -> Vec<Box<dyn Check>> {
    let scope = || scope(lane);
    vec![
        Box::new(NothingLost::new(scope().at_least(planned.operations))),
        Box::new(NoEffectTwice::new(scope())),
        Box::new(EffectsInOrder::new(scope()).tested_by(planned.order)),
        Box::new(NoHealthyDeadLetter::new(scope())),
        Box::new(NothingInvented::new(scope())),
        Box::new(ContentIntact::new(scope())),
        Box::new(UnknownsSettled::new(scope()).of_unanswered(planned.unanswered)),
        Box::new(AuditLogsComplete::new(scope())),
        Box::new(ConsumerDrained::new(scope()).of_groups(GROUPS)),
        Box::new(GeneratorOnTime::new(scope())),
    ]
}

/// SC-004: 10 s asked, 2 s ours, for a burst of `size`.
pub(super) fn burst_checks(lane: &Lane, size: u32) -> Vec<Box<dyn Check>> {
    let bars = Bars::new(
        Bar::at_most(Duration::from_secs(10)),
        Bar::at_most(Duration::from_secs(2)),
    );
    let scope = scope(lane).at_least(u64::from(size));
    vec![Box::new(BurstCompleteWithin::new(scope, bars))]
}

/// SC-002: publish p95 below 100 ms asked, 10 ms ours; commit to effect below 25 ms, ours alone.
pub(super) fn latency_checks(lane: &Lane, samples: u64) -> Vec<Box<dyn Check>> {
    let scope = || scope(lane).at_least(samples);
    let publish = Bars::new(
        Bar::below(Duration::from_millis(100)),
        Bar::below(Duration::from_millis(10)),
    );
    let to_effect = Bars::new(Bar::NotAsked, Bar::below(Duration::from_millis(25)));
    vec![
        Box::new(PublishLatency::new(scope(), publish)),
        Box::new(CommitToEffect::new(scope(), to_effect)),
    ]
}

/// SC-011: p95 below 200 ms asked, 25 ms ours, of so many requests in which each kind has its share, among the
/// tasks of this population.
pub(super) fn api_checks(
    lane: &Lane,
    requests: u64,
    of_each_kind: u64,
    population: Population,
) -> Vec<Box<dyn Check>> {
    let bars = Bars::new(
        Bar::below(Duration::from_millis(200)),
        Bar::below(Duration::from_millis(25)),
    );
    let scope = scope(lane).at_least(requests);
    let check = ApiLatency::new(scope, bars, of_each_kind, population);
    vec![Box::new(check)]
}

/// What was put there past the system reads as what it stored itself.
pub(super) fn seeding_checks(lane: &Lane, sample: u64) -> Vec<Box<dyn Check>> {
    vec![Box::new(SeededReadsBack::new(scope(lane).at_least(sample)))]
}

/// SC-007, for each sidecar of a lane: resident peak below 128 MB asked; ours on its anonymous part,
/// below 48 MB and growing by at most 1 MB in 10 minutes.
pub(super) fn memory_checks(lane: &Lane, samples: u64) -> Vec<Box<dyn Check>> {
    let watched = || scope(lane).at_least(samples);
    let resident = Bars::both(Bar::below(Amount::megabytes(128)));
    let anonymous = Bars::new(Bar::NotAsked, Bar::below(Amount::megabytes(48)));
    let slope = Bars::new(
        Bar::NotAsked,
        Bar::at_most(Amount::bytes_per_ten_minutes(1e6)),
    );
    let mut checks: Vec<Box<dyn Check>> = Vec::new();
    for role in Role::ALL {
        let sidecar = sidecar_process(role);
        let peak = |part, bars| SidecarMemoryPeak::new(watched(), sidecar.clone(), part, bars);
        checks.push(Box::new(peak(PeakOf::Resident, resident)));
        checks.push(Box::new(peak(PeakOf::Anonymous, anonymous)));
        checks.push(Box::new(SidecarMemorySlope::new(watched(), sidecar, slope)));
    }
    checks
}

/// What is not shown where no lane has a sidecar; nothing where one has.
pub(super) fn without_sidecars(
    topology: &Topology,
    not_shown: &'static [&'static str],
) -> &'static [&'static str] {
    let mut modes = topology.lanes().iter().map(Lane::mode);
    if modes.all(|mode| mode == Mode::Direct) {
        not_shown
    } else {
        &[]
    }
}

/// A fault that cost nothing tested nothing.
pub(super) fn fault_checks(lane: &Lane, faults: u64) -> Vec<Box<dyn Check>> {
    vec![Box::new(FaultFelt::new(scope(lane).at_least(faults)))]
}

/// S4: each of at least so many settled instances has exactly one next one, of series that never end.
pub(super) fn series_check(lane: &Lane, settled: u64) -> Box<dyn Check> {
    Box::new(InstancesExactlyOnce::new(scope(lane).at_least(settled)).endless())
}

/// The same, of so many that are settled after each of the faults.
pub(super) fn series_fault_check(lane: &Lane, faults: u64, settled: u64) -> Box<dyn Check> {
    let check = InstancesExactlyOnce::new(scope(lane).at_least(faults * settled));
    Box::new(check.endless().after_each_fault(settled))
}

/// How long effects stood still after each fault.
pub(super) fn recoveries(ledger: &Ledger) -> Vec<Figure> {
    ledger.lanes().flat_map(recovery).collect()
}

/// What the sidecar adds to a publish.
pub(super) fn sidecar_overhead(ledger: &Ledger, seed: u64) -> Vec<Figure> {
    let name = |lane: Lane| LaneName::new(lane.name());
    overhead_of(ledger, &name(dapr_kafka()), &name(direct_kafka()), seed)
}
