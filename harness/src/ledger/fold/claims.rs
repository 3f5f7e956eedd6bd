//! Which operation an event goes back to.
//!
//! Acknowledged operations claim their events first, because they name them, and among these the ones
//! whose kind the event tells: a request that found nothing to change is acknowledged with somebody
//! else's version. Unanswered operations may then claim what is left under their title or task; what a
//! refused one finds after that should not exist.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use super::Fold;
use crate::ledger::untold::UntoldRows;
use crate::ledger::{
    EventKind, Fate, Intrusion, Operation, OperationKind, OperationOutcome, OutboxRow, Placement,
    UnknownFate,
};

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
        let kind = event.kind?.of_task()?;
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

/// Events that no acknowledged operation claimed.
struct Unclaimed<'a> {
    /// By trace, the earliest last.
    events: HashMap<Trace<'a>, Vec<usize>>,
}

impl<'a> Unclaimed<'a> {
    /// Takes the earliest event that an operation may have written.
    fn take(&mut self, operation: &'a Operation) -> Option<usize> {
        let trace = Trace::of_operation(operation)?;
        self.events.get_mut(&trace)?.pop()
    }
}

impl<'a> Fold<'a> {
    /// Acknowledged operations name task and version, which makes the join exact. A second event
    /// of the same version stays without an operation: an intrusion.
    pub(super) fn place_acknowledged(&mut self) {
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
        let completions = self.tasks.last_completions(self.record);
        for (position, event) in others {
            let operation = &self.record.operations[position];
            let Some(promised) = operation.acknowledged() else {
                continue;
            };
            let (fate, event) = match event {
                // It changed nothing and has no event of its own. What it was told of must arrive.
                Some(event) if found_as_asked(operation.kind, completions[event]) => {
                    (self.accounting.fate_of_event[event], Some(event))
                }
                // It was told that nothing had to change, and the event shows that it had to.
                Some(_) if operation.kind.is_idempotent() => (Fate::Unplaced, None),
                Some(event) => (self.claim(event, position), Some(event)),
                // Of the version at which it was put there nobody has to be told.
                None if self.was_seeded_so(position) => (Fate::Effect, None),
                None => (self.fate_without_event(promised), None),
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

    /// Whether a completion or a reopening found a seeded task as it was put there, and as it asks for.
    fn was_seeded_so(&self, position: usize) -> bool {
        let operation = &self.record.operations[position];
        let task = self.tasks.of_operation[position];
        let seeded = task.and_then(|task| self.tasks.seeded(self.record, task));
        let told = operation.acknowledged().and_then(|(_, version)| version);
        seeded.is_some_and(|seeded| {
            told == Some(seeded.row.version) && found_as_asked(operation.kind, seeded.toggled_by())
        })
    }

    fn is_told_by(&self, operation: usize, event: usize) -> bool {
        let asked = self.record.operations[operation].kind;
        self.record.events[event].kind == Some(EventKind::Task(asked))
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
    pub(super) fn place_the_rest(&mut self, rows: &UntoldRows<'_>) {
        let record = self.record;
        let mut unclaimed = self.unclaimed_events();
        let operations = || record.operations.iter().enumerate();
        for (position, operation) in operations() {
            // Two attempts under one title may both be unanswered: each takes one event.
            if let OperationOutcome::Unknown { .. } = operation.outcome {
                let event = unclaimed.take(operation);
                let fate = match event {
                    Some(event) => self.fate_of_claimed(event, position, rows),
                    None => self.fate_of_unanswered(position, rows),
                };
                self.accounting.placements[position] = Placement::Unknown { fate, event };
            }
        }
        for (position, operation) in operations() {
            if let OperationOutcome::Failed { .. } = operation.outcome {
                let event = unclaimed.take(operation);
                self.place_refused(position, event, rows);
            }
        }
    }

    fn unclaimed_events(&self) -> Unclaimed<'a> {
        let mut events: HashMap<Trace<'_>, Vec<usize>> = HashMap::new();
        // From the last to the first, so that `pop` gives the earliest.
        for (position, event) in self.record.events.iter().enumerate().rev() {
            if self.accounting.operation_of_event[position].is_none()
                && let Some(trace) = Trace::of_event(event)
            {
                events.entry(trace).or_default().push(position);
            }
        }
        Unclaimed { events }
    }

    /// An event alone is not the change: effects may tell of what the database never took.
    fn fate_of_claimed(
        &mut self,
        event: usize,
        operation: usize,
        rows: &UntoldRows<'_>,
    ) -> UnknownFate {
        let fate = self.claim(event, operation);
        let task = self.tasks.of_event[event];
        let is_shown = rows.show(&self.record.events[event], task);
        self.is_blamed[task] |= !is_shown;
        match fate {
            Fate::Effect | Fate::DeadLettered | Fate::Dropped if is_shown => {
                UnknownFate::TookEffect
            }
            _ => UnknownFate::Half,
        }
    }

    /// Without an event nothing may have happened to the row either.
    fn fate_of_unanswered(&mut self, position: usize, rows: &UntoldRows<'_>) -> UnknownFate {
        let operation = &self.record.operations[position];
        let task = self.tasks.of_operation[position];
        if rows.bear_title_of(operation, task) || rows.look_changed_by(operation, task) {
            self.blame(task);
            UnknownFate::Half
        } else {
            UnknownFate::DidNot
        }
    }

    fn place_refused(&mut self, position: usize, event: Option<usize>, rows: &UntoldRows<'_>) {
        if let Some(event) = event {
            self.claim(event, position);
        }
        // Only a title is proof enough to blame a refused operation for a row.
        let task = self.tasks.of_operation[position];
        let in_row = rows.bear_title_of(&self.record.operations[position], task);
        if in_row {
            self.blame(task);
        }
        if event.is_some() || in_row {
            let intrusion = Intrusion::FailedTookEffect {
                operation: position,
            };
            self.accounting.intrusions.push(intrusion);
        }
        self.accounting.placements[position] = Placement::Failed { event };
    }

    fn blame(&mut self, task: Option<usize>) {
        if let Some(task) = task {
            self.is_blamed[task] = true;
        }
    }
}

/// Whether a task stood as a completion or a reopening asks for, by the `last` of these before. What
/// was never completed is open.
fn found_as_asked(kind: OperationKind, last: Option<OperationKind>) -> bool {
    let is_completed = last == Some(OperationKind::Complete);
    match kind {
        OperationKind::Complete => is_completed,
        OperationKind::Reopen => !is_completed,
        OperationKind::Create | OperationKind::Update | OperationKind::Delete => false,
    }
}
