//! Events that no operation of a load asked for, and that are asked for all the same.
//!
//! A series makes instances by itself, as often as it goes on; and a scenario may do by hand what no load
//! does, and says of what. Everything else that nobody asked for is an intrusion.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use super::Fold;
use crate::ledger::{EventKind, Occurrence, OperationKind, OutboxRow};

impl Fold<'_> {
    /// Finds them among the events that are left after the operations have claimed theirs.
    pub(super) fn find_besides(&mut self) {
        let claimed = self.accounting.operation_of_event.iter().enumerate();
        let (claimed, mut open): (Vec<_>, Vec<_>) = claimed
            .map(|(event, operation)| (event, operation.is_some()))
            .partition(|&(_, is_claimed)| is_claimed);
        if open.is_empty() {
            return;
        }
        let mut asked = Asked::default();
        asked.known.extend(&self.record.besides);
        let deletions: HashSet<Uuid> = self.record.besides_deleted.iter().copied().collect();
        let shown = self.record.besides_up_to.iter();
        asked.up_to.extend(
            shown.map(|&(id, version)| (id, UpTo::shown(version, deletions.contains(&id)))),
        );
        asked.deleted.extend(self.deleted_labels());
        for (event, _) in claimed {
            asked.follow(self, event);
        }
        // What is explained may explain more: a task that was made by hand begins a series.
        loop {
            let before = open.len();
            open.retain(|&(event, _)| {
                let is_explained = asked.explains(self, event);
                if is_explained {
                    asked.follow(self, event);
                    asked.besides.push(event);
                }
                !is_explained
            });
            if open.len() == before {
                break;
            }
        }
        asked.besides.sort_unstable();
        self.accounting.besides = asked.besides;
    }

    fn deleted_labels(&self) -> impl Iterator<Item = Uuid> {
        let deletions = self.record.events.iter().filter(|event| {
            let kind = event.kind.filter(|kind| kind.of_task().is_none());
            kind.is_some_and(EventKind::deletes)
        });
        deletions.map(|event| event.task_id)
    }
}

#[derive(Default)]
struct Asked {
    /// Entities whose events are asked for.
    known: HashSet<Uuid>,
    /// How far it was asked for, where that can be told.
    up_to: HashMap<Uuid, UpTo>,
    /// Versions that have their event. None has two.
    told: HashSet<(Uuid, u64)>,
    deleted: HashSet<Uuid>,
    /// Instances that were created. None comes twice, however often it is asked for.
    created: HashSet<Occurrence>,
    besides: Vec<usize>,
}

/// How far an entity was asked to go.
struct UpTo {
    /// What an answer showed last.
    shown: u64,
    /// The version of its deletion, which no answer shows.
    deletion: Option<u64>,
}

impl UpTo {
    fn shown(version: u64, is_deleted: bool) -> Self {
        Self {
            shown: version,
            deletion: is_deleted.then_some(version + 1),
        }
    }

    /// A step that nobody asked of the entity comes before what no answer shows.
    fn put_off(&mut self, version: u64) {
        if version > self.shown {
            self.deletion = self.deletion.map(|deletion| deletion + 1);
        }
    }

    fn includes(&self, event: &OutboxRow) -> bool {
        let is_deletion = event.kind.is_some_and(EventKind::deletes);
        event.version <= self.shown || is_deletion && Some(event.version) == self.deletion
    }
}

impl Asked {
    /// Takes in what an event that was asked for brings about: a series goes on by itself.
    fn follow(&mut self, fold: &Fold<'_>, event: usize) {
        let row = &fold.record.events[event];
        if row.kind != Some(EventKind::Settled) {
            self.told.insert((row.task_id, row.version));
        }
        let Some(told) = fold.series.of_event(event) else {
            return;
        };
        // Nobody asked for this step of the task: it came of a label's deletion.
        if let Some(up_to) = self.up_to.get_mut(&row.task_id)
            && told
                .taken_off
                .iter()
                .any(|label| self.deleted.contains(label))
        {
            up_to.put_off(row.version);
        }
        let creates = row.kind == CREATION;
        for &instance in &told.occurrences {
            self.known.insert(instance.series_id);
            if creates {
                self.created.insert(instance);
            }
        }
    }

    fn explains(&self, fold: &Fold<'_>, position: usize) -> bool {
        let event = &fold.record.events[position];
        let is_known = self.is_asked_for(event);
        let of_known = |instance: Occurrence| self.known.contains(&instance.series_id);
        match (event.kind, fold.series.of_event(position)) {
            (Some(EventKind::Settled), _) => {
                let mut instances = fold.series.of_task(event.task_id);
                self.known.contains(&event.task_id) || instances.any(of_known)
            }
            (CREATION, Some(told)) => {
                let mut instances = told.occurrences.iter();
                let is_new = instances.all(|instance| !self.created.contains(instance));
                let mut instances = told.occurrences.iter().copied();
                is_new && (is_known || instances.any(of_known))
            }
            (_, Some(told)) => {
                // A label that is deleted is taken off the tasks that have it.
                let mut taken_off = told.taken_off.iter();
                let of_gone =
                    |label: &Uuid| self.known.contains(label) && self.deleted.contains(label);
                is_known || self.is_new(event) && taken_off.any(of_gone)
            }
            (_, None) => is_known,
        }
    }

    /// Whether this very version of a known entity was asked for.
    fn is_asked_for(&self, event: &OutboxRow) -> bool {
        let up_to = self.up_to.get(&event.task_id);
        self.known.contains(&event.task_id)
            && up_to.is_none_or(|up_to| up_to.includes(event))
            && self.is_new(event)
    }

    fn is_new(&self, event: &OutboxRow) -> bool {
        !self.told.contains(&(event.task_id, event.version))
    }
}

const CREATION: Option<EventKind> = Some(EventKind::Task(OperationKind::Create));
