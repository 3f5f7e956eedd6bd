use async_trait::async_trait;
use gauntlet_contract::{LabelId, Priority, SeriesId, Task, TaskId, TaskStatus, UserId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::text::title_key;
use crate::error::PortError;

/// Selects tasks; a task must meet every condition that is there.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TaskFilter {
    /// Words as [`words`](super::words) cuts them: each must begin some word of the title or description.
    pub text: Vec<String>,
    /// Any of these; all when empty.
    pub status: Vec<TaskStatus>,
    /// Any of these; all when empty.
    pub priority: Vec<Priority>,
    pub category: Option<CategoryFilter>,
    /// All of these.
    pub tags: Vec<LabelId>,
    pub due: TimeRange,
    pub created: TimeRange,
    pub overdue: Option<OverdueFilter>,
    pub series: Option<SeriesId>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CategoryFilter {
    Is(LabelId),
    Uncategorized,
}

/// A task is overdue at a time when it was due before, and is not completed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OverdueFilter {
    /// What is overdue at this time.
    At(Timestamp),
    /// What is not: never due, not due before this time, or completed.
    NotAt(Timestamp),
}

/// From a time on, until before another. What has no time is in no range but the unbounded one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TimeRange {
    pub from: Option<Timestamp>,
    pub before: Option<Timestamp>,
}

/// What a list is ordered by. Equals are in the order of their ids, in the same direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SortKey {
    /// What has no due date comes last in both directions.
    DueDate,
    Priority,
    CreatedAt,
    UpdatedAt,
    /// By [`title_key`](super::title_key).
    Title,
    /// How well the text fits; a word in the title counts more than one in the description. For a filter
    /// with text alone, and descending alone.
    Relevance,
    /// The number of the occurrence; for a filter by series alone.
    Occurrence,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    Ascending,
    Descending,
}

/// Where a page ended: the next one begins behind it, whatever was inserted or deleted meanwhile.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Position {
    pub value: SortValue,
    pub id: TaskId,
}

/// A task's value of a sort key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SortValue {
    /// Microseconds since the epoch; none for no due date.
    Time(Option<i64>),
    Priority(Priority),
    Text(String),
    /// The bits of a single-precision number, so that it comes back as it was.
    Rank(u32),
    Number(u32),
}

/// Selects a page of one user's tasks.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskQuery {
    pub user_id: UserId,
    pub filter: TaskFilter,
    pub sort: SortKey,
    pub direction: Direction,
    pub after: Option<Position>,
    /// At least 1.
    pub limit: u32,
}

impl TaskQuery {
    /// Why a store cannot answer this query; none when it can.
    pub fn fault(&self) -> Option<&'static str> {
        if self.limit == 0 {
            return Some("a page of nothing has no next page");
        }
        let is_by_text = !self.filter.text.is_empty() && self.direction == Direction::Descending;
        match self.sort {
            SortKey::Relevance if !is_by_text => {
                Some("relevance is for a text, most relevant first")
            }
            SortKey::Occurrence if self.filter.series.is_none() => {
                Some("occurrences are numbered within a series alone")
            }
            _ => {
                let fits = |after: &Position| self.sort.fits(&after.value);
                let is_out_of_place = !self.after.as_ref().is_none_or(fits);
                is_out_of_place.then_some("the position is none of this order")
            }
        }
    }
}

impl SortKey {
    /// A task's value of this key; none for [`Relevance`](Self::Relevance), which is not the task's alone.
    pub fn value_of(self, task: &Task) -> Option<SortValue> {
        Some(match self {
            SortKey::DueDate => SortValue::Time(task.due_date.map(Timestamp::as_microsecond)),
            SortKey::Priority => SortValue::Priority(task.priority),
            SortKey::CreatedAt => SortValue::Time(Some(task.created_at.as_microsecond())),
            SortKey::UpdatedAt => SortValue::Time(Some(task.updated_at.as_microsecond())),
            SortKey::Title => SortValue::Text(title_key(&task.title)),
            SortKey::Relevance => return None,
            // Never asked of a task outside of a series.
            SortKey::Occurrence => SortValue::Number(task.occurrence.map_or(0, |at| at.number)),
        })
    }

    /// Whether a position of this order can have the value. Positions come from clients.
    fn fits(self, value: &SortValue) -> bool {
        let is_time = |micros: i64| Timestamp::from_microsecond(micros).is_ok();
        match (self, value) {
            (SortKey::DueDate, SortValue::Time(micros)) => micros.is_none_or(is_time),
            (SortKey::CreatedAt | SortKey::UpdatedAt, SortValue::Time(micros)) => {
                micros.is_some_and(is_time)
            }
            (SortKey::Relevance, SortValue::Rank(bits)) => f32::from_bits(*bits).is_finite(),
            (SortKey::Title, SortValue::Text(text)) => !text.contains('\0'),
            (SortKey::Priority, SortValue::Priority(_))
            | (SortKey::Occurrence, SortValue::Number(_)) => true,
            _ => false,
        }
    }
}

/// A page, and where the next one begins; none when this is the last.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskPage {
    pub tasks: Vec<Task>,
    pub next: Option<Position>,
}

/// Reading tasks.
#[async_trait]
pub trait TaskStore: Send + Sync {
    /// The user's task; none when it does not exist or is someone else's.
    async fn find(&self, user_id: UserId, id: TaskId) -> Result<Option<Task>, PortError>;

    /// `Invalid` when the query has a [`fault`](TaskQuery::fault).
    async fn list(&self, query: &TaskQuery) -> Result<TaskPage, PortError>;
}
