//! The tasks of a lane by number: rows, events and operations of a task meet in arrays. What else there
//! are events of has numbers, too, and neither rows nor operations.
//!
//! Every row names its task by a UUID. Looking each of them up once and counting on from there is
//! what keeps the fold from spending its time in hash tables that no longer fit the caches.

use std::collections::HashMap;

use uuid::Uuid;

use super::{EventKind, Groups, LaneRecord, OperationKind, OperationOutcome, Seeded};

pub(super) struct TaskIndex {
    pub(super) of_row: Vec<usize>,
    pub(super) of_event: Vec<usize>,
    /// The task that an operation was acknowledged for, or else the one that it addresses.
    pub(super) of_operation: Vec<Option<usize>>,
    /// For each task, its place among the seeded ones.
    seeded: Vec<Option<usize>>,
    /// Positions of each task's events, by version.
    events: Groups,
    count: usize,
}

impl TaskIndex {
    pub(super) fn new(record: &LaneRecord) -> Self {
        let mut numbers: HashMap<Uuid, usize> = HashMap::with_capacity(record.tasks.len());
        let mut number = |task_id: Uuid| {
            let next = numbers.len();
            *numbers.entry(task_id).or_insert(next)
        };
        let of_row = record.tasks.iter().map(|row| number(row.task_id)).collect();
        let of_event: Vec<usize> = record
            .events
            .iter()
            .map(|event| match event.kind {
                // It speaks of a task whose version it does not change, and stands alone.
                Some(EventKind::Settled) => number(event.event_id),
                _ => number(event.task_id),
            })
            .collect();
        let of_operation = record
            .operations
            .iter()
            .map(|operation| match operation.outcome {
                OperationOutcome::Ok { task_id, .. } => Some(number(task_id)),
                _ => operation.task_id.map(&mut number),
            })
            .collect();
        let of_seeded: Vec<usize> = record
            .seeded
            .iter()
            .map(|seeded| number(seeded.row.task_id))
            .collect();
        let count = numbers.len();
        let mut seeded = vec![None; count];
        for (position, &task) in of_seeded.iter().enumerate() {
            seeded[task] = Some(position);
        }
        let mut events = Groups::by_number(&of_event, count);
        events.sort_each_by_key(|event| record.events[event].version);
        Self {
            of_row,
            of_event,
            of_operation,
            seeded,
            events,
            count,
        }
    }

    /// A value for each task, to begin with.
    pub(super) fn each<T: Clone>(&self, value: T) -> Vec<T> {
        vec![value; self.count]
    }

    /// The task as it was before the first operation; none for one that was not there.
    pub(super) fn seeded<'a>(&self, record: &'a LaneRecord, task: usize) -> Option<&'a Seeded> {
        self.seeded[task].map(|position| &record.seeded[position])
    }

    /// For each task, the version at which it was seeded.
    pub(super) fn seeded_versions(&self, record: &LaneRecord) -> Vec<Option<u64>> {
        let places = self.seeded.iter();
        places
            .map(|place| place.map(|position| record.seeded[position].row.version))
            .collect()
    }

    /// The first event of a task's version.
    pub(super) fn event(&self, record: &LaneRecord, task: usize, version: u64) -> Option<usize> {
        let events = self.events.members(task);
        let at = events.partition_point(|&event| record.events[event].version < version);
        let found = events.get(at).copied();
        found.filter(|&event| record.events[event].version == version)
    }

    /// The event of a kind with the highest version.
    pub(super) fn last_event_of(
        &self,
        record: &LaneRecord,
        task: usize,
        kind: OperationKind,
    ) -> Option<usize> {
        let events = self.events.members(task).iter().rev();
        events
            .copied()
            .find(|&event| record.events[event].kind == Some(EventKind::Task(kind)))
    }

    /// For each event, the kind of the last completion or reopening of its task, up to the event and
    /// with it. In one pass: looking back from each request would not stay linear.
    pub(super) fn last_completions(&self, record: &LaneRecord) -> Vec<Option<OperationKind>> {
        let mut last_of_event = vec![None; record.events.len()];
        for (task, events) in self.events.iter().enumerate() {
            let seeded = self.seeded(record, task);
            let mut last = seeded.and_then(Seeded::toggled_by);
            for &event in events {
                let kind = record.events[event].kind.and_then(EventKind::of_task);
                last = kind.filter(|kind| kind.is_idempotent()).or(last);
                last_of_event[event] = last;
            }
        }
        last_of_event
    }

    pub(super) fn has_event(&self, task: usize) -> bool {
        !self.events.members(task).is_empty()
    }
}
