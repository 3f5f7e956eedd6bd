//! Claim (S10, and of SC-017 what it asks for): one trace from the HTTP request to the line of the audit trail,
//! in Dapr mode and in direct mode.
//!
//! Each lane has a collector, to which its roles and its sidecars report their spans. Series are begun and go
//! on; then a modest load of creations, changes and completions runs while other requests bring a trace of
//! their own. When nothing moves any more, the line of each acknowledged change names its trace, and in this the
//! event was published and recorded, both of which lead up to the request without a gap; what a series did is in
//! the trace of the completion that had it go on.
//! Does not show: that tracing needs no code of the service: it does. What sidecars do by themselves ends at the
//! app, which has to read the context, keep it with the outbox row, and send it on.

use std::time::Duration;

use async_trait::async_trait;
use gauntlet_contract::config::Broker;
use gauntlet_harness::check::{
    Check, InstancesExactlyOnce, NoEffectTwice, NothingLost, OneTrace, Scope, TracesTested, figure,
};
use gauntlet_harness::ledger::{Lane as LaneName, Ledger};
use gauntlet_harness::stack::{Lane, StackKind, Topology};
use gauntlet_loadgen::arrival::{Arrival, Rate};
use gauntlet_reports::evidence::Figure;

use crate::run::{Purpose, REQUESTS_OF_TASK, Run, Settings};
use crate::scenario::{Abort, Meta, Needs, Scenario};

/// It is about what belongs together and not about time: two cores carry it at ease.
const RATE: Rate = Rate::constant(40);
/// With the rate: 160 operations, half of them changes.
const LOAD: Duration = Duration::from_secs(4);
/// Series that the load finds, begun in a second.
const SERIES: Rate = Rate::constant(12);
const SERIES_BEGIN_WITHIN: Duration = Duration::from_secs(1);
/// Tasks of requests that bring a trace. Every other one begins a series.
const TRACED_TASKS: u64 = 20;
/// What a series does writes two events: the next instance, and where the series stands.
const EVENTS_OF_SERIES: u64 = 2;
const DRAIN_WITHIN: Duration = Duration::from_mins(1);
/// Exporters send a batch every 5 s where they are not told otherwise, and lanes wait one after the other.
const COLLECTED_WITHIN: Duration = Duration::from_secs(20);

static META: Meta = Meta {
    id: "tracing",
    title: "One trace from the request to the audit trail",
    claim: "one trace leads from the HTTP request to the line of the audit trail, in Dapr mode and in direct \
            mode, on Kafka and on Redis, whether or not the request brought a trace of its own",
    not_shown: &[
        "that tracing needs no service code (SC-017 as it was stated), which is not so: the app itself reads \
         the context, keeps it with the outbox row and passes it on; a sidecar traces its own part alone",
        "traces of requests that ask, that are refused, or that find nothing to change",
        "what passes through a sidecar in bulk, as the audit trail's own events do: the sidecar begins other \
         traces there",
        "that spans survive a collector that is away, or a crash of whoever holds them",
        "what tracing costs: the load is modest, and no other scenario has it on",
        "e-mail, at which the trace of SC-017 ends: this version sends none",
    ],
    requirements: &["S10", "SC-017"],
    needs: Needs::Dapr,
};

/// See the module's documentation.
#[derive(Debug)]
pub struct Tracing;

#[async_trait]
impl Scenario for Tracing {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn topology(&self, _offered: StackKind) -> Topology {
        Topology::full()
            .traced()
            .lane(Lane::dapr(Broker::Kafka))
            .lane(Lane::direct(Broker::Kafka))
            .lane(Lane::dapr(Broker::Redis))
            .lane(Lane::direct(Broker::Redis))
    }

    async fn drive(&self, run: &mut Run) -> Result<(), Abort> {
        let lanes = run.lanes();
        for lane in &lanes {
            let series = Arrival::steady(SERIES, SERIES_BEGIN_WITHIN);
            run.begin_series(lane, series).await?;
            run.phase(lane, "load");
            let load = Arrival::steady(RATE, LOAD);
            let offer = run.begin_settling(lane, load, Purpose::LOAD).await?;
            run.send_traced(lane, TRACED_TASKS).await?;
            run.finish(lane, offer).await?;
        }
        for lane in &lanes {
            run.quiesce(lane, DRAIN_WITHIN).await?;
        }
        for lane in &lanes {
            run.collect_traces(lane, COLLECTED_WITHIN).await?;
        }
        Ok(())
    }

    fn checks(&self, settings: &Settings) -> Vec<Box<dyn Check>> {
        let topology = self.topology(settings.offered);
        topology.lanes().iter().flat_map(checks_of).collect()
    }

    fn figures(&self, ledger: &Ledger, _settings: &Settings) -> Vec<Figure> {
        ledger.lanes().flat_map(figure::traces).collect()
    }
}

fn checks_of(lane: &Lane) -> Vec<Box<dyn Check>> {
    let scope = || Scope::lane(LaneName::new(lane.name()));
    let acknowledged = acknowledged();
    let tested = TracesTested {
        of_clients: TRACED_TASKS * REQUESTS_OF_TASK,
        of_series: completed_series() * EVENTS_OF_SERIES,
    };
    let one_trace = scope().at_least(acknowledged + tested.of_series);
    vec![
        Box::new(OneTrace::new(one_trace).tested_by(tested)),
        Box::new(NothingLost::new(scope().at_least(acknowledged))),
        Box::new(NoEffectTwice::new(scope())),
        Box::new(InstancesExactlyOnce::new(scope().at_least(completed_series())).endless()),
    ]
}

/// Of the operations, as many as have to be acknowledged: all creations and half of the changes of the load, and
/// every request that brings a trace.
fn acknowledged() -> u64 {
    let load = Arrival::steady(RATE, LOAD).count();
    load - load / 4 + TRACED_TASKS * REQUESTS_OF_TASK
}

/// Instances whose completion has their series go on, at the least: those of requests that bring a trace.
fn completed_series() -> u64 {
    TRACED_TASKS.div_ceil(2)
}

#[cfg(test)]
mod tests {
    use gauntlet_harness::stack::Mode;

    use super::*;

    #[test]
    fn both_modes_are_traced_on_both_brokers() {
        let topology = Tracing.topology(StackKind::Full);
        assert!(topology.collects_traces());
        for mode in [Mode::Dapr, Mode::Direct] {
            for broker in [Broker::Kafka, Broker::Redis] {
                let is_there = |lane: &Lane| lane.mode() == mode && lane.broker() == broker;
                assert!(topology.lanes().iter().any(is_there), "{mode:?} {broker:?}");
            }
        }
    }

    #[test]
    fn the_stated_claim_about_service_code_is_not_passed_over() {
        let told = META.not_shown.iter();
        assert!(told.into_iter().any(|line| line.contains("service code")));
    }
}
