use gauntlet_contract::config::Role;
use gauntlet_harness::error::StackError;
use gauntlet_harness::fault::{Fault, FaultGuard};
use gauntlet_harness::ledger::{FaultKind, FaultRecord, FaultSide, Micros, RestartRecord};
use gauntlet_harness::provider::ServiceId;
use gauntlet_harness::stack::{Lane, Member, Mode, RunningLane};
use gauntlet_reports::evidence::TimelineKind;

use super::context::Run;
use crate::scenario::Abort;

/// Whom of a role a fault kills.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Victim {
    App,
    /// Only where there is one.
    Sidecar,
    /// Where there is no sidecar, the app alone.
    AppAndSidecar,
}

/// A fault in force, and what was written of it.
#[derive(Debug)]
#[must_use = "a fault is in force until it is healed"]
pub struct Outage {
    guard: FaultGuard,
    record: FaultRecord,
}

impl Run {
    /// Kills the consumer with SIGKILL, and waits until it is gone.
    pub async fn kill_consumer(&mut self, lane: &Lane, victim: Victim) -> Result<Outage, Abort> {
        self.kill(lane, Role::Audit, victim).await
    }

    /// Kills processes of a role, or of one of its replicas, with SIGKILL, and waits until they are gone.
    pub async fn kill(
        &mut self,
        lane: &Lane,
        member: impl Into<Member>,
        victim: Victim,
    ) -> Result<Outage, Abort> {
        let member = member.into();
        let targets = self.targets(lane, member, victim)?;
        self.strike(lane, member, Fault::Kill(targets)).await
    }

    /// Stops a process with SIGSTOP: its connections stay open, and it does nothing.
    pub async fn pause(&mut self, lane: &Lane, member: impl Into<Member>) -> Result<Outage, Abort> {
        let member = member.into();
        let targets = self.targets(lane, member, Victim::App)?;
        self.strike(lane, member, Fault::Pause(targets)).await
    }

    fn targets(
        &self,
        lane: &Lane,
        member: Member,
        victim: Victim,
    ) -> Result<Vec<ServiceId>, Abort> {
        let running = self.stack.lane(lane.name());
        let targets = running.and_then(|running| targets(running, member, victim));
        targets.map_err(Abort::during("find whom to strike"))
    }

    async fn strike(&mut self, lane: &Lane, member: Member, fault: Fault) -> Result<Outage, Abort> {
        let names: Vec<&str> = fault.targets().iter().map(ServiceId::as_str).collect();
        let target = names.join(" and ");
        let (what, deed) = match &fault {
            Fault::Kill(_) => (FaultKind::Kill, "SIGKILL"),
            Fault::Pause(_) => (FaultKind::Pause, "SIGSTOP"),
            Fault::Restart(_) => (FaultKind::Restart, "restart"),
        };
        let guard = self.stack.inject(fault).await;
        let guard = guard.map_err(Abort::during("strike"))?;
        let said = format!("{deed} of {target}");
        self.timeline.mark(TimelineKind::Fault, lane.name(), said);
        let record = FaultRecord {
            what,
            target,
            side: side_of(member.role),
            injected_at: Micros(guard.struck_at_micros()),
            healed_at: None,
            failed_attempts: 0,
        };
        Ok(Outage { guard, record })
    }

    /// Starts again what was killed, or has what was stopped go on, and waits until it is ready.
    pub async fn heal(&mut self, lane: &Lane, outage: Outage) -> Result<(), Abort> {
        let Outage { guard, mut record } = outage;
        let healed = guard
            .heal()
            .await
            .map_err(Abort::during("heal the fault"))?;
        record.healed_at = Some(Micros(healed.ready_at_micros));
        let what = format!("{} ready again", record.target);
        self.timeline.mark(TimelineKind::Heal, lane.name(), what);
        let lane = self.lane_mut(lane)?;
        if record.what != FaultKind::Pause {
            lane.record.restarts.push(RestartRecord {
                process: record.target.clone(),
                at: Micros(healed.healed_at_micros),
                ready_at: Some(Micros(healed.ready_at_micros)),
            });
        }
        lane.record.faults.push(record);
        Ok(())
    }
}

fn targets(
    running: &RunningLane,
    member: Member,
    victim: Victim,
) -> Result<Vec<ServiceId>, StackError> {
    let app = || Ok(running.app(member)?.id().clone());
    let sidecar = || Ok(running.sidecar(member)?.id().clone());
    match (victim, running.lane().mode()) {
        (Victim::App, _) | (Victim::AppAndSidecar, Mode::Direct) => Ok(vec![app()?]),
        (Victim::Sidecar, _) => Ok(vec![sidecar()?]),
        (Victim::AppAndSidecar, Mode::Dapr) => Ok(vec![app()?, sidecar()?]),
    }
}

/// Where the death of a role, or of its sidecar, can be felt.
fn side_of(role: Role) -> FaultSide {
    match role {
        Role::Api => FaultSide::Producer,
        Role::Recurring => FaultSide::Recurrence,
        Role::Audit => FaultSide::Consumer,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A wrong side would have a fault be looked for where it cannot be felt.
    #[test]
    fn each_role_is_felt_on_a_side_of_its_own() {
        let sides = Role::ALL.map(side_of);
        for (place, side) in sides.iter().enumerate() {
            assert!(!sides[..place].contains(side), "{side:?}");
        }
        assert_eq!(side_of(Role::Audit), FaultSide::Consumer);
    }
}
