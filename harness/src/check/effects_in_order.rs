use std::collections::HashSet;

use gauntlet_reports::evidence::{Finding, Violation};
use uuid::Uuid;

use super::evidence::{Collected, Evidence};
use super::{Bar, Bars, Check, Scope};
use crate::ledger::{Effect, Fate, Groups, LaneView, Ledger};

/// Per task and consumer, effects ascend by version from 1 without a gap. Repeats do not count
/// here, they are judged by `no-effect-twice`; versions that were dead-lettered or dropped on
/// purpose may be missing.
///
/// Order is judged on effects and not on deliveries: a broker may deliver out of order as long as
/// the consumer sorts it out. Between two tasks nothing is promised, and nothing is checked.
#[derive(Clone, Debug)]
pub struct EffectsInOrder {
    scope: Scope,
}

impl EffectsInOrder {
    pub fn new(scope: impl Into<Scope>) -> Self {
        Self {
            scope: scope.into(),
        }
    }

    fn search(view: LaneView<'_>) -> Evidence {
        let (record, accounting) = (view.record(), view.accounting());
        let rows = record.effects.iter().zip(&accounting.is_repeat);
        let firsts: Vec<&Effect> = rows
            .filter(|&(_, is_repeat)| !is_repeat)
            .map(|(effect, _)| effect)
            .collect();
        let excused: HashSet<(Uuid, u64)> = record
            .events
            .iter()
            .zip(&accounting.fate_of_event)
            .filter(|(_, fate)| matches!(fate, Fate::DeadLettered | Fate::Dropped))
            .map(|(event, _)| (event.task_id, event.version))
            .collect();
        let mut found = Collected::new("effects out of order");
        let groups = Groups::by_key(
            firsts
                .iter()
                .map(|effect| (effect.consumer.as_str(), effect.task_id)),
        );
        // One buffer for all tasks: most have a handful of effects.
        let mut of_task = Vec::new();
        for members in groups.iter() {
            of_task.clear();
            of_task.extend(members.iter().map(|&member| firsts[member]));
            of_task.sort_by_key(|effect| effect.seq);
            for fault in faults(&of_task, &excused) {
                found.add(|| Violation {
                    subject: format!("task {}", of_task[0].task_id),
                    what: fault.to_string(),
                    timeline: of_task.iter().map(|effect| line(effect)).collect(),
                });
            }
        }
        let tasks = groups.iter().count();
        let examined = firsts.len() as u64;
        Evidence::none_tolerated(found)
            .examined(examined)
            .expected(examined)
            .note(format!("{tasks} tasks"))
    }
}

#[derive(Debug, PartialEq, thiserror::Error)]
enum Fault {
    #[error("effect {seq} has version {version} after version {after}")]
    Backwards { seq: i64, version: u64, after: u64 },
    #[error("no effect of version {version}, though {next} has one")]
    Gap { version: u64, next: u64 },
}

/// What is wrong with one task's effects, which ascend by their place in the consumer's table.
fn faults(effects: &[&Effect], excused: &HashSet<(Uuid, u64)>) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut highest = 0;
    for effect in effects {
        if effect.version <= highest {
            let (seq, version) = (effect.seq, effect.version);
            faults.push(Fault::Backwards {
                seq,
                version,
                after: highest,
            });
        }
        highest = highest.max(effect.version);
    }
    // Sorted, so that a swap of two versions is a fault once and not a gap as well.
    let mut versions: Vec<u64> = effects.iter().map(|effect| effect.version).collect();
    versions.sort_unstable();
    let mut before = 0;
    for next in versions {
        // One line a gap, however wide: a wild version number must not make a billion of them.
        let missing = (before + 1..next)
            .take(excused.len() + 1)
            .find(|&version| !excused.contains(&(effects[0].task_id, version)));
        faults.extend(missing.map(|version| Fault::Gap { version, next }));
        before = next;
    }
    faults
}

fn line(effect: &Effect) -> String {
    let Effect {
        seq,
        version,
        action,
        event_id,
        ..
    } = effect;
    format!("effect {seq}: version {version}, {action}, event {event_id}")
}

impl Check for EffectsInOrder {
    fn id(&self) -> &'static str {
        "effects-in-order"
    }

    fn requirement(&self) -> &'static str {
        "E1"
    }

    fn claim(&self) -> String {
        "effects of a task come in the order of its versions, without a gap".to_owned()
    }

    fn judge(&self, ledger: &Ledger) -> Finding {
        let bars = Bars::both(Bar::Stated("0 effects out of order"));
        self.scope.judge(self, ledger, &bars, "", Self::search)
    }
}

#[cfg(test)]
mod tests {
    use gauntlet_reports::evidence::Verdict;

    use super::*;
    use crate::check::testing::{
        assert_both, assert_inconclusive_on_nothing, healthy, judge, lane,
    };
    use crate::ledger::{DeadLetter, LaneRecord, sample};

    /// One task whose effects come in this order of versions.
    fn versions(order: &[u64]) -> LaneRecord {
        let mut record = healthy(order.len());
        for (position, &version) in order.iter().enumerate() {
            record.effects[position].task_id = sample::task_id(0);
            record.effects[position].version = version;
            record.events[position].task_id = sample::task_id(0);
            record.events[position].version = version;
        }
        record
    }

    fn found(record: LaneRecord) -> u64 {
        judge(&EffectsInOrder::new(lane()), record).violations.total
    }

    #[test]
    fn passes_on_ascending_versions() {
        let finding = judge(&EffectsInOrder::new(lane()), versions(&[1, 2, 3, 4]));
        assert_both(&finding, Verdict::Pass);
    }

    #[test]
    fn planted_disorder_is_found() {
        assert_eq!(found(versions(&[1, 3, 2, 4])), 1);
        assert_eq!(found(versions(&[3, 2, 1])), 2);
        assert_both(
            &judge(&EffectsInOrder::new(lane()), versions(&[2, 1])),
            Verdict::Fail,
        );
    }

    #[test]
    fn planted_gaps_are_found_at_the_start_and_in_the_middle() {
        assert_eq!(found(versions(&[2, 3])), 1);
        assert_eq!(found(versions(&[1, 2, 5, 9])), 2);
        assert_eq!(found(versions(&[1, u64::MAX])), 1);
    }

    #[test]
    fn a_dead_lettered_version_may_be_missing() {
        let mut record = versions(&[1, 2, 3]);
        let event_id = record.effects.remove(1).event_id;
        assert_eq!(found(record.clone()), 1);
        record.dead_letters.push(DeadLetter {
            topic: "task-events-dlq".to_owned(),
            event_id: Some(event_id),
            raw: String::new(),
        });
        assert_eq!(found(record), 0);
    }

    #[test]
    fn the_place_in_the_table_decides_not_the_order_of_reading() {
        let mut record = versions(&[1, 2, 3]);
        record.effects.reverse();
        assert_eq!(found(record), 0);
    }

    #[test]
    fn too_few_effects_are_inconclusive() {
        let check = EffectsInOrder::new(Scope::lane(lane()).at_least(11));
        assert_both(&judge(&check, healthy(10)), Verdict::Inconclusive);
        assert_inconclusive_on_nothing(&check);
    }
}
