//! Claim (SC-011): whatever people ask of their tasks or change of them, the API answers quickly, also when
//! each has ten thousand.
//!
//! The tasks are put into the database before, as an import would: they have no events, and from their first
//! change on they are judged like any other. What is asked for goes through every order and condition of
//! lists, and pages behind the cursors of earlier answers. A warm-up of five seconds at the same rate comes
//! before and is left out of judgement.
//! Does not show: more than one replica, more users at a time, or the rate at which answers become slow.

use std::time::Duration;

use async_trait::async_trait;
use gauntlet_harness::check::{Check, Population};
use gauntlet_harness::stack::{StackKind, Topology};
use gauntlet_loadgen::MixTasks;
use gauntlet_loadgen::arrival::{Arrival, Rate};

use super::api_latency_questions::questions;
use super::common::{self, Planned};
use crate::run::{Purpose, Run, SAMPLE, Settings};
use crate::scenario::{Abort, Meta, Needs, Scenario};

/// The rate that the claim names.
const RATE: Rate = Rate::constant(200);
/// With the rate: 6,000 requests.
const LOAD: Duration = Duration::from_secs(30);
/// The same mix before, until plans are made, connections open and pages read.
const WARM_UP: Duration = Duration::from_secs(5);
/// Of each of the ten users.
const TASKS_EACH: u32 = 10_000;
/// The claim's, asserted of what the database held.
const POPULATION: Population = Population {
    users: 10,
    tasks_each: TASKS_EACH,
};
/// The trail waits for the versions before a seeded one, which nobody wrote, and then goes on without them.
const DRAIN_WITHIN: Duration = Duration::from_mins(3);

static META: Meta = Meta {
    id: "api-latency",
    title: "API latency at 10 users × 10,000 tasks",
    claim: "at 200 requests a second, of lists, searches, single tasks, creations and changes, the API answers \
            within 200 ms at the 95th percentile, with 10,000 tasks of each of 10 users",
    not_shown: &[
        "how the tasks came there: they were put into the database past the API, and have no events",
        "the first five seconds of such a load: they are the warm-up and not judged",
        "more than one replica of the api, a database with other tenants, and the network between",
        "people who wait for an answer before they ask again: the load does not",
        "tasks of a series, labels and the audit trail being asked for",
        "how soon a change takes effect: a seeded task has no line in the trail, for whose first version the \
         trail waits in vain before it writes the second",
    ],
    requirements: &["SC-011"],
    needs: Needs::Light,
};

/// See the module's documentation.
#[derive(Debug)]
pub struct ApiLatency;

#[async_trait]
impl Scenario for ApiLatency {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn topology(&self, offered: StackKind) -> Topology {
        common::one_lane(offered)
    }

    async fn drive(&self, run: &mut Run) -> Result<(), Abort> {
        run.measure_noise(RATE).await?;
        for lane in run.lanes() {
            let population = run.seed(&lane, TASKS_EACH).await?;
            run.warm_up(&lane).await?;
            run.prepare_mix(&lane, &population, changes(), questions)
                .await?;
            run.phase(&lane, "warm-up of the mix");
            let before = Arrival::steady(RATE, WARM_UP);
            run.offer_mix(&lane, before, Purpose::WARM_UP).await?;
            run.phase(&lane, "load");
            let load = Arrival::steady(RATE, LOAD);
            run.offer_mix(&lane, load, Purpose::LOAD).await?;
            run.phase(&lane, "drain");
            run.drained(&lane, DRAIN_WITHIN).await?;
            run.quiesce(&lane, DRAIN_WITHIN).await?;
        }
        Ok(())
    }

    fn checks(&self, settings: &Settings) -> Vec<Box<dyn Check>> {
        let topology = self.topology(settings.offered);
        let requests = Arrival::steady(RATE, LOAD).count();
        let shares = MixTasks::SHARES;
        let written = requests * (shares.creations + shares.changes) / shares.of;
        // Changes are the rarest kind.
        let of_each_kind = requests * shares.changes / shares.of;
        common::of_each_lane(&topology, |lane| {
            let mut checks = common::api_checks(lane, requests, of_each_kind, POPULATION);
            checks.extend(common::seeding_checks(lane, SAMPLE as u64));
            checks.extend(common::delivery_checks(lane, Planned::creations(written)));
            checks
        })
    }
}

/// Changes in the warm-up and the load, each begun group of operations counted as a whole one.
fn changes() -> usize {
    let loads = [WARM_UP, LOAD].map(|length| {
        let operations = Arrival::steady(RATE, length).count();
        MixTasks::changes_in(operations)
    });
    loads.into_iter().sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_p95_rests_on_thousands_of_requests_and_on_hundreds_of_each_kind() {
        let requests = Arrival::steady(RATE, LOAD).count();
        assert_eq!(requests, 6_000);
        let shares = MixTasks::SHARES;
        let rarest = [
            shares.lists,
            shares.next_pages,
            shares.searches,
            shares.gets,
            shares.creations,
            shares.changes,
        ];
        let rarest = rarest.into_iter().min().unwrap_or_default();
        assert_eq!(rarest, shares.changes);
        assert!(requests * rarest / shares.of >= 600);
        assert_eq!(changes(), 700);
    }
}
