//! Claim: whichever role or sidecar is killed, everything that was acknowledged takes effect exactly once.
//!
//! Under a steady load each is killed with SIGKILL in turn, at a moment that the seed chooses, and started
//! again on the same ports while the load goes on: the api's sidecar, the api with the outbox relay in it,
//! both together, the role that carries series on, its sidecar, and the sidecar of the audit role. Without
//! Dapr it is each role in turn. While the api is away its clients are refused connections, which is no
//! loss; what it was at when it died has no answer, and has to be wholly done or wholly not done.
//!
//! Every fourth operation completes, reopens or completes again an instance of a series. What comes after
//! it crosses every part: the api's outbox, the broker, the recurring role, and a call back to the api.
//! Does not show: a crash of what all of them rest on; several replicas; two roles that die together.

use std::time::Duration;

use async_trait::async_trait;
use gauntlet_contract::config::Role;
use gauntlet_harness::check::Check;
use gauntlet_harness::ledger::Ledger;
use gauntlet_harness::stack::{Mode, StackKind, Topology};
use gauntlet_loadgen::arrival::{Arrival, Rate};
use gauntlet_reports::evidence::Figure;

use super::common::{self, Planned};
use crate::run::{Purpose, Run, Settings, Victim};
use crate::scenario::{Abort, Meta, Needs, Scenario};

/// Two cores carry it with the sidecars, and have enough left to catch up with what an outage held back.
const RATE: Rate = Rate::constant(100);
/// A stretch of the load for each fault. They follow each other without a drain: what one outage holds
/// back is still on its way when the next one begins.
const STRETCH: Duration = Duration::from_secs(7);
/// Without sidecars faults are fewer, and a consumer that comes back is ready only when it has seen to
/// what it had left: up to 5 s after the kill.
const STRETCH_WITHOUT_SIDECARS: Duration = Duration::from_secs(12);
/// The kill comes after this many operations of the stretch. A quarter of them are about series: before
/// the first fault there is thus a baseline of fifty settlements.
const KILL_AFTER: std::ops::Range<u64> = 200..350;
/// Operations offered while the victim is away, before it is started again: 2 s, several times what an
/// effect or an instance takes when a machine is busy.
const MISSED: u64 = 200;
/// So many series that their first completions last as long as the kill and the time after it: 120 take
/// 4.8 s of a stretch.
const SERIES: Rate = Rate::constant(60);
const SERIES_BEGIN_WITHIN: Duration = Duration::from_secs(2);
/// Instances that have to be settled in all, for each fault so many, of the 120 that could be: those whose
/// series was held up by the fault before are not there to be completed.
const SETTLED: u64 = 30;
/// Versions, for each fault of a consumer, that have to be written while the one before them still waits.
/// In 2 s each of the 50 tasks in turn has one change at the least.
const OVERLAPPING: u64 = 25;
/// A sidecar that was killed keeps its place in the consumer group until its session times out, 10 s by
/// default; then everything it left is delivered again.
const DRAIN_WITHIN: Duration = Duration::from_secs(90);

/// A role, and whom of it a fault kills.
type Kill = (Role, Victim);

/// The audit role itself is killed by `consumer-crash`, alone and with its sidecar.
const WITH_SIDECARS: [Kill; 6] = [
    (Role::Api, Victim::Sidecar),
    (Role::Api, Victim::App),
    (Role::Api, Victim::AppAndSidecar),
    (Role::Recurring, Victim::App),
    (Role::Recurring, Victim::Sidecar),
    (Role::Audit, Victim::Sidecar),
];
const WITHOUT_SIDECARS: [Kill; 3] = [
    (Role::Api, Victim::App),
    (Role::Recurring, Victim::App),
    (Role::Audit, Victim::App),
];

static META: Meta = Meta {
    id: "role-crash",
    title: "Every role and sidecar killed in turn",
    claim: "when any role or sidecar is killed under load, no acknowledged change is lost or takes effect \
            twice, requests under way are wholly done or not done, and each completed instance of a series \
            has exactly one next one",
    not_shown: &[
        "a crash of the broker, of the database, of Dapr's scheduler and placement, or of the machine",
        "the death of the audit role where it has a sidecar: consumer-crash shows that",
        "a role that hangs instead of dying",
        "several replicas of a role, among which order is harder to keep",
        "two roles that die at the same time: only an app and its own sidecar do",
        "a crash of the api while many instances wait to be settled for the first time: of those that it \
         refused few come again",
        "how many requests were under way at each crash: with none, none was left half-done",
        "clients that try again: what was refused while the api was away is not offered once more",
        "series that go by their schedule; all go on with a completion, daily and without end",
    ],
    requirements: &["E1", "E2", "E3", "S4", "H3"],
    needs: Needs::Light,
};

/// Without Dapr there are three faults instead of six.
const NO_SIDECARS: &[&str] =
    &["the death of sidecars: there are none here, and each role was killed alone"];

/// See the module's documentation.
#[derive(Debug)]
pub struct RoleCrash;

#[async_trait]
impl Scenario for RoleCrash {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn topology(&self, offered: StackKind) -> Topology {
        common::one_lane(offered)
    }

    fn not_shown_on(&self, topology: &Topology) -> &'static [&'static str] {
        common::without_sidecars(topology, NO_SIDECARS)
    }

    async fn drive(&self, run: &mut Run) -> Result<(), Abort> {
        for lane in run.lanes() {
            run.warm_up(&lane).await?;
            let series = Arrival::steady(SERIES, SERIES_BEGIN_WITHIN);
            run.begin_series(&lane, series).await?;
            for (block, &(role, victim)) in (0..).zip(kills(lane.mode())) {
                run.phase(&lane, format!("load {}", block + 1));
                let arrival = stretch(lane.mode());
                let purpose = Purpose::block(block);
                let offer = run.begin_settling(&lane, arrival, purpose).await?;
                let kill_after = run.random(KILL_AFTER);
                offer.offered_at_least(kill_after).await?;
                let down = run.kill(&lane, role, victim).await?;
                offer.offered_at_least(kill_after + MISSED).await?;
                run.heal(&lane, down).await?;
                run.finish(&lane, offer).await?;
            }
            run.quiesce(&lane, DRAIN_WITHIN).await?;
        }
        Ok(())
    }

    fn checks(&self, settings: &Settings) -> Vec<Box<dyn Check>> {
        let topology = self.topology(settings.offered);
        topology
            .lanes()
            .iter()
            .flat_map(|lane| {
                let faults = kills(lane.mode()).len() as u64;
                let mut checks = common::fault_checks(lane, faults);
                checks.extend(common::delivery_checks(lane, planned(lane.mode())));
                checks.push(common::series_check(lane, faults * SETTLED));
                checks
            })
            .collect()
    }

    fn figures(&self, ledger: &Ledger, _settings: &Settings) -> Vec<Figure> {
        common::recoveries(ledger)
    }
}

fn kills(mode: Mode) -> &'static [Kill] {
    match mode {
        Mode::Dapr => &WITH_SIDECARS,
        Mode::Direct => &WITHOUT_SIDECARS,
    }
}

fn stretch(mode: Mode) -> Arrival {
    let lasting = match mode {
        Mode::Dapr => STRETCH,
        Mode::Direct => STRETCH_WITHOUT_SIDECARS,
    };
    Arrival::steady(RATE, lasting)
}

/// What all stretches are to have. Where the api is killed no more than half a stretch may be refused; of
/// the others everything has to be taken.
fn planned(mode: Mode) -> Planned {
    let (kills, stretch) = (kills(mode), stretch(mode).count());
    let answered = kills.iter().map(|kill| match kill {
        (Role::Api, Victim::App | Victim::AppAndSidecar) => stretch / 2,
        _ => stretch,
    });
    let of_consumers = kills.iter().filter(|(role, _)| *role == Role::Audit);
    let overlapping = of_consumers.count() as u64 * OVERLAPPING;
    Planned::changes(answered.sum()).overlapping(overlapping)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_role_dies_in_each_mode_and_every_sidecar_where_there_are_some() {
        for mode in [Mode::Dapr, Mode::Direct] {
            for role in Role::ALL {
                let mut roles = kills(mode).iter().map(|(role, _)| *role);
                assert!(roles.any(|other| other == role), "{mode:?}: {role:?}");
            }
        }
        for role in Role::ALL {
            assert!(
                kills(Mode::Dapr).contains(&(role, Victim::Sidecar)),
                "{role:?}"
            );
        }
        let dies = |kill: &Kill| kill.1 != Victim::App;
        assert!(
            !kills(Mode::Direct).iter().any(dies),
            "there are no sidecars"
        );
    }

    #[test]
    fn the_load_goes_on_after_each_kill_and_ends_within_45_s() {
        for mode in [Mode::Dapr, Mode::Direct] {
            let stretch = stretch(mode);
            assert!(KILL_AFTER.end + MISSED < stretch.count(), "{mode:?}");
            let faults = u32::try_from(kills(mode).len()).expect("a few");
            let longest = stretch.lasting() * faults;
            assert!(longest <= Duration::from_secs(45), "{longest:?}");
        }
    }
}
