//! How far the final rows agree with what answers and events tell.
//!
//! A task without a row, and a row at a version that nothing tells of, each need somebody to blame.
//! Here stands only what the rows are like; the fold decides who it was, or that it was nobody.

use std::collections::HashSet;

use super::task_index::TaskIndex;
use super::{EventKind, LaneRecord, Operation, OperationKind, OutboxRow, TaskRow};

/// What the final rows show and neither an answer nor an event tells of: the half of a change that
/// got no answer, the whole of one that was refused, or a change that nobody asked for.
pub(super) struct UntoldRows<'a> {
    /// Titles of the rows of tasks that nothing tells of.
    created: HashSet<&'a str>,
    /// The final row of each task.
    rows: Vec<Option<&'a TaskRow>>,
    /// For each task.
    standing: Vec<Standing>,
    /// For each task, whether somebody asked for its deletion and was not refused.
    may_be_gone: Vec<bool>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// As was told; or there never was such a task.
    Told,
    /// At a version that nothing tells of, although other versions of the task are told of.
    Changed,
    /// A task that nothing tells of, not even another version.
    Strange,
    /// Gone, and nothing tells of a deletion.
    Gone,
}

impl<'a> UntoldRows<'a> {
    /// `acknowledged` is the highest acknowledged version of each task.
    pub(super) fn find(
        record: &'a LaneRecord,
        tasks: &TaskIndex,
        acknowledged: &[Option<u64>],
        may_be_gone: Vec<bool>,
    ) -> Self {
        let mut created = HashSet::new();
        let mut rows = tasks.each(None);
        let mut standing: Vec<Standing> = acknowledged
            .iter()
            .enumerate()
            .map(|(task, acknowledged)| {
                let deletion = tasks.last_event_of(record, task, OperationKind::Delete);
                let is_known = acknowledged.is_some() || tasks.has_event(task);
                if is_known && deletion.is_none() {
                    Standing::Gone
                } else {
                    Standing::Told
                }
            })
            .collect();
        for (row, &task) in record.tasks.iter().zip(&tasks.of_row) {
            let is_told = acknowledged[task] >= Some(row.version)
                || tasks.event(record, task, row.version).is_some();
            let is_known = acknowledged[task].is_some() || tasks.has_event(task);
            standing[task] = match (is_told, is_known) {
                (true, _) => Standing::Told,
                (false, true) => Standing::Changed,
                (false, false) => Standing::Strange,
            };
            rows[task] = Some(row);
            if !is_known {
                created.insert(row.title.as_str());
            }
        }
        Self {
            created,
            rows,
            standing,
            may_be_gone,
        }
    }

    /// Whether the final row is what an event leaves behind, or what a later change makes of it.
    pub(super) fn show(&self, event: &OutboxRow, task: usize) -> bool {
        match (event.kind, self.rows[task]) {
            (Some(EventKind::Task(OperationKind::Delete)), row) => row.is_none(),
            (_, Some(row)) => row.version >= event.version,
            // A deletion that lacks its event is the one to blame.
            (_, None) => self.standing[task] == Standing::Told || self.may_be_gone[task],
        }
    }

    /// Whether the task's row was changed and nothing tells of it.
    pub(super) fn are_changed(&self, task: usize) -> bool {
        self.standing[task] == Standing::Changed
    }

    /// Whether a row bears the title of an operation that has no event. Nobody else could have
    /// written it.
    pub(super) fn bear_title_of(&self, operation: &Operation, task: Option<usize>) -> bool {
        match operation.kind {
            OperationKind::Create => self.created.contains(operation.key.as_str()),
            OperationKind::Update => {
                let row = task.and_then(|task| self.rows[task]);
                row.is_some_and(|row| row.title == operation.key)
            }
            OperationKind::Complete | OperationKind::Reopen | OperationKind::Delete => false,
        }
    }

    /// Whether the row of its task looks as if an operation without a title had been there.
    pub(super) fn look_changed_by(&self, operation: &Operation, task: Option<usize>) -> bool {
        let standing = task.map(|task| self.standing[task]);
        match operation.kind {
            OperationKind::Create | OperationKind::Update => false,
            OperationKind::Complete | OperationKind::Reopen => {
                matches!(standing, Some(Standing::Changed | Standing::Strange))
            }
            OperationKind::Delete => standing == Some(Standing::Gone),
        }
    }
}
