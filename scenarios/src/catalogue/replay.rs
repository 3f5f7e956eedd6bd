//! Claim (SC-019): whoever reads everything once more that was ever published changes nothing by it.
//!
//! A lane takes a load of creations and changes, completions of series among them, and comes to rest. Every
//! row of its database is read, whoever owns it, every entry of its state and every message on the topics
//! that nobody of the system reads. Then its consumers are stopped, each consumer group is set back to the
//! beginning, and the consumers are started again. When each of them has read everything once more, all is
//! read again and compared, but for the leases of relays and two notes of what was last done by the clock.
//! Does not show: a replay under load; Redis behind Dapr; that nothing was written over with what it held.

use std::time::Duration;

use async_trait::async_trait;
use gauntlet_contract::config::Broker;
use gauntlet_harness::check::{
    AuditLogsComplete, Check, ConsumerDrained, NoEffectTwice, NoHealthyDeadLetter, NothingLost,
    ReplayChangesNothing, ReplayHappened, Scope,
};
use gauntlet_harness::ledger::Lane as LaneName;
use gauntlet_harness::stack::{Lane, Mode, StackKind, Topology};
use gauntlet_loadgen::arrival::{Arrival, Rate};

use super::common::{self, GROUPS};
use crate::run::{Purpose, Run, Settings, Work, state_prefix};
use crate::scenario::{Abort, Meta, Needs, Scenario};

/// It is about what is stored and not about time: two cores carry it at ease.
const RATE: Rate = Rate::constant(100);
/// With the rate: 500 operations, half of them changes. Each event of them comes again.
const LOAD: Duration = Duration::from_secs(5);
/// More than one for each partition of the topic that they are told on.
const SERIES: u64 = 24;
/// Of the operations, as many as have to be acknowledged: all creations, and half of the changes.
const ACKNOWLEDGED: u64 = 375;
/// A group of killed members waits 6 s for them, and a thousand events take a few seconds.
const SETTLED_WITHIN: Duration = Duration::from_secs(90);

/// Tables that the load has to leave rows in.
const TABLES: [&str; 6] = [
    "tasks",
    "series",
    "outbox",
    "inbox",
    "audit_log",
    "audit_outbox",
];

static META: Meta = Meta {
    id: "replay",
    title: "Everything read once more",
    claim: "when every consumer group is set back to the beginning and reads everything once more, no row \
            of any table or state store is added, removed or changed, and nothing is published again",
    not_shown: &[
        "a replay while a load goes on: the lane is at rest",
        "which messages came again: a consumer counts what it settles and tells no ids, and the broker says \
         that it went past all of them",
        "Redis behind Dapr",
        "that nothing was written: a row that is written over with what it holds is the same",
        "events that the inbox of recurring has forgotten, which keeps them for 7 days; of these the api \
         knows the instance by its number",
        "the leases of the relays, recurring's note of its last look at the schedule, and a sidecar's of \
         when it last deleted expired entries: the check names them",
    ],
    requirements: &["SC-019"],
    needs: Needs::Light,
};

/// See the module's documentation.
#[derive(Debug)]
pub struct Replay;

#[async_trait]
impl Scenario for Replay {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn topology(&self, offered: StackKind) -> Topology {
        match offered {
            StackKind::Full => Topology::full()
                .lane(Lane::dapr(Broker::Kafka))
                .lane(Lane::direct(Broker::Kafka))
                .lane(Lane::direct(Broker::Redis)),
            StackKind::Light => Topology::light(),
        }
    }

    async fn drive(&self, run: &mut Run) -> Result<(), Abort> {
        for lane in run.lanes() {
            run.warm_up(&lane).await?;
            run.phase(&lane, "load");
            let arrival = Arrival::steady(RATE, LOAD);
            run.offer(&lane, arrival, Work::Changes, Purpose::LOAD)
                .await?;
            run.complete_series(&lane, SERIES).await?;
            run.replay(&lane, SETTLED_WITHIN).await?;
            run.quiesce(&lane, SETTLED_WITHIN).await?;
        }
        Ok(())
    }

    fn checks(&self, settings: &Settings) -> Vec<Box<dyn Check>> {
        let topology = self.topology(settings.offered);
        common::of_each_lane(&topology, checks_of)
    }
}

fn checks_of(lane: &Lane) -> Vec<Box<dyn Check>> {
    let scope = || Scope::lane(LaneName::new(lane.name()));
    // Each operation is an event, and so is each completion of an instance, for either group.
    let again = scope().at_least(ACKNOWLEDGED + 2 * SERIES);
    let state = state_of(lane);
    let places: Vec<&str> = TABLES.into_iter().chain([state.as_str()]).collect();
    vec![
        Box::new(ReplayHappened::new(again, GROUPS, SERIES)),
        Box::new(ReplayChangesNothing::new(scope(), &places)),
        Box::new(NothingLost::new(scope().at_least(ACKNOWLEDGED))),
        Box::new(NoEffectTwice::new(scope())),
        Box::new(NoHealthyDeadLetter::new(scope())),
        Box::new(AuditLogsComplete::new(scope())),
        Box::new(ConsumerDrained::new(scope()).of_groups(GROUPS)),
    ]
}

/// Where recurring keeps what it knows of events.
fn state_of(lane: &Lane) -> String {
    match (lane.mode(), lane.broker()) {
        (Mode::Dapr, _) => "dapr_state".to_owned(),
        (Mode::Direct, Broker::Kafka) => "state_entries".to_owned(),
        (Mode::Direct, Broker::Redis) => state_prefix(lane),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_operations_have_to_be_acknowledged_as_the_load_is_bound_to_have() {
        let planned = Arrival::steady(RATE, LOAD).count();
        assert_eq!(ACKNOWLEDGED, planned - planned / 4);
    }

    #[test]
    fn each_lane_is_held_to_the_place_where_its_state_is() {
        let places = [
            (Lane::dapr(Broker::Kafka), "dapr_state"),
            (Lane::direct(Broker::Kafka), "state_entries"),
            (Lane::direct(Broker::Redis), "direct-redis.state:"),
        ];
        for (lane, place) in places {
            assert_eq!(state_of(&lane), place);
        }
    }
}
