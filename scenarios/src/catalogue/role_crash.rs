//! Claim: whichever role or sidecar is killed, everything that was acknowledged takes effect exactly once.
//!
//! Under a steady load each is killed with SIGKILL in turn, at a moment that the seed chooses, and started
//! again on the same ports while the load goes on: the api's sidecar, the api with the outbox relay in it,
//! both together, the role that carries series on, its sidecar, and the sidecar of the audit role. Without
//! Dapr it is each role in turn. On Redis, where deliveries after such a death come in any order, it is the
//! audit role's sidecar alone. While the api is away its clients are refused connections, which is no
//! loss; what it was at when it died has no answer, and has to be wholly done or wholly not done. It dies
//! in the middle of a rush of creations, so that it is at many.
//!
//! Every fourth operation completes, reopens or completes again an instance of a series. What comes after
//! it crosses every part: the api's outbox, the broker, the recurring role, and a call back to the api.
//! Does not show: a crash of what all of them rest on; several replicas; two roles that die together.

use std::time::Duration;

use async_trait::async_trait;
use gauntlet_contract::config::{Broker, Role};
use gauntlet_harness::check::Check;
use gauntlet_harness::ledger::Ledger;
use gauntlet_harness::stack::{Lane, Mode, StackKind, Topology};
use gauntlet_loadgen::arrival::{Arrival, Burst, Rate};
use gauntlet_reports::evidence::Figure;

use super::common::{self, Planned};
use crate::run::{Offer, Purpose, Run, Settings, Victim, Work};
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
/// 7.2 s, since of six settlements four are the first of their instance.
const SERIES: Rate = Rate::constant(60);
const SERIES_BEGIN_WITHIN: Duration = Duration::from_secs(2);
/// Instances that have to be settled from each fault to the next. After a kill of the api there are those of
/// the next stretch up to its own kill, 33 at the least; after any other some 60 more.
const SETTLED: u64 = 25;
/// Creations under way when the api dies. It serves them within some 100 ms, and is killed as soon as the
/// first answers are seen.
const RUSH: u32 = 100;
/// They are not to be timed, but to be there at once.
const RUSH_LEAVES_WITHIN: Duration = Duration::from_millis(100);
/// Operations that have to go without an answer, for each kill of the api.
const UNANSWERED: u64 = 5;
/// Versions, for each fault of a consumer, that have to be written while the one before them still waits.
/// In 2 s each of the 50 tasks in turn has one change at the least.
const OVERLAPPING: u64 = 25;
/// A sidecar that was killed keeps its place in the consumer group until its session times out, 10 s by
/// default; then everything it left is delivered again.
const DRAIN_WITHIN: Duration = Duration::from_secs(90);

/// A role, and whom of it a fault kills.
type Kill = (Role, Victim);

/// The audit role itself is killed by `consumer-crash`, alone and with its sidecar. The series that the death of
/// recurring's sidecar holds up are not there to be settled in the stretch after it, and so it comes last.
const WITH_SIDECARS: [Kill; 6] = [
    (Role::Api, Victim::Sidecar),
    (Role::Api, Victim::App),
    (Role::Api, Victim::AppAndSidecar),
    (Role::Recurring, Victim::App),
    (Role::Audit, Victim::Sidecar),
    (Role::Recurring, Victim::Sidecar),
];
/// What a sidecar held when it died is delivered after what came later (decision 0018).
const ON_REDIS: [Kill; 1] = [(Role::Audit, Victim::Sidecar)];
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
        "several replicas of a role, among which order is harder to keep: replicas shows the api's",
        "two roles that die at the same time: only an app and its own sidecar do",
        "on Redis with sidecars, any death but that of the audit role's sidecar",
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
        common::both_brokers(offered)
    }

    fn not_shown_on(&self, topology: &Topology) -> &'static [&'static str] {
        common::without_sidecars(topology, NO_SIDECARS)
    }

    async fn drive(&self, run: &mut Run) -> Result<(), Abort> {
        let lanes = run.lanes();
        for lane in &lanes {
            run.warm_up(lane).await?;
            if has_series(lane) {
                let series = Arrival::steady(SERIES, SERIES_BEGIN_WITHIN);
                run.begin_series(lane, series).await?;
            }
            for (block, &(role, victim)) in (0..).zip(kills(lane)) {
                run.phase(lane, format!("load {}", block + 1));
                let (arrival, purpose) = (stretch(lane), Purpose::block(block));
                let offer = run.begin_settling(lane, arrival, purpose).await?;
                let kill_after = run.random(KILL_AFTER);
                offer.offered_at_least(kill_after).await?;
                let rush = if is_of_api((role, victim)) {
                    Some(begin_rush(run, lane, purpose).await?)
                } else {
                    None
                };
                let down = run.kill(lane, role, victim).await?;
                offer.offered_at_least(kill_after + MISSED).await?;
                run.heal(lane, down).await?;
                for offer in [Some(offer), rush].into_iter().flatten() {
                    run.finish(lane, offer).await?;
                }
            }
        }
        // What one lane still has to do after its last fault it does while the next one is struck.
        for lane in &lanes {
            run.quiesce(lane, DRAIN_WITHIN).await?;
        }
        Ok(())
    }

    fn checks(&self, settings: &Settings) -> Vec<Box<dyn Check>> {
        let topology = self.topology(settings.offered);
        common::of_each_lane(&topology, |lane| {
            let faults = kills(lane).len() as u64;
            let mut checks = common::fault_checks(lane, faults);
            checks.extend(common::delivery_checks(lane, planned(lane)));
            if has_series(lane) {
                checks.push(common::series_fault_check(lane, faults, SETTLED));
            }
            checks
        })
    }

    fn figures(&self, ledger: &Ledger, _settings: &Settings) -> Vec<Figure> {
        common::recoveries(ledger)
    }
}

fn kills(lane: &Lane) -> &'static [Kill] {
    match (lane.mode(), lane.broker()) {
        (Mode::Dapr, Broker::Kafka) => &WITH_SIDECARS,
        (Mode::Dapr, Broker::Redis) => &ON_REDIS,
        (Mode::Direct, _) => &WITHOUT_SIDECARS,
    }
}

/// Whether requests die with it.
fn is_of_api(kill: Kill) -> bool {
    matches!(kill, (Role::Api, Victim::App | Victim::AppAndSidecar))
}

/// Where nobody is killed whose death series would feel, there are none.
fn has_series(lane: &Lane) -> bool {
    kills(lane).iter().any(|(role, _)| *role == Role::Recurring)
}

fn stretch(lane: &Lane) -> Arrival {
    let lasting = match lane.mode() {
        Mode::Dapr => STRETCH,
        Mode::Direct => STRETCH_WITHOUT_SIDECARS,
    };
    Arrival::steady(RATE, lasting)
}

/// Begins creations all at once, and waits for the first answers: most are under way then.
async fn begin_rush(run: &mut Run, lane: &Lane, purpose: Purpose) -> Result<Offer, Abort> {
    let rush = Arrival::Burst(Burst::once(RUSH).leaving(RUSH_LEAVES_WITHIN));
    let offer = run.begin(lane, rush, Work::Creations, purpose)?;
    offer.acknowledged_at_least(1).await?;
    Ok(offer)
}

/// What all stretches are to have. Where the api is killed no more than half a stretch may be refused; of
/// the others everything has to be taken.
fn planned(lane: &Lane) -> Planned {
    let (kills, stretch) = (kills(lane), stretch(lane).count());
    let answered = kills.iter().map(|&kill| {
        if is_of_api(kill) {
            stretch / 2
        } else {
            stretch
        }
    });
    let of_consumers = kills.iter().filter(|(role, _)| *role == Role::Audit);
    let of_api = kills.iter().filter(|kill| is_of_api(**kill));
    Planned::changes(answered.sum())
        .overlapping(of_consumers.count() as u64 * OVERLAPPING)
        .unanswered(of_api.count() as u64 * UNANSWERED)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lanes() -> Vec<Lane> {
        let offered = [StackKind::Full, StackKind::Light];
        let topologies = offered.map(|offered| RoleCrash.topology(offered));
        let lanes = topologies.iter().flat_map(Topology::lanes);
        lanes.cloned().collect()
    }

    #[test]
    fn every_role_dies_in_each_mode_and_every_sidecar_where_there_are_some() {
        for lane in [Lane::dapr(Broker::Kafka), Lane::direct(Broker::Redis)] {
            assert!(lanes().contains(&lane), "{}", lane.name());
            for role in Role::ALL {
                let mut roles = kills(&lane).iter().map(|(role, _)| *role);
                assert!(
                    roles.any(|other| other == role),
                    "{}: {role:?}",
                    lane.name()
                );
            }
        }
        let with_sidecars = kills(&Lane::dapr(Broker::Kafka));
        for role in Role::ALL {
            assert!(with_sidecars.contains(&(role, Victim::Sidecar)), "{role:?}");
        }
        let without = kills(&Lane::direct(Broker::Redis));
        assert!(without.iter().all(|kill| kill.1 == Victim::App));
    }

    #[test]
    fn the_load_goes_on_after_each_kill_and_ends_within_50_s() {
        for offered in [StackKind::Full, StackKind::Light] {
            let topology = RoleCrash.topology(offered);
            let lasting = topology.lanes().iter().map(|lane| {
                assert!(KILL_AFTER.end + MISSED < stretch(lane).count());
                let faults = u32::try_from(kills(lane).len()).expect("a few");
                stretch(lane).lasting() * faults
            });
            let longest: Duration = lasting.sum();
            assert!(longest <= Duration::from_secs(50), "{longest:?}");
        }
    }
}
