//! What the memory store answers: it filters, sorts and cuts, and knows no index.

use std::cmp::Ordering;
use std::time::Duration;

use async_trait::async_trait;
use gauntlet_contract::recurrence::Mode;
use gauntlet_contract::{Label, LabelId, LabelKind, Series, SeriesId, Task, TaskId, UserId};
use jiff::Timestamp;

use super::memory::MemoryStore;
use crate::error::{PortError, PortErrorKind};
use crate::storage::{
    AnswerStore, CategoryFilter, Direction, KeyedAnswer, LabelQuery, LabelStore, OverdueFilter,
    Position, SeriesStore, SortValue, TaskFilter, TaskPage, TaskQuery, TaskStore, TimeRange,
    title_key, words,
};

#[async_trait]
impl TaskStore for MemoryStore {
    async fn find(&self, user_id: UserId, id: TaskId) -> Result<Option<Task>, PortError> {
        let rows = self.rows();
        let task = rows.tables.tasks.get(&id);
        Ok(task.filter(|task| task.user_id == user_id).cloned())
    }

    async fn list(&self, query: &TaskQuery) -> Result<TaskPage, PortError> {
        if let Some(fault) = query.fault() {
            let kind = PortErrorKind::Invalid;
            return Err(PortError::new(kind, "task store", "list tasks", fault));
        }
        let rows = self.rows();
        let mut found: Vec<(Position, &Task)> = rows
            .tables
            .tasks
            .values()
            .filter(|task| task.user_id == query.user_id && is_match(&query.filter, task))
            .map(|task| (position(query, task), task))
            .collect();
        let order = |a: &Position, b: &Position| compare(query.direction, a, b);
        found.sort_by(|(a, _), (b, _)| order(a, b));
        let is_before = |(position, _): &&(Position, &Task)| {
            let after = query.after.as_ref();
            after.is_some_and(|after| order(position, after).is_le())
        };
        let mut rest = found.iter().skip_while(is_before);
        let page: Vec<_> = rest.by_ref().take(query.limit as usize).collect();
        let last = page.last().map(|(position, _)| position.clone());
        Ok(TaskPage {
            tasks: page.iter().map(|(_, task)| (*task).clone()).collect(),
            next: last.filter(|_| rest.next().is_some()),
        })
    }
}

#[async_trait]
impl LabelStore for MemoryStore {
    async fn find_label(
        &self,
        user_id: UserId,
        kind: LabelKind,
        id: LabelId,
    ) -> Result<Option<Label>, PortError> {
        Ok(self.rows().tables.label(user_id, kind, id).cloned())
    }

    async fn labels(&self, query: &LabelQuery) -> Result<Vec<Label>, PortError> {
        let rows = self.rows();
        let mut found: Vec<_> = rows
            .tables
            .labels
            .values()
            .filter(|label| (label.user_id, label.kind) == (query.user_id, query.kind))
            .map(|label| (title_key(&label.name), label))
            .filter(|(key, _)| query.after.as_ref().is_none_or(|after| key > after))
            .collect();
        found.sort_by(|(a, _), (b, _)| a.cmp(b));
        let page = found.into_iter().take(query.limit as usize);
        Ok(page.map(|(_, label)| label.clone()).collect())
    }

    async fn tasks_with(
        &self,
        user_id: UserId,
        kind: LabelKind,
        id: LabelId,
        limit: u32,
    ) -> Result<Vec<Task>, PortError> {
        let rows = self.rows();
        let tasks = rows.tables.tasks_with(user_id, kind, id);
        Ok(tasks.take(limit as usize).cloned().collect())
    }
}

#[async_trait]
impl SeriesStore for MemoryStore {
    async fn find_series(&self, id: SeriesId) -> Result<Option<Series>, PortError> {
        Ok(self.rows().tables.series.get(&id).cloned())
    }

    async fn instance(&self, id: SeriesId, number: u32) -> Result<Option<Task>, PortError> {
        let instances = self.instances(id);
        let mut with_number = instances.into_iter().filter(|(at, _)| *at == number);
        Ok(with_number.next().map(|(_, task)| task))
    }

    async fn latest_instance(&self, id: SeriesId) -> Result<Option<Task>, PortError> {
        let latest = self.instances(id).into_iter().max_by_key(|(at, _)| *at);
        Ok(latest.map(|(_, task)| task))
    }

    async fn due_series(
        &self,
        now: Timestamp,
        after: Option<SeriesId>,
        limit: u32,
    ) -> Result<Vec<Series>, PortError> {
        let rows = self.rows();
        let in_order = rows.tables.series.values();
        let due = in_order
            .filter(|series| series.recurrence.mode == Mode::OnSchedule)
            .filter(|series| series.ended_at.is_none() && series.latest_due_at <= now)
            .filter(|series| after.is_none_or(|after| series.id > after));
        Ok(due.take(limit as usize).cloned().collect())
    }
}

impl MemoryStore {
    /// The instances of a series with their numbers.
    fn instances(&self, id: SeriesId) -> Vec<(u32, Task)> {
        let rows = self.rows();
        let numbered = rows.tables.tasks.values().filter_map(|task| {
            let at = task.occurrence.filter(|at| at.series_id == id)?;
            Some((at.number, task.clone()))
        });
        numbered.collect()
    }
}

#[async_trait]
impl AnswerStore for MemoryStore {
    async fn answer(&self, user_id: UserId, key: &str) -> Result<Option<KeyedAnswer>, PortError> {
        let rows = self.rows();
        let found = rows.answers.get(&(user_id, key.to_owned()));
        Ok(found.map(|(answer, _)| answer.clone()))
    }

    async fn purge_answers(&self, older_than: Duration, limit: u32) -> Result<u64, PortError> {
        let mut rows = self.rows();
        let old = rows
            .answers
            .iter()
            .filter(|(_, (_, since))| since.elapsed() >= older_than);
        let keys: Vec<_> = old
            .map(|(key, _)| key.clone())
            .take(limit as usize)
            .collect();
        for key in &keys {
            rows.answers.remove(key);
        }
        Ok(keys.len() as u64)
    }
}

fn is_match(filter: &TaskFilter, task: &Task) -> bool {
    let begins_a_word = |word: &String| texts(task).any(|(found, _)| found.starts_with(word));
    let is_of_category = match filter.category {
        None => true,
        Some(CategoryFilter::Is(id)) => task.category_id == Some(id),
        Some(CategoryFilter::Uncategorized) => task.category_id.is_none(),
    };
    filter.text.iter().all(begins_a_word)
        && (filter.status.is_empty() || filter.status.contains(&task.status))
        && (filter.priority.is_empty() || filter.priority.contains(&task.priority))
        && is_of_category
        && filter.tags.iter().all(|tag| task.tags.contains(tag))
        && is_in(filter.due, task.due_date)
        && is_in(filter.created, Some(task.created_at))
        && filter.overdue.is_none_or(|overdue| is_so(overdue, task))
        && filter
            .series
            .is_none_or(|id| task.occurrence.is_some_and(|at| at.series_id == id))
}

fn is_so(overdue: OverdueFilter, task: &Task) -> bool {
    match overdue {
        OverdueFilter::At(now) => task.is_overdue(now),
        OverdueFilter::NotAt(now) => !task.is_overdue(now),
    }
}

fn is_in(range: TimeRange, time: Option<Timestamp>) -> bool {
    let is_after = |from: Timestamp| time.is_some_and(|time| time >= from);
    let is_before = |before: Timestamp| time.is_some_and(|time| time < before);
    range.from.is_none_or(is_after) && range.before.is_none_or(is_before)
}

/// The words of a task, and what each counts.
fn texts(task: &Task) -> impl Iterator<Item = (String, f32)> {
    let title = words(&task.title).map(|word| (word, 1.0));
    let description = task.description.as_deref().unwrap_or_default();
    title.chain(words(description).map(|word| (word, 0.1)))
}

/// Each word of the text counts by the best place that it is found in.
fn rank(text: &[String], task: &Task) -> f32 {
    let best = |word: &String| {
        let found = texts(task).filter(|(found, _)| found.starts_with(word));
        found.map(|(_, weight)| weight).fold(0.0, f32::max)
    };
    text.iter().map(best).sum()
}

fn position(query: &TaskQuery, task: &Task) -> Position {
    let ranked = || SortValue::Rank(rank(&query.filter.text, task).to_bits());
    Position {
        value: query.sort.value_of(task).unwrap_or_else(ranked),
        id: task.id,
    }
}

/// The order of a list. No due date comes last, whatever the direction.
fn compare(direction: Direction, a: &Position, b: &Position) -> Ordering {
    let (one, other) = (&a.value, &b.value);
    let undated = (*one == SortValue::Time(None)).cmp(&(*other == SortValue::Time(None)));
    let ascending = by_value(one, other).then(a.id.cmp(&b.id));
    undated.then(match direction {
        Direction::Ascending => ascending,
        Direction::Descending => ascending.reverse(),
    })
}

/// A query has values of one kind: its position was checked.
fn by_value(one: &SortValue, other: &SortValue) -> Ordering {
    match (one, other) {
        (SortValue::Time(one), SortValue::Time(other)) => one.cmp(other),
        (SortValue::Priority(one), SortValue::Priority(other)) => one.cmp(other),
        (SortValue::Text(one), SortValue::Text(other)) => one.cmp(other),
        (SortValue::Number(one), SortValue::Number(other)) => one.cmp(other),
        (SortValue::Rank(one), SortValue::Rank(other)) => {
            f32::from_bits(*one).total_cmp(&f32::from_bits(*other))
        }
        _ => Ordering::Equal,
    }
}
