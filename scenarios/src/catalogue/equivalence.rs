//! Claim (W-C1, SC-001): Dapr mode is 100 % equivalent to the direct mode. Asked: 100 distinct cases, all of
//! them alike.
//!
//! The same cases, each a user who is told beforehand what every answer has to be, are played on Dapr and
//! direct mode, each on Kafka and on Redis, side by side. When nothing moves any more, all answers, rows,
//! events, lines of the trail and messages about these are compared row by row, but for what may rightly differ:
//! ids by where they stood first, times by their order, traces by the request that began them, and what tells of
//! deliveries not at all. On each lane effects come in the order of versions. In two cases more one lane is asked
//! something else, and the comparison has to say so of the answer and of each table.
//! Does not show: timing, behaviour under load or under faults, MCP, reminders.

use std::time::Duration;

use async_trait::async_trait;
use gauntlet_contract::config::Broker;
use gauntlet_harness::check::figure;
use gauntlet_harness::check::{
    AuditLogsComplete, CaseCoverage, CasesAsExpected, Check, ConsumerDrained, EffectsInOrder,
    NoEffectTwice, NoHealthyDeadLetter, NothingInvented, NothingLost, PlantedDivergence,
    SameEffects, Scope,
};
use gauntlet_harness::ledger::{Lane as LaneName, Ledger};
use gauntlet_harness::stack::{Lane, StackKind, Topology};
use gauntlet_reports::evidence::Figure;

use super::common::GROUPS;
use crate::blackbox::{self, EVENTS, Feature, type_of};
use crate::run::{Run, Settings};
use crate::scenario::{Abort, Meta, Needs, Scenario};

/// What the claim was made concrete to.
const CASES: u64 = 100;
/// One of each mode.
const CONTROLS: u64 = 2;
/// Four lanes come to rest one after the other, and the cases have waited for their effects before.
const DRAIN_WITHIN: Duration = Duration::from_secs(90);

static META: Meta = Meta {
    id: "equivalence",
    title: "Dapr and direct mode do the same",
    claim: "Dapr mode is 100 % equivalent to the direct mode: at least 100 distinct cases give the same \
            answers and leave the same rows, events and audit lines through Dapr and directly, on Kafka and \
            on Redis",
    not_shown: &[
        "timing: how long an answer or an effect took is compared with nothing",
        "equal behaviour under load or under faults: each user is alone and nothing is broken",
        "MCP tools and reminders, which this version does not have",
        "migrations (T11) and poison (E3): no request brings either about",
        "order under faults: nothing is broken here, and perhaps no event came before its time \
         (decision 0018)",
        "traces that no request of a case began: a schedule's, and the spans of sidecars",
        "what is masked; the evidence lists it with the reasons",
    ],
    requirements: &["SC-001", "S8"],
    needs: Needs::Dapr,
};

/// See the module's documentation.
#[derive(Debug)]
pub struct Equivalence;

#[async_trait]
impl Scenario for Equivalence {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn topology(&self, _offered: StackKind) -> Topology {
        Topology::full()
            .lane(Lane::dapr(Broker::Kafka))
            .lane(Lane::dapr(Broker::Redis))
            .lane(Lane::direct(Broker::Kafka))
            .lane(Lane::direct(Broker::Redis))
    }

    async fn drive(&self, run: &mut Run) -> Result<(), Abort> {
        let lanes = run.lanes();
        run.play_cases().await?;
        for lane in &lanes {
            run.quiesce(lane, DRAIN_WITHIN).await?;
            run.read_case_rows(lane).await?;
        }
        Ok(())
    }

    fn checks(&self, settings: &Settings) -> Vec<Box<dyn Check>> {
        let lanes = names(&self.topology(settings.offered));
        let cases = blackbox::all().len() as u64;
        let mut checks: Vec<Box<dyn Check>> = vec![
            Box::new(SameEffects::new(lanes.clone(), cases)),
            Box::new(coverage(lanes.clone())),
            Box::new(PlantedDivergence::new(lanes.clone(), CONTROLS)),
        ];
        for lane in lanes {
            let scope = || Scope::lane(lane.clone());
            checks.push(Box::new(CasesAsExpected::new(scope().at_least(cases))));
            // What all lanes lose alike would not show in a comparison.
            checks.push(Box::new(NothingLost::new(scope())));
            checks.push(Box::new(NoEffectTwice::new(scope())));
            checks.push(Box::new(EffectsInOrder::new(scope())));
            checks.push(Box::new(NoHealthyDeadLetter::new(scope())));
            checks.push(Box::new(NothingInvented::new(scope())));
            checks.push(Box::new(AuditLogsComplete::new(scope())));
            checks.push(Box::new(ConsumerDrained::new(scope()).of_groups(GROUPS)));
        }
        checks
    }

    fn figures(&self, ledger: &Ledger, settings: &Settings) -> Vec<Figure> {
        figure::equivalence(ledger, &names(&self.topology(settings.offered)))
    }
}

fn names(topology: &Topology) -> Vec<LaneName> {
    let lanes = topology.lanes().iter();
    lanes.map(|lane| LaneName::new(lane.name())).collect()
}

fn coverage(lanes: Vec<LaneName>) -> CaseCoverage {
    CaseCoverage::new(lanes, CASES)
        .features(&Feature::ALL.map(Feature::as_str))
        .events(&EVENTS.map(type_of))
}

#[cfg(test)]
mod tests {
    use gauntlet_harness::stack::Mode;

    use super::*;

    #[test]
    fn both_modes_are_there_on_both_brokers() {
        let topology = Equivalence.topology(StackKind::Full);
        for mode in [Mode::Dapr, Mode::Direct] {
            for broker in [Broker::Kafka, Broker::Redis] {
                let is_there = |lane: &Lane| lane.mode() == mode && lane.broker() == broker;
                assert!(topology.lanes().iter().any(is_there), "{mode:?} {broker:?}");
            }
        }
    }

    #[test]
    fn there_are_as_many_cases_as_were_asked_for() {
        assert!(blackbox::all().len() as u64 >= CASES);
        assert_eq!(blackbox::controls().len() as u64, CONTROLS);
    }
}
