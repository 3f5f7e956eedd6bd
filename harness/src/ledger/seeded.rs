//! Tasks that were there before the first operation: put into the database past the system, so that there
//! are no events of them.
//!
//! They are excused as long as they stand as they were put there, to the transaction that wrote them. From
//! the first change on they are judged like any other, from the version on at which they were put.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{LaneRecord, OperationKind, RawJson, TaskDetails, TaskRow};

/// A task as it was put into the database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seeded {
    pub row: TaskRow,
    pub details: TaskDetails,
}

/// One of the seeded tasks, read through the API before anything changed it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SeededAnswer {
    pub task_id: Uuid,
    /// As the one who put it there means it, in the documented shape.
    pub seeded: RawJson,
    pub answered: RawJson,
}

impl Seeded {
    /// Whether a row is this very one. A row that was written again has another commit time, whatever of it
    /// was changed.
    pub fn stands_as(&self, row: &TaskRow) -> bool {
        self.row == *row
    }

    /// What a completion or a reopening would have left so.
    pub(super) fn toggled_by(&self) -> Option<OperationKind> {
        (self.row.status == "completed").then_some(OperationKind::Complete)
    }
}

impl LaneRecord {
    /// Enters the tasks that were there before the first operation, and how many there were of each user.
    pub fn enter_seeded(&mut self, seeded: Vec<Seeded>) {
        let mut each: BTreeMap<Uuid, u64> = BTreeMap::new();
        for seeded in &seeded {
            *each.entry(seeded.row.user_id).or_default() += 1;
        }
        self.seeded_each = each.into_iter().collect();
        self.seeded = seeded;
    }

    /// Takes the seeded tasks out that nobody addressed and nothing changed, from the seeded ones as from the
    /// final rows, and counts them: of those there is nothing to judge, and they are most.
    pub fn set_aside_untouched(&mut self) {
        if self.seeded.is_empty() {
            return;
        }
        let addressed: HashSet<Uuid> = self
            .operations
            .iter()
            .filter_map(|operation| operation.task_id)
            .collect();
        let seeded: HashMap<Uuid, &Seeded> = self
            .seeded
            .iter()
            .map(|seeded| (seeded.row.task_id, seeded))
            .collect();
        let is_untouched = |row: &&TaskRow| {
            let seeded = seeded.get(&row.task_id);
            !addressed.contains(&row.task_id) && seeded.is_some_and(|seeded| seeded.stands_as(row))
        };
        let untouched: HashSet<Uuid> = self
            .tasks
            .iter()
            .filter(is_untouched)
            .map(|row| row.task_id)
            .collect();
        self.tasks.retain(|row| !untouched.contains(&row.task_id));
        self.details.retain(|row| !untouched.contains(&row.task_id));
        self.seeded
            .retain(|seeded| !untouched.contains(&seeded.row.task_id));
        self.untouched += untouched.len() as u64;
    }
}
