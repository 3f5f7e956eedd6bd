//! The fold: joins operations, events and effects of a lane in time linear in their number.
//!
//! Order matters in one place. Acknowledged operations claim their events first, because they name
//! them, and among these the ones whose kind the event tells: a request that found nothing to change
//! is acknowledged with somebody else's version. Unanswered operations may then claim what is left
//! under their title or task; what a refused one finds after that should not exist. Any other order
//! could blame the wrong one.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use super::account::LostChange;
use super::task_index::TaskIndex;
use super::untold::UntoldRows;
use super::{
    Accounting, Effect, Fate, Intrusion, LaneRecord, Operation, OperationKind, OperationOutcome,
    OutboxRow, Placement, UnknownFate,
};

impl LaneRecord {
    /// Places each operation, and finds what nobody asked for. Linear in the rows.
    pub fn account(&self) -> Accounting {
        let mut fold = Fold::new(self);
        fold.join_effects();
        fold.decide_fates();
        fold.place_acknowledged();
        fold.place_the_rest();
        fold.find_intruding_rows();
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
    /// How many of the owing consumers have an effect, for each event.
    consumers_done: Vec<usize>,
    /// What effects that no outbox row explains would fulfil, with the consumers that have one.
    stray_effects: HashMap<(Uuid, Option<u64>), HashSet<usize>>,
    accounting: Accounting,
}

/// What ties an operation to an event when no answer named task and version.
#[derive(PartialEq, Eq, Hash)]
enum Trace<'a> {
    Title(OperationKind, &'a str),
    Task(OperationKind, Uuid),
}

impl<'a> Trace<'a> {
    fn of_operation(operation: &'a Operation) -> Option<Self> {
        if operation.kind.writes_title() {
            Some(Trace::Title(operation.kind, &operation.key))
        } else {
            operation
                .task_id
                .map(|task_id| Trace::Task(operation.kind, task_id))
        }
    }

    fn of_event(event: &'a OutboxRow) -> Option<Self> {
        let kind = event.kind?;
        if kind.writes_title() {
            event
                .title
                .as_deref()
                .map(|title| Trace::Title(kind, title))
        } else {
            Some(Trace::Task(kind, event.task_id))
        }
    }
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
        Self {
            record,
            tasks: TaskIndex::new(record),
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
                if done >= owed {
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

    /// Acknowledged operations name task and version, which makes the join exact. A second event
    /// of the same version stays without an operation: an intrusion.
    fn place_acknowledged(&mut self) {
        let mut others = Vec::new();
        for position in 0..self.record.operations.len() {
            match self.promised_event(position) {
                Some(event) if self.is_told_by(position, event) => {
                    let fate = self.claim(event, position);
                    self.place_as_acknowledged(position, fate, Some(event));
                }
                event => others.push((position, event)),
            }
        }
        for (position, event) in others {
            let operation = &self.record.operations[position];
            let Some(promised) = operation.acknowledged() else {
                continue;
            };
            let fate = match event {
                // It changed nothing and has no event of its own. What it was told of must arrive.
                Some(event) if operation.kind.is_idempotent() => {
                    self.accounting.fate_of_event[event]
                }
                Some(event) => self.claim(event, position),
                None => self.fate_without_event(promised),
            };
            self.place_as_acknowledged(position, fate, event);
        }
    }

    fn place_as_acknowledged(&mut self, position: usize, fate: Fate, event: Option<usize>) {
        self.accounting.placements[position] = Placement::Acknowledged { fate, event };
    }

    /// The event that an acknowledgement speaks of: of its version, or the last of its kind where
    /// the answer had none. A task is deleted once.
    fn promised_event(&self, position: usize) -> Option<usize> {
        let operation = &self.record.operations[position];
        let (_, version) = operation.acknowledged()?;
        let task = self.tasks.of_operation[position]?;
        match version {
            Some(version) => self.tasks.event(self.record, task, version),
            None => self.tasks.last_event_of(self.record, task, operation.kind),
        }
    }

    fn is_told_by(&self, operation: usize, event: usize) -> bool {
        self.record.events[event].kind == Some(self.record.operations[operation].kind)
    }

    /// Ties an event to the operation that asked for it, and gives the operation's fate.
    fn claim(&mut self, event: usize, operation: usize) -> Fate {
        let claimed_by = &mut self.accounting.operation_of_event[event];
        let is_second = claimed_by.is_some();
        claimed_by.get_or_insert(operation);
        // Two changes acknowledged with one version: the first to be found stands for the event,
        // the other was overwritten. Completing twice is one change, and says so.
        if is_second && !self.record.operations[operation].kind.is_idempotent() {
            Fate::Unplaced
        } else {
            self.accounting.fate_of_event[event]
        }
    }

    /// Outbox rows may have been cleaned away after they were sent. The effects then speak for the
    /// operation, and are still reported as effects without an event.
    fn fate_without_event(&self, promised: (Uuid, Option<u64>)) -> Fate {
        let consumers = self.stray_effects.get(&promised).map_or(0, HashSet::len);
        if consumers > 0 && consumers == self.record.consumers.len() {
            Fate::Effect
        } else {
            Fate::Unplaced
        }
    }

    /// Operations without a task and version to go by: unknown ones first, since they may claim an
    /// event; what is then left under a refused operation's name must not be there.
    fn place_the_rest(&mut self) {
        let record = self.record;
        let mut unclaimed: HashMap<Trace<'_>, Vec<usize>> = HashMap::new();
        // From the last to the first, so that `pop` gives the earliest.
        for (position, event) in record.events.iter().enumerate().rev() {
            if self.accounting.operation_of_event[position].is_none()
                && let Some(trace) = Trace::of_event(event)
            {
                unclaimed.entry(trace).or_default().push(position);
            }
        }
        let rows = UntoldRows::find(record, &self.tasks, &self.highest_acknowledged());
        let mut take = |operation: &'a Operation| {
            Trace::of_operation(operation)
                .and_then(|trace| unclaimed.get_mut(&trace))
                .and_then(Vec::pop)
        };
        let operations = || record.operations.iter().enumerate();
        for (position, operation) in operations() {
            // Two attempts under one title may both be unanswered: each takes one event.
            if let OperationOutcome::Unknown { .. } = operation.outcome {
                let event = take(operation);
                let task = self.tasks.of_operation[position];
                let fate = match event.map(|event| self.claim(event, position)) {
                    Some(Fate::Unplaced) => UnknownFate::Half,
                    Some(Fate::Effect | Fate::DeadLettered | Fate::Dropped) => {
                        UnknownFate::TookEffect
                    }
                    None if rows.bear_title_of(operation, task)
                        || rows.look_changed_by(operation, task) =>
                    {
                        UnknownFate::Half
                    }
                    None => UnknownFate::DidNot,
                };
                self.accounting.placements[position] = Placement::Unknown { fate, event };
            }
        }
        for (position, operation) in operations() {
            if let OperationOutcome::Failed { .. } = operation.outcome {
                let event = take(operation);
                if let Some(event) = event {
                    self.claim(event, position);
                }
                // Only a title is proof enough to blame a refused operation for a row.
                let task = self.tasks.of_operation[position];
                if event.is_some() || rows.bear_title_of(operation, task) {
                    let intrusion = Intrusion::FailedTookEffect {
                        operation: position,
                    };
                    self.accounting.intrusions.push(intrusion);
                }
                self.accounting.placements[position] = Placement::Failed { event };
            }
        }
    }

    /// Events and rows that no operation explains.
    fn find_intruding_rows(&mut self) {
        let mut explained = self.tasks.each(false);
        for (event, &task) in self.tasks.of_event.iter().enumerate() {
            explained[task] = true;
            if self.accounting.operation_of_event[event].is_none() {
                self.accounting.intrusions.push(Intrusion::Event { event });
            }
        }
        for (_, task) in self.operations_with_tasks() {
            // Addressing a task that some other lane or run made is the scenario's own doing.
            explained[task] = true;
        }
        let unanswered = self.record.operations.iter().filter(|operation| {
            operation.acknowledged().is_none() && operation.kind == OperationKind::Create
        });
        let titles: HashSet<&str> = unanswered.map(|operation| operation.key.as_str()).collect();
        for (task, row) in self.record.tasks.iter().enumerate() {
            // A row under the title of an unanswered creation is judged with that operation.
            if !explained[self.tasks.of_row[task]] && !titles.contains(row.title.as_str()) {
                self.accounting.intrusions.push(Intrusion::Task { task });
            }
        }
    }

    /// The highest acknowledged version of each task. A deletion's is that of its event.
    fn highest_acknowledged(&self) -> Vec<Option<u64>> {
        let mut highest = self.tasks.each(None::<u64>);
        let placed = self
            .record
            .operations
            .iter()
            .zip(&self.accounting.placements);
        for ((operation, placement), task) in placed.zip(&self.tasks.of_operation) {
            if let (&Placement::Acknowledged { event, .. }, Some(task)) = (placement, *task) {
                let named = operation.acknowledged().and_then(|(_, version)| version);
                let written = event.map(|event| self.record.events[event].version);
                highest[task] = highest[task].max(named.or(written));
            }
        }
        highest
    }

    /// Holds the final rows against the highest version that was acknowledged.
    fn find_lost_changes(&mut self) {
        let mut highest = self.highest_acknowledged();
        let mut may_be_gone = self.tasks.each(false);
        for (operation, task) in self.operations_with_tasks() {
            may_be_gone[task] |= operation.kind == OperationKind::Delete
                && !matches!(operation.outcome, OperationOutcome::Failed { .. });
        }
        let mut lost_changes = Vec::new();
        for (row, &task) in self.record.tasks.iter().zip(&self.tasks.of_row) {
            // Taken out, so that what is left has no row.
            let acknowledged = highest[task].take();
            let lost = acknowledged.filter(|&acknowledged| row.version < acknowledged);
            lost_changes.extend(lost.map(|acknowledged| LostChange {
                task_id: row.task_id,
                acknowledged,
                stands_at: Some(row.version),
            }));
        }
        for (operation, task) in self.operations_with_tasks() {
            if let Some((task_id, _)) = operation.acknowledged()
                && let Some(acknowledged) = highest[task].take()
                && !may_be_gone[task]
            {
                lost_changes.push(LostChange {
                    task_id,
                    acknowledged,
                    stands_at: None,
                });
            }
        }
        self.accounting.lost_changes = lost_changes;
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
