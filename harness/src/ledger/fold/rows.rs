//! What the rows show that nobody asked for, and what was acknowledged and they do not show.

use std::collections::HashSet;

use super::Fold;
use crate::ledger::untold::UntoldRows;
use crate::ledger::{Fate, Intrusion, LostChange, OperationKind, OperationOutcome, Placement};

impl Fold<'_> {
    /// Events and rows that no operation explains, nor anything else.
    pub(super) fn find_intruding_rows(&mut self, rows: &UntoldRows<'_>) {
        let seeded = self.tasks.seeded_versions(self.record).into_iter();
        let mut explained: Vec<bool> = seeded.map(|version| version.is_some()).collect();
        let besides: HashSet<usize> = self.accounting.besides.iter().copied().collect();
        for (event, &task) in self.tasks.of_event.iter().enumerate() {
            explained[task] = true;
            let is_claimed = self.accounting.operation_of_event[event].is_some();
            if !is_claimed && !besides.contains(&event) {
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
            let number = self.tasks.of_row[task];
            // A row under the title of an unanswered creation is judged with that operation.
            let is_nobodys = !explained[number] && !titles.contains(row.title.as_str());
            // At the version at which it was put there, a seeded task has to stand as it was.
            let seeded = self.tasks.seeded(self.record, number);
            let is_spoilt = seeded
                .is_some_and(|seeded| seeded.row.version == row.version && !seeded.stands_as(row));
            let is_nobodys_change =
                (rows.are_changed(number) || is_spoilt) && !self.is_blamed[number];
            if is_nobodys || is_nobodys_change {
                self.accounting.intrusions.push(Intrusion::Task { task });
            }
        }
    }

    /// The highest acknowledged version of each task. A deletion's is that of its event, and a seeded task's
    /// first that at which it was put there.
    pub(super) fn highest_acknowledged(&self) -> Vec<Option<u64>> {
        let mut highest = self.tasks.seeded_versions(self.record);
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

    /// For each task, whether somebody asked for its deletion and was not refused.
    pub(super) fn may_be_gone(&self) -> Vec<bool> {
        let mut may_be_gone = self.tasks.each(false);
        for (operation, task) in self.operations_with_tasks() {
            may_be_gone[task] |= operation.kind == OperationKind::Delete
                && !matches!(operation.outcome, OperationOutcome::Failed { .. });
        }
        may_be_gone
    }

    /// The version of each task's acknowledged deletion: that of its event, or else the `highest`
    /// that was acknowledged. A deletion that ended nowhere and has no event is lost as an operation.
    fn deletions(&self, highest: &[Option<u64>]) -> Vec<Option<u64>> {
        let mut deletions = self.tasks.each(None::<u64>);
        let operations = self.record.operations.iter();
        let placed = operations.zip(&self.accounting.placements);
        for ((operation, placement), task) in placed.zip(&self.tasks.of_operation) {
            if let (OperationKind::Delete, Some(task)) = (operation.kind, *task)
                && let Placement::Acknowledged { fate, event } = *placement
                && (fate != Fate::Unplaced || event.is_some())
            {
                let written = event.map(|event| self.record.events[event].version);
                deletions[task] = deletions[task].max(written.or(highest[task]));
            }
        }
        deletions
    }

    /// Holds the final rows against the highest version that was acknowledged, and those that are
    /// left or missing against the deletions.
    pub(super) fn find_lost_changes(&mut self) {
        let mut highest = self.highest_acknowledged();
        let deletions = self.deletions(&highest);
        let mut lost_changes = Vec::new();
        for (row, &task) in self.record.tasks.iter().zip(&self.tasks.of_row) {
            // Taken out, so that what is left has no row.
            let acknowledged = highest[task].take();
            // Behind a deletion no version may stand, not even a later one.
            let lost = deletions[task]
                .or_else(|| acknowledged.filter(|&acknowledged| row.version < acknowledged));
            lost_changes.extend(lost.map(|acknowledged| LostChange {
                task_id: row.task_id,
                acknowledged,
                stands_at: Some(row.version),
            }));
        }
        let may_be_gone = self.may_be_gone();
        let promised = self.operations_with_tasks();
        let promised = promised.filter_map(|(operation, task)| {
            let (task_id, _) = operation.acknowledged()?;
            Some((task_id, task))
        });
        let seeded = (0..highest.len()).filter_map(|task| {
            let seeded = self.tasks.seeded(self.record, task)?;
            Some((seeded.row.task_id, task))
        });
        for (task_id, task) in promised.chain(seeded) {
            if let Some(acknowledged) = highest[task].take()
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
}
