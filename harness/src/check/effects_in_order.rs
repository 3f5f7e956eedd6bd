use std::collections::{HashMap, HashSet};

use gauntlet_reports::evidence::{Finding, Violation};
use gauntlet_reports::format;
use uuid::Uuid;

use super::evidence::{Collected, Evidence};
use super::{Bar, Bars, Check, Scope};
use crate::ledger::{Effect, Fate, Groups, LaneView, Ledger, OutboxRow};

/// Per task and consumer, effects ascend by version from 1 without a gap, or from the version after the one at
/// which a task was seeded. Repeats do not count
/// here, they are judged by `no-effect-twice`; versions that were dead-lettered or dropped on
/// purpose may be missing.
///
/// Order is judged on effects and not on deliveries: a broker may deliver out of order as long as
/// the consumer sorts it out. Between two tasks nothing is promised, and nothing is checked.
///
/// A task with one effect has no order to break, and versions that are written one at a time have
/// little chance to. How much order there was to keep stands in the note; a scenario that set out to
/// put order to the test says how much it needs, and with less the check is inconclusive.
#[derive(Clone, Debug)]
pub struct EffectsInOrder {
    scope: Scope,
    /// Nothing where the scenario's load is not about order.
    wanted: OrderTested,
}

/// How much order there was to keep.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OrderTested {
    /// Effects of version 2 or later.
    pub successors: u64,
    /// Successors that were written while the version before them had not taken effect yet: two
    /// versions of one task were on their way at the same time.
    pub overlapping: u64,
}

impl EffectsInOrder {
    pub fn new(scope: impl Into<Scope>) -> Self {
        Self {
            scope: scope.into(),
            wanted: OrderTested::default(),
        }
    }

    /// With less order to keep than this, the check is inconclusive.
    #[must_use]
    pub fn tested_by(mut self, wanted: OrderTested) -> Self {
        self.wanted = wanted;
        self
    }

    fn search(view: LaneView<'_>, wanted: OrderTested) -> Evidence {
        let (record, accounting) = (view.record(), view.accounting());
        let rows = record.effects.iter().zip(&accounting.event_of_effect);
        let firsts: Vec<First<'_>> = rows
            .zip(&accounting.is_repeat)
            .filter(|&(_, is_repeat)| !is_repeat)
            .map(|((effect, event), _)| First {
                effect,
                event: event.map(|event| &record.events[event]),
            })
            .collect();
        let excused: HashSet<(Uuid, u64)> = record
            .events
            .iter()
            .zip(&accounting.fate_of_event)
            .filter(|(_, fate)| matches!(fate, Fate::DeadLettered | Fate::Dropped))
            .map(|(event, _)| (event.task_id, event.version))
            .collect();
        let seeded: HashMap<Uuid, u64> = record
            .seeded
            .iter()
            .map(|seeded| (seeded.row.task_id, seeded.row.version))
            .collect();
        let mut found = Collected::new("effects out of order");
        let groups = Groups::by_key(
            firsts
                .iter()
                .map(|First { effect, .. }| (effect.consumer.as_str(), effect.task_id)),
        );
        // One buffer for all tasks: most have a handful of effects.
        let (mut of_task, mut tested) = (Vec::new(), OrderTested::default());
        for members in groups.iter() {
            of_task.clear();
            of_task.extend(members.iter().map(|&member| firsts[member]));
            of_task.sort_by_key(|first| first.effect.version);
            tested.count(&of_task);
            of_task.sort_by_key(|first| first.effect.seq);
            let before = seeded.get(&of_task[0].effect.task_id);
            for fault in faults(&of_task, &excused, before.copied().unwrap_or(0)) {
                found.add(|| Violation {
                    subject: format!("task {}", of_task[0].effect.task_id),
                    what: fault.to_string(),
                    timeline: of_task.iter().map(|first| line(first.effect)).collect(),
                });
            }
        }
        let tasks = groups.iter().count() as u64;
        let examined = firsts.len() as u64;
        Evidence::none_tolerated(found)
            .examined(examined)
            .expected(examined)
            .doubts(tested.shortfall(wanted))
            .note(format!(
                "{} of {} effects, of {} tasks, are of version 2 or later; {} of them were written \
                 before the version before them had taken effect",
                format::count(tested.successors),
                format::count(examined),
                format::count(tasks),
                format::count(tested.overlapping),
            ))
    }
}

/// An effect that repeats none before it, with its event where one is known.
#[derive(Clone, Copy)]
struct First<'a> {
    effect: &'a Effect,
    event: Option<&'a OutboxRow>,
}

impl OrderTested {
    /// Adds one task's effects, which ascend by version.
    fn count(&mut self, effects: &[First<'_>]) {
        let successors = effects.iter().filter(|first| first.effect.version > 1);
        self.successors += successors.count() as u64;
        let overlapping = effects.windows(2).filter(|pair| {
            let written_at = pair[1].event.map(|event| event.inserted_at);
            written_at.is_some_and(|written_at| written_at < pair[0].effect.at())
        });
        self.overlapping += overlapping.count() as u64;
    }

    /// Says what there was too little of.
    fn shortfall(self, wanted: Self) -> Option<String> {
        let missing = |what: &str, found, wanted| {
            let (found, wanted) = (format::count(found), format::count(wanted));
            format!("only {found} of the {wanted} {what} that a verdict on order needs")
        };
        if self.successors < wanted.successors {
            let what = "effects of version 2 or later";
            Some(missing(what, self.successors, wanted.successors))
        } else if self.overlapping < wanted.overlapping {
            let what = "versions written while the one before was on its way";
            Some(missing(what, self.overlapping, wanted.overlapping))
        } else {
            None
        }
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
fn faults(effects: &[First<'_>], excused: &HashSet<(Uuid, u64)>, begins_after: u64) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut highest = begins_after;
    for First { effect, .. } in effects {
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
    let mut versions: Vec<u64> = effects.iter().map(|first| first.effect.version).collect();
    versions.sort_unstable();
    let mut before = begins_after;
    for next in versions {
        // One line a gap, however wide: a wild version number must not make a billion of them.
        let missing = (before + 1..next)
            .take(excused.len() + 1)
            .find(|&version| !excused.contains(&(effects[0].effect.task_id, version)));
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
        self.scope.judge(self, ledger, &bars, "", |view| {
            Self::search(view, self.wanted)
        })
    }
}

#[cfg(test)]
mod tests {
    use gauntlet_reports::evidence::Verdict;

    use super::*;
    use crate::check::testing::{
        assert_both, assert_inconclusive_on_nothing, healthy, judge, lane,
    };
    use crate::ledger::{DeadLetter, LaneRecord, OperationKind, sample};

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
    fn planted_gap_behind_the_version_of_a_seeded_task_is_found() {
        let mut record = healthy(4);
        sample::seed(&mut record, 1);
        for _ in 0..3 {
            sample::change_seeded(&mut record, 0, OperationKind::Update);
        }
        assert_eq!(found(record.clone()), 0);
        record.effects.remove(4);
        assert_eq!(found(record.clone()), 1);
        // Of the version at which it was put there nobody can have been told.
        record.effects[4].version = 1;
        assert_eq!(found(record), 2);
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

    /// Ten tasks, three of which were updated; one update was written 1 ms before the creation had
    /// taken effect.
    fn changed() -> LaneRecord {
        let mut record = healthy(10);
        for task in 0..3 {
            sample::change(&mut record, task, OperationKind::Update);
        }
        let created_at = record.effects[2].committed_at;
        record.events[12].inserted_at = created_at.unwrap_or_default();
        record.events[12].inserted_at.0 -= 1_000;
        record
    }

    fn wanted(successors: u64, overlapping: u64) -> EffectsInOrder {
        EffectsInOrder::new(lane()).tested_by(OrderTested {
            successors,
            overlapping,
        })
    }

    #[test]
    fn says_how_much_order_there_was_to_keep() {
        let finding = judge(&wanted(3, 1), changed());
        assert_both(&finding, Verdict::Pass);
        assert_eq!(
            finding.note.as_deref(),
            Some(
                "3 of 13 effects, of 10 tasks, are of version 2 or later; 1 of them were written \
                 before the version before them had taken effect"
            )
        );
    }

    #[test]
    fn planted_load_of_creations_alone_is_inconclusive_where_order_was_to_be_tested() {
        assert_both(
            &judge(&EffectsInOrder::new(lane()), healthy(10)),
            Verdict::Pass,
        );
        let finding = judge(&wanted(3, 0), healthy(10));
        assert_both(&finding, Verdict::Inconclusive);
        let note = finding.note.unwrap();
        assert!(
            note.starts_with("only 0 of the 3 effects of version 2 or later"),
            "{note}"
        );
    }

    #[test]
    fn planted_versions_that_never_overlap_are_inconclusive_where_they_should() {
        let finding = judge(&wanted(3, 2), changed());
        assert_both(&finding, Verdict::Inconclusive);
        let note = finding.note.unwrap();
        assert!(
            note.starts_with("only 1 of the 2 versions written"),
            "{note}"
        );
    }

    #[test]
    fn planted_disorder_fails_however_little_was_tested() {
        let mut record = changed();
        let seq = record.effects[2].seq;
        record.effects[2].seq = record.effects[12].seq;
        record.effects[12].seq = seq;
        assert_both(&judge(&wanted(100, 100), record), Verdict::Fail);
    }

    #[test]
    fn too_few_effects_are_inconclusive() {
        let check = EffectsInOrder::new(Scope::lane(lane()).at_least(11));
        assert_both(&judge(&check, healthy(10)), Verdict::Inconclusive);
        assert_inconclusive_on_nothing(&check);
    }
}
