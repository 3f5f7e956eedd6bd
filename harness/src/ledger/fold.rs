//! The fold: joins operations, events and effects of a lane in time linear in their number.
//!
//! The steps build on one another. Effects and dead letters decide the events' fates; operations then
//! claim events, by the order of `claims`; of what is left some was asked for besides; only who is left
//! without an event can be blamed for a final row, and only a row that nobody is blamed for intrudes. Any
//! other order could blame the wrong one.

mod besides;
mod claims;
mod rows;

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use super::series_told::SeriesTold;
use super::task_index::TaskIndex;
use super::untold::UntoldRows;
use super::{
    Accounting, Effect, Fate, Intrusion, LaneRecord, Operation, OperationKind, OutboxRow, Placement,
};

impl LaneRecord {
    /// Places each operation, and finds what nobody asked for. Linear in the rows.
    pub fn account(&self) -> Accounting {
        let mut fold = Fold::new(self);
        fold.join_effects();
        fold.series = SeriesTold::read(self, &fold.accounting.event_of_effect);
        fold.decide_fates();
        fold.place_acknowledged();
        let rows = UntoldRows::find(
            self,
            &fold.tasks,
            &fold.highest_acknowledged(),
            fold.may_be_gone(),
        );
        fold.place_the_rest(&rows);
        fold.find_besides();
        fold.find_intruding_rows(&rows);
        fold.find_lost_changes();
        let mut accounting = fold.accounting;
        for &placement in &accounting.placements {
            accounting.identity.count(placement);
        }
        accounting
    }
}

struct Fold<'a> {
    record: &'a LaneRecord,
    tasks: TaskIndex,
    series: SeriesTold,
    /// How many of the owing consumers have an effect, for each event.
    consumers_done: Vec<usize>,
    /// What effects that no outbox row explains would fulfil, with the consumers that have one.
    stray_effects: HashMap<(Uuid, Option<u64>), HashSet<usize>>,
    /// The tasks whose final row some operation is blamed for.
    is_blamed: Vec<bool>,
    accounting: Accounting,
}

impl<'a> Fold<'a> {
    fn new(record: &'a LaneRecord) -> Self {
        let accounting = Accounting {
            placements: vec![Placement::Failed { event: None }; record.operations.len()],
            operation_of_event: vec![None; record.events.len()],
            event_of_effect: Vec::with_capacity(record.effects.len()),
            is_repeat: Vec::with_capacity(record.effects.len()),
            ..Accounting::default()
        };
        let tasks = TaskIndex::new(record);
        Self {
            record,
            is_blamed: tasks.each(false),
            tasks,
            series: SeriesTold::default(),
            consumers_done: vec![0; record.events.len()],
            stray_effects: HashMap::new(),
            accounting,
        }
    }

    /// Ties each effect to its event, and marks those that repeat.
    ///
    /// Consumers are few and events are many: a flag for each pair is smaller than any set.
    fn join_effects(&mut self) {
        let consumers = &self.record.consumers;
        let ids = self.record.events.iter().enumerate();
        let event_by_id: HashMap<Uuid, usize> = ids
            .filter(|(_, event)| event.owes_effects())
            .map(|(position, event)| (event.event_id, position))
            .collect();
        let mut seen = vec![false; self.record.events.len() * consumers.len()];
        let mut seen_strays = HashSet::new();
        for (position, effect) in self.record.effects.iter().enumerate() {
            let event = event_by_id.get(&effect.event_id).copied();
            let consumer = consumers.iter().position(|name| *name == effect.consumer);
            let repeats = if let (Some(event), Some(consumer)) = (event, consumer) {
                let seen = &mut seen[event * consumers.len() + consumer];
                if !*seen {
                    self.consumers_done[event] += 1;
                }
                std::mem::replace(seen, true)
            } else {
                for promised in promises_kept_by(effect) {
                    let consumers = self.stray_effects.entry(promised).or_default();
                    consumers.extend(consumer);
                }
                self.accounting
                    .intrusions
                    .push(Intrusion::Effect { effect: position });
                !seen_strays.insert((effect.consumer.as_str(), effect.event_id))
            };
            self.accounting.event_of_effect.push(event);
            self.accounting.is_repeat.push(repeats);
        }
    }

    /// An effect beats a dead letter: an event that was parked and redriven has arrived. A dead
    /// letter beats a declared drop, which is an intention and not yet a fact.
    fn decide_fates(&mut self) {
        let dead: HashSet<Uuid> = self
            .record
            .dead_letters
            .iter()
            .filter_map(|letter| letter.event_id)
            .collect();
        let dropped: HashSet<Uuid> = self
            .record
            .dropped
            .iter()
            .map(|dropped| dropped.event_id)
            .collect();
        // A lane in which nobody owes an effect shows nothing: its events stay unplaced.
        let owed = self.record.consumers.len().max(1);
        let fates = self
            .record
            .events
            .iter()
            .zip(&self.consumers_done)
            .map(|(event, &done)| {
                if self.has_effect(event, done >= owed) {
                    Fate::Effect
                } else if dead.contains(&event.event_id) {
                    Fate::DeadLettered
                } else if dropped.contains(&event.event_id) {
                    Fate::Dropped
                } else {
                    Fate::Unplaced
                }
            });
        self.accounting.fate_of_event = fates.collect();
    }

    /// `is_done` says whether the consumers are done with it. What the lane's consumers do not owe shows in
    /// the series.
    fn has_effect(&self, event: &OutboxRow, is_done: bool) -> bool {
        if event.owes_effects() {
            is_done
        } else {
            self.series.went_on_after(event)
        }
    }

    /// Operations with the number of the task that they are about, where they name one.
    fn operations_with_tasks(&self) -> impl Iterator<Item = (&'a Operation, usize)> {
        let operations = self.record.operations.iter();
        operations
            .zip(&self.tasks.of_operation)
            .filter_map(|(operation, task)| task.map(|task| (operation, task)))
    }
}

/// The acknowledgements that an effect speaks for: the one of its version, and the one of a deletion,
/// whose answer names none.
fn promises_kept_by(effect: &Effect) -> impl Iterator<Item = (Uuid, Option<u64>)> {
    let is_deletion = effect.action == OperationKind::Delete.action();
    let versions = [Some(Some(effect.version)), is_deletion.then_some(None)];
    let task_id = effect.task_id;
    versions
        .into_iter()
        .flatten()
        .map(move |version| (task_id, version))
}
