use std::collections::HashSet;

use super::task_index::TaskIndex;
use super::{LaneRecord, Operation, OperationKind};

/// What the final rows show and neither an answer nor an event tells of: the half of a change that
/// got no answer, or the whole of one that was refused.
pub(super) struct UntoldRows<'a> {
    /// Titles of the rows of tasks that nothing tells of.
    created: HashSet<&'a str>,
    /// The final title of each task.
    titles: Vec<Option<&'a str>>,
    /// For each task.
    standing: Vec<Standing>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// As was told; or there never was such a task.
    Told,
    /// At a version that nothing tells of.
    Changed,
    /// Gone, and nothing tells of a deletion.
    Gone,
}

impl<'a> UntoldRows<'a> {
    /// `acknowledged` is the highest acknowledged version of each task.
    pub(super) fn find(
        record: &'a LaneRecord,
        tasks: &TaskIndex,
        acknowledged: &[Option<u64>],
    ) -> Self {
        let mut created = HashSet::new();
        let mut titles = tasks.each(None);
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
            standing[task] = if is_told {
                Standing::Told
            } else {
                Standing::Changed
            };
            titles[task] = Some(row.title.as_str());
            if acknowledged[task].is_none() && !tasks.has_event(task) {
                created.insert(row.title.as_str());
            }
        }
        Self {
            created,
            titles,
            standing,
        }
    }

    /// Whether a row bears the title of an operation that has no event. Nobody else could have
    /// written it.
    pub(super) fn bear_title_of(&self, operation: &Operation, task: Option<usize>) -> bool {
        match operation.kind {
            OperationKind::Create => self.created.contains(operation.key.as_str()),
            OperationKind::Update => {
                task.and_then(|task| self.titles[task]) == Some(operation.key.as_str())
            }
            OperationKind::Complete | OperationKind::Reopen | OperationKind::Delete => false,
        }
    }

    /// Whether the row of its task looks as if an operation without a title had been there.
    pub(super) fn look_changed_by(&self, operation: &Operation, task: Option<usize>) -> bool {
        let standing = task.map(|task| self.standing[task]);
        match operation.kind {
            OperationKind::Create | OperationKind::Update => false,
            OperationKind::Complete | OperationKind::Reopen => standing == Some(Standing::Changed),
            OperationKind::Delete => standing == Some(Standing::Gone),
        }
    }
}
