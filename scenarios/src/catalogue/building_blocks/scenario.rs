//! Claim (SC-018): state and its exchange, secrets, invocation, resiliency and access control do what they are
//! for, and fail in the way that is said where something is wrong.
//!
//! Each block has a table of cases, put to sidecars by their HTTP API as an app would put them: the lane's own,
//! and some that stand beside them with another state store, another app id or another policy. Each has failing
//! twins, in which something is wrong on purpose: a password, a secret that is lacking, an app that is away or
//! unknown, one that no scope names, a policy that denies. A twin that passes fails the block.
//!
//! State and invocation are put to the test through the system, too: series go on in a lane with sidecars, in one
//! without with its state in Postgres, and in one with it in Redis; an event that nobody can handle is counted in
//! the store in question and parked; and one lane has its store exchanged for the other and back between
//! completions. What recurring knew of events stays behind then, which is the documented loss: it is a cache, and
//! the api knows each instance by its number.
//! Does not show: what the list in its meta data says; bindings, jobs and configuration come with later issues.

use async_trait::async_trait;
use gauntlet_contract::config::Broker;
use gauntlet_harness::check::{BlockConforms, Check, NoHealthyDeadLetter, Scope};
use gauntlet_harness::ledger::{Block, Lane as LaneName};
use gauntlet_harness::stack::{Lane, Mode, StackKind, StateBackend, Topology};

use super::{access, invocation, resiliency, secrets, state, system, table};
use crate::catalogue::common;
use crate::run::{Case, Run, Settings};
use crate::scenario::{Abort, Meta, Needs, Scenario};

static META: Meta = Meta {
    id: "building-blocks",
    title: "Building blocks, and how each fails",
    claim: "state on Postgres and on Redis, secrets, invocation, resiliency and access control do what their \
            tables of cases say, each fails in the stated way where something is wrong, and the system does \
            the same with its state in either store and when that is exchanged",
    not_shown: &[
        "bindings, jobs and the configuration block: nothing uses them yet",
        "pub/sub by itself: equivalence, replay and the crashes are about it",
        "the system with its state in Redis behind Dapr: that component holds no expectations in a \
         transaction, and the recurring role refuses to start on it, which is a case",
        "access control by the caller's app id: it needs mTLS, without which a sidecar has one answer for all \
         callers, which is a case",
        "an exchange of the state store while events are on their way: the lane is at rest",
        "the policies of the cloud, and how blocks do under load",
    ],
    requirements: &["SC-018", "D2", "D3", "D4", "D7", "D8"],
    needs: Needs::Dapr,
};

/// See the module's documentation.
#[derive(Debug)]
pub struct BuildingBlocks;

#[async_trait]
impl Scenario for BuildingBlocks {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn topology(&self, _offered: StackKind) -> Topology {
        Topology::full()
            .lane(with_sidecars())
            .lane(exchanging())
            .lane(in_redis())
    }

    async fn drive(&self, run: &mut Run) -> Result<(), Abort> {
        let dapr = with_sidecars();
        run.phase(&dapr, "state");
        state::ask(run, &dapr).await?;
        run.phase(&dapr, "secrets");
        secrets::ask(run, &dapr).await?;
        run.phase(&dapr, "invocation");
        invocation::ask(run, &dapr).await?;
        run.phase(&dapr, "access control");
        let stranger = access::ask(run, &dapr).await?;
        for lane in [dapr.clone(), exchanging(), in_redis()] {
            system::goes_on(run, &lane).await?;
        }
        system::exchanges(run, &exchanging()).await?;
        for lane in [exchanging(), in_redis()] {
            system::refuses_without_secrets(run, &lane).await?;
        }
        // Last: while the api is away nothing else can be asked.
        resiliency::ask(run, &dapr, &stranger).await?;
        for lane in [dapr.clone(), exchanging(), in_redis()] {
            system::parks(run, &dapr, &lane).await?;
        }
        Ok(())
    }

    fn checks(&self, _settings: &Settings) -> Vec<Box<dyn Check>> {
        let lanes = [with_sidecars(), exchanging(), in_redis()];
        lanes.iter().flat_map(checks_of).collect()
    }
}

fn with_sidecars() -> Lane {
    Lane::dapr(Broker::Kafka)
}

/// Begins with its state in Postgres.
fn exchanging() -> Lane {
    Lane::direct(Broker::Kafka)
}

fn in_redis() -> Lane {
    Lane::direct(Broker::Kafka).state_on(StateBackend::Redis)
}

fn checks_of(lane: &Lane) -> Vec<Box<dyn Check>> {
    let cases = cases_of(lane);
    let scope = || Scope::lane(LaneName::new(lane.name()));
    let mut checks: Vec<Box<dyn Check>> = Vec::new();
    for block in Block::ALL {
        let of_block = cases.iter().filter(|case| case.block == block);
        let planned = |case: &Case| (case.name.to_owned(), case.expected.to_owned());
        let of_block: Vec<_> = of_block.map(planned).collect();
        if !of_block.is_empty() {
            checks.push(Box::new(BlockConforms::new(scope(), block, of_block)));
        }
    }
    checks.push(common::series_check(lane, system::settled(lane)));
    checks.push(Box::new(NoHealthyDeadLetter::new(scope())));
    checks
}

/// What is asked of a lane.
fn cases_of(lane: &Lane) -> Vec<Case> {
    match (lane.mode(), lane.state()) {
        (Mode::Dapr, _) => table::with_sidecars(),
        (Mode::Direct, StateBackend::Postgres) => table::exchanging(),
        (Mode::Direct, StateBackend::Redis) => table::in_redis(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use gauntlet_harness::ledger::ProbeKind;

    use super::*;

    #[test]
    fn every_block_of_every_lane_has_a_failing_twin_and_the_lane_with_sidecars_has_all_blocks() {
        for lane in [with_sidecars(), exchanging(), in_redis()] {
            let cases = cases_of(&lane);
            let blocks: BTreeSet<Block> = cases.iter().map(|case| case.block).collect();
            for block in &blocks {
                let is_twin =
                    |case: &&Case| case.block == *block && case.kind == ProbeKind::FailingTwin;
                assert!(
                    cases.iter().any(|case| is_twin(&case)),
                    "{}: {block}",
                    lane.name()
                );
            }
            if lane.mode() == Mode::Dapr {
                assert_eq!(blocks, BTreeSet::from(Block::ALL));
            }
        }
    }

    #[test]
    fn no_case_of_a_lane_stands_in_its_tables_twice() {
        for lane in [with_sidecars(), exchanging(), in_redis()] {
            let cases = cases_of(&lane);
            let names: BTreeSet<(Block, &str)> =
                cases.iter().map(|case| (case.block, case.name)).collect();
            assert_eq!(names.len(), cases.len(), "{}", lane.name());
        }
    }
}
