//! Events that no operation of a load asked for, and that are asked for all the same.
//!
//! A series makes instances by itself, as often as it goes on; and a scenario may do by hand what no load
//! does, and says of what. Everything else that nobody asked for is an intrusion.

use std::collections::HashSet;

use uuid::Uuid;

use super::Fold;
use crate::ledger::{EventKind, Occurrence, OperationKind};

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
}

#[derive(Default)]
struct Asked {
    /// Entities whose events are asked for.
    known: HashSet<Uuid>,
    /// Instances that were created. None comes twice, however often it is asked for.
    created: HashSet<Occurrence>,
    besides: Vec<usize>,
}

impl Asked {
    /// Takes in what an event that was asked for brings about: a series goes on by itself.
    fn follow(&mut self, fold: &Fold<'_>, event: usize) {
        let Some(told) = fold.series.of_event(event) else {
            return;
        };
        let creates = fold.record.events[event].kind == CREATION;
        for &instance in &told.occurrences {
            self.known.insert(instance.series_id);
            if creates {
                self.created.insert(instance);
            }
        }
    }

    fn explains(&self, fold: &Fold<'_>, position: usize) -> bool {
        let event = &fold.record.events[position];
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
                is_new && (self.known.contains(&event.task_id) || instances.any(of_known))
            }
            (_, Some(told)) => {
                // A label that is deleted is taken off the tasks that have it.
                let mut taken_off = told.taken_off.iter();
                self.known.contains(&event.task_id)
                    || taken_off.any(|label| self.known.contains(label))
            }
            (_, None) => self.known.contains(&event.task_id),
        }
    }
}

const CREATION: Option<EventKind> = Some(EventKind::Task(OperationKind::Create));
