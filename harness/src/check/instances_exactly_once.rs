use std::collections::HashSet;

use gauntlet_reports::evidence::{Finding, Violation};
use gauntlet_reports::format;
use uuid::Uuid;

use super::evidence::{Collected, Evidence};
use super::series_faults::faults;
use super::{Bar, Bars, Check, Scope};
use crate::ledger::{
    EventKind, Instance, LaneRecord, LaneView, Ledger, Micros, SeriesLife, SeriesLives,
};

/// A series goes on: each instance that was settled has exactly one next one. In each series the numbers
/// begin at 1 and have no gap, no number stands for two tasks or for one that is not there, and none comes
/// before the one ahead of it was settled. What ends, or goes by its schedule, owes no instance for a
/// settlement, unless all series of the load are [endless](InstancesExactlyOnce::endless).
///
/// Settled is what was acknowledged as completed or deleted, or what an event tells was. Whether the
/// message that has the series go on was ever written does not matter: then it is what was lost. An
/// instance that is reopened and completed again is settled once.
///
/// The scope's minimum is the number of settled instances, in all. A scenario of several faults also says how
/// many it wants settled [from each fault to the next](InstancesExactlyOnce::after_each_fault): many before
/// the first one, or after the last, would say nothing of the others.
///
/// Does not show: whether the next instance is due when its rule says, and is a copy of the one before.
#[derive(Clone, Debug)]
pub struct InstancesExactlyOnce {
    scope: Scope,
    endings: Endings,
    /// Nothing where the scenario has no faults.
    after_each_fault: u64,
}

/// Whether a series of the load may end, or come to go by its schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Endings {
    Allowed,
    /// Nobody asked for it: the system that tells of one broke a chain.
    Violations,
}

impl InstancesExactlyOnce {
    pub fn new(scope: impl Into<Scope>) -> Self {
        Self {
            scope: scope.into(),
            endings: Endings::Allowed,
            after_each_fault: 0,
        }
    }

    /// With fewer instances settled for the first time from a fault's beginning to that of the next one, or
    /// to the end, the check is inconclusive.
    #[must_use]
    pub fn after_each_fault(self, settled: u64) -> Self {
        Self {
            after_each_fault: settled,
            ..self
        }
    }

    /// For a load whose series all go on with a completion and have no end, and which ends none. That a
    /// series is over is the system's own word, and no excuse here.
    #[must_use]
    pub fn endless(self) -> Self {
        Self {
            endings: Endings::Violations,
            ..self
        }
    }

    fn search(&self, view: LaneView<'_>) -> Evidence {
        let lives = view.series();
        let mut wrong = Collected::new("instances that are not there exactly once");
        let (mut series, mut instances) = (0, 0);
        for (id, life) in lives.iter() {
            series += 1;
            instances += life.instances.len() as u64;
            for what in faults(life).into_iter().chain(self.ended(life)) {
                wrong.add(|| Violation {
                    subject: format!("series {id}"),
                    what,
                    timeline: life.instances.iter().map(line).collect(),
                });
            }
        }
        let settled = settled_tasks(lives);
        Evidence::none_tolerated(wrong)
            .examined(settled.len() as u64)
            .doubts(strange_settlements(view.record(), &settled))
            .doubts(self.too_few_after_a_fault(view.record(), lives))
            .note(format!(
                "{} settled, of {} of {} series",
                format::count(settled.len() as u64),
                format::plural(instances, "instance"),
                format::count(series)
            ))
    }
}

impl InstancesExactlyOnce {
    fn ended(&self, life: &SeriesLife) -> Option<String> {
        match self.endings {
            Endings::Violations if life.is_over => Some("it ended, which nobody asked for"),
            Endings::Violations if life.is_on_schedule => {
                Some("it goes by its schedule, which nobody asked for")
            }
            Endings::Allowed | Endings::Violations => None,
        }
        .map(str::to_owned)
    }

    /// Says of which faults nothing much is shown.
    fn too_few_after_a_fault(&self, record: &LaneRecord, lives: &SeriesLives) -> Vec<String> {
        let instances = lives.iter().flat_map(|(_, life)| life.instances.values());
        let settled_at: Vec<Micros> = instances.filter_map(|it| it.settled_at).collect();
        let mut too_few = Vec::new();
        for (position, fault) in record.faults.iter().enumerate() {
            let next = record.faults.get(position + 1);
            let until = next.map_or(Micros(i64::MAX), |next| next.injected_at);
            let between = |at: &&Micros| (fault.injected_at..until).contains(*at);
            let settled = settled_at.iter().filter(between).count() as u64;
            if settled < self.after_each_fault {
                too_few.push(format!(
                    "only {} of {} instances were settled after the {} of {}",
                    format::count(settled),
                    format::count(self.after_each_fault),
                    fault.what.as_str(),
                    fault.target
                ));
            }
        }
        too_few
    }
}

/// Tasks that were settled as instances.
fn settled_tasks(lives: &SeriesLives) -> HashSet<Uuid> {
    let instances = lives.iter().flat_map(|(_, life)| life.instances.values());
    let settled = instances.filter(|instance| instance.is_settled);
    settled
        .flat_map(|instance| &instance.tasks)
        .copied()
        .collect()
}

/// Says so where a message tells of a settled instance, and nothing of which series it was one. Such a
/// settlement could not be judged.
fn strange_settlements(record: &LaneRecord, known: &HashSet<Uuid>) -> Option<String> {
    let settlements = record.events.iter();
    let settlements = settlements.filter(|event| event.kind == Some(EventKind::Settled));
    let strange: HashSet<Uuid> = settlements
        .map(|event| event.task_id)
        .filter(|task| !known.contains(task))
        .collect();
    (!strange.is_empty()).then(|| {
        let tasks = format::plural(strange.len() as u64, "task");
        format!("{tasks} settled of which nothing tells the instance")
    })
}

fn line((number, instance): (&u64, &Instance)) -> String {
    let tasks: Vec<String> = instance.tasks.iter().map(Uuid::to_string).collect();
    let at = |moment: Option<_>| match moment {
        Some(at) => format!("at {at}"),
        None => "at a time not told".to_owned(),
    };
    let settled = if instance.is_settled {
        format!(", settled {}", at(instance.settled_at))
    } else {
        String::new()
    };
    format!(
        "instance {number}: task {}, came {}{settled}",
        tasks.join(" and "),
        at(instance.came_at)
    )
}

impl Check for InstancesExactlyOnce {
    fn id(&self) -> &'static str {
        "instances-exactly-once"
    }

    fn requirement(&self) -> &'static str {
        "S4"
    }

    fn claim(&self) -> String {
        "each settled instance of a series is followed by exactly one next one".to_owned()
    }

    fn judge(&self, ledger: &Ledger) -> Finding {
        let bars = Bars::both(Bar::Stated("0 gaps, 0 numbers twice, 0 out of turn"));
        self.scope
            .judge(self, ledger, &bars, "", |view| self.search(view))
    }
}

#[cfg(test)]
mod tests {
    use gauntlet_reports::evidence::Verdict;
    use serde_json::json;

    use super::*;
    use crate::check::testing::{
        assert_both, assert_inconclusive_on_nothing, healthy, judge, lane,
    };
    use crate::ledger::series_sample::{self, instance_id, series_id};
    use crate::ledger::{
        FaultKind, FaultRecord, FaultSide, OperationKind, OperationOutcome, RawJson,
    };

    const CREATE: Option<EventKind> = Some(EventKind::Task(OperationKind::Create));

    fn check() -> InstancesExactlyOnce {
        InstancesExactlyOnce::new(lane())
    }

    /// Three series of four instances, of which the last is open.
    fn recurring() -> LaneRecord {
        series_sample::lane(lane().as_str(), 3, 3)
    }

    /// Takes an instance of the first series out of all stores.
    fn remove(record: &mut LaneRecord, number: u64) {
        let task = instance_id(0, number);
        record.events.retain(|event| event.task_id != task);
        record.effects.retain(|effect| effect.task_id != task);
        record
            .operations
            .retain(|operation| operation.task_id != Some(task));
        record.details.retain(|row| row.task_id != task);
    }

    #[track_caller]
    fn assert_fault(record: LaneRecord, what: &str) {
        let finding = judge(&check(), record);
        assert_both(&finding, Verdict::Fail);
        assert_eq!(finding.violations.total, 1, "{finding:#?}");
        let shown = &finding.violations.shown[0];
        assert_eq!(shown.subject, format!("series {}", series_id(0)));
        assert_eq!(shown.what, what);
        assert!(!shown.timeline.is_empty());
    }

    #[test]
    fn passes_when_each_settled_instance_has_its_next_one() {
        let finding = judge(&check(), recurring());
        assert_both(&finding, Verdict::Pass);
        assert_eq!(finding.examined, 9);
        let note = finding.note.unwrap();
        assert_eq!(note, "9 settled, of 12 instances of 3 series");
    }

    /// As the settlement of this number among all of [`recurring`] comes about.
    fn fault_at(record: &LaneRecord, settlement: usize) -> FaultRecord {
        let settled = Some(EventKind::Settled);
        let mut settlements = record.events.iter().filter(|event| event.kind == settled);
        FaultRecord {
            what: FaultKind::Kill,
            target: format!("fault {settlement}"),
            side: FaultSide::Producer,
            injected_at: settlements.nth(settlement).unwrap().inserted_at,
            healed_at: None,
            failed_attempts: 0,
        }
    }

    #[test]
    fn each_fault_needs_settlements_of_its_own() {
        let mut record = recurring();
        // Of nine settlements two come before the first fault, six after it, and one after the second.
        record.faults = [2, 8].map(|at| fault_at(&record, at)).to_vec();
        let judged = |settled| judge(&check().after_each_fault(settled), record.clone());
        assert_both(&judged(1), Verdict::Pass);
        let finding = judged(2);
        assert_both(&finding, Verdict::Inconclusive);
        let note = finding.note.unwrap();
        let doubt = "only 1 of 2 instances were settled after the kill of fault 8";
        assert!(note.starts_with(doubt), "{note}");
        assert!(!note.contains("fault 2"), "{note}");
        assert!(judged(7).note.unwrap().contains("only 6 of 7"));
    }

    #[test]
    fn planted_loss_of_the_next_instance_is_found() {
        let mut record = recurring();
        remove(&mut record, 4);
        assert_fault(record, "instance 3 was settled, and none came after it");
    }

    #[test]
    fn planted_loss_is_found_where_the_message_that_asks_for_it_was_never_written() {
        let mut record = recurring();
        remove(&mut record, 4);
        let is_message = |event: &crate::ledger::OutboxRow| {
            event.kind == Some(EventKind::Settled) && event.task_id == instance_id(0, 3)
        };
        record.events.retain(|event| !is_message(event));
        assert_fault(record, "instance 3 was settled, and none came after it");
    }

    #[test]
    fn planted_gap_is_found() {
        let mut record = recurring();
        remove(&mut record, 3);
        assert_fault(record, "instance 3 is missing, though 4 is there");
        let mut record = recurring();
        remove(&mut record, 2);
        remove(&mut record, 3);
        assert_fault(record, "instances 2 to 3 are missing, though 4 is there");
        let mut record = recurring();
        remove(&mut record, 1);
        assert_fault(record, "instance 1 is missing, though 2 is there");
    }

    #[test]
    fn planted_second_task_of_one_number_is_found() {
        let mut record = recurring();
        let last = instance_id(0, 4);
        let mut row = record
            .details
            .iter()
            .find(|row| row.task_id == last)
            .cloned()
            .unwrap();
        row.task_id = instance_id(7, 7);
        record.details.push(row);
        assert_fault(record, "instance 4 is 2 tasks");
    }

    #[test]
    fn planted_second_creation_of_one_task_is_found() {
        let mut record = recurring();
        let last = instance_id(0, 4);
        let is_creation =
            |event: &&crate::ledger::OutboxRow| event.task_id == last && event.kind == CREATE;
        let mut event = record.events.iter().find(is_creation).cloned().unwrap();
        let of_event = |effect: &&crate::ledger::Effect| effect.event_id == event.event_id;
        let mut effect = record.effects.iter().find(of_event).cloned().unwrap();
        event.event_id = Uuid::from_u128(0xdd);
        effect.event_id = event.event_id;
        record.events.push(event);
        record.effects.push(effect);
        assert_fault(record, "instance 4 was created 2 times");
    }

    #[test]
    fn planted_instance_before_its_turn_is_found() {
        let mut record = recurring();
        let third = instance_id(0, 3);
        record
            .operations
            .retain(|operation| operation.task_id != Some(third));
        let completed = Some(EventKind::Task(OperationKind::Complete));
        record
            .events
            .retain(|event| event.task_id != third || event.kind != completed);
        let settled = Some(EventKind::Settled);
        record
            .events
            .retain(|event| event.task_id != third || event.kind != settled);
        assert_fault(
            record,
            "instance 4 came before the one ahead of it was settled",
        );
    }

    #[test]
    fn planted_instance_that_came_before_the_settlement_of_the_one_ahead_is_found() {
        let mut record = recurring();
        let settled = record.events.iter();
        let settled = settled
            .filter(|event| event.task_id == instance_id(0, 3) && event.kind != CREATE)
            .map(|event| event.inserted_at)
            .min()
            .unwrap();
        let fourth = instance_id(0, 4);
        let creation = record.events.iter_mut();
        for event in creation.filter(|event| event.task_id == fourth && event.kind == CREATE) {
            event.inserted_at = crate::ledger::Micros(settled.0 - 1);
        }
        assert_fault(
            record,
            "instance 4 came before the one ahead of it was settled",
        );
    }

    #[test]
    fn planted_instance_without_a_row_is_found_unless_it_was_deleted() {
        let mut record = recurring();
        let last = instance_id(0, 4);
        record.details.retain(|row| row.task_id != last);
        assert_fault(
            record,
            "instance 4 is not there, and nothing tells of its deletion",
        );
    }

    /// The last state of the first series, with its last instance gone.
    fn cut_off(mode: &str, ended_at: &serde_json::Value) -> LaneRecord {
        let mut record = recurring();
        remove(&mut record, 4);
        let last = record.effects.iter_mut().rev();
        let last = last.filter(|effect| effect.task_id == series_id(0)).take(1);
        for effect in last {
            let state =
                json!({"recurrence": {"mode": mode}, "next_occurrence": 4, "ended_at": ended_at});
            effect.envelope = RawJson::of(&json!({"data": {"old": null, "new": state}}));
        }
        record
    }

    #[test]
    fn a_series_that_is_over_or_goes_by_its_schedule_owes_no_instance_unless_all_are_endless() {
        let over = cut_off("on_completion", &json!("2026-01-31T16:00:00Z"));
        assert_both(&judge(&check(), over), Verdict::Pass);
        let scheduled = cut_off("on_schedule", &serde_json::Value::Null);
        assert_both(&judge(&check(), scheduled), Verdict::Pass);
        let ended = "it ended, which nobody asked for";
        for (mode, ended_at, what) in [
            ("on_completion", json!("2026-01-31T16:00:00Z"), ended),
            (
                "on_schedule",
                serde_json::Value::Null,
                "it goes by its schedule, which nobody asked for",
            ),
        ] {
            let finding = judge(&check().endless(), cut_off(mode, &ended_at));
            assert_both(&finding, Verdict::Fail);
            assert_eq!(finding.violations.shown[0].what, what);
        }
        let open = cut_off("on_completion", &serde_json::Value::Null);
        assert_fault(open, "instance 3 was settled, and none came after it");
    }

    #[test]
    fn a_completion_that_was_refused_settles_nothing() {
        let mut record = recurring();
        let mut refused = record.operations.last().cloned().unwrap();
        refused.task_id = Some(instance_id(0, 4));
        let reason = "not sent: Connection refused".to_owned();
        refused.outcome = OperationOutcome::Failed { reason };
        record.operations.push(refused);
        assert_both(&judge(&check(), record), Verdict::Pass);
    }

    #[test]
    fn planted_settlement_of_which_nothing_tells_the_instance_is_inconclusive() {
        let mut record = recurring();
        let settled = Some(EventKind::Settled);
        let event = record
            .events
            .iter_mut()
            .find(|event| event.kind == settled)
            .unwrap();
        event.task_id = Uuid::from_u128(0xdd);
        assert_both(&judge(&check(), record), Verdict::Inconclusive);
    }

    #[test]
    fn too_few_settlements_are_inconclusive() {
        let planned = InstancesExactlyOnce::new(Scope::lane(lane()).at_least(10));
        assert_both(&judge(&planned, recurring()), Verdict::Inconclusive);
        assert_both(&judge(&check(), healthy(10)), Verdict::Inconclusive);
        assert_inconclusive_on_nothing(&check());
    }
}
