//! What a list of tasks is asked for, and its pages.

use aws_lc_rs::digest::{SHA256, digest};
use axum::Json;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use gauntlet_contract::task::Page;
use gauntlet_contract::{SeriesId, Task, UserId};
use gauntlet_ports::{
    CategoryFilter, Direction, PortErrorKind, Position, SortKey, SortValue, TaskFilter, TaskQuery,
    TaskStore,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::cursor::{self, List};
use super::problem::{ApiError, read_failed};
use super::query::Fields;
use super::task_filter::{YEAR_ZERO, filter};

const NOT_A_CURSOR: &str = "must be a next_cursor of this list";
const ANOTHER_LISTS: &str =
    "belongs to another filter, sort or order; begin that list without a cursor";

/// How the two lists of tasks differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Listing {
    /// Newest first, unless asked otherwise.
    All,
    /// For words, best first unless asked otherwise.
    Search,
}

/// A list as it was asked for.
#[derive(Debug)]
pub(super) struct TaskList {
    query: TaskQuery,
    /// What `overdue` and `due_within` count from: all pages of a list have the first one's.
    now: Timestamp,
    filter_digest: String,
}

/// Where a page ended, and of which list it was.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TaskCursor {
    sort: SortKey,
    order: Direction,
    filter: String,
    now: Timestamp,
    after: Position,
}

impl TaskCursor {
    /// Whoever can read a cursor can write one, and a time that no store knows is no cursor of ours.
    fn is_plausible(&self) -> bool {
        let first = YEAR_ZERO.as_microsecond();
        let is_before = |time: i64| time < first;
        self.now >= YEAR_ZERO
            && !matches!(self.after.value, SortValue::Time(Some(time)) if is_before(time))
    }
}

impl TaskList {
    /// Reads the query of `GET /api/tasks` or `GET /api/tasks/search`.
    pub(super) fn of_fields(
        listing: Listing,
        user_id: UserId,
        mut fields: Fields,
    ) -> Result<Self, ApiError> {
        let limit = fields.limit();
        let cursor = read_cursor(&mut fields);
        let now = cursor
            .as_ref()
            .map_or_else(Timestamp::now, |cursor| cursor.now);
        if listing == Listing::Search && !fields.has("q") {
            fields.refuse("q", "is needed: what to search for");
        }
        let filter = filter(&mut fields, now);
        let (sort, direction) = read_order(&mut fields, listing, &filter);
        Self::new(user_id, filter, (sort, direction), limit, now).behind(cursor, fields)
    }

    /// Reads the query of `GET /api/tasks/{id}/instances`.
    pub(super) fn of_instances(
        series_id: SeriesId,
        user_id: UserId,
        mut fields: Fields,
    ) -> Result<Self, ApiError> {
        let limit = fields.limit();
        let cursor = read_cursor(&mut fields);
        let filter = TaskFilter {
            series: Some(series_id),
            ..TaskFilter::default()
        };
        let order = (SortKey::Occurrence, Direction::Ascending);
        Self::new(user_id, filter, order, limit, Timestamp::now()).behind(cursor, fields)
    }

    fn new(
        user_id: UserId,
        filter: TaskFilter,
        (sort, direction): (SortKey, Direction),
        limit: u32,
        now: Timestamp,
    ) -> Self {
        Self {
            filter_digest: digest_of(&filter),
            now,
            query: TaskQuery {
                user_id,
                filter,
                sort,
                direction,
                after: None,
                limit,
            },
        }
    }

    /// The page behind a cursor, which must be of this very list.
    fn behind(mut self, cursor: Option<TaskCursor>, mut fields: Fields) -> Result<Self, ApiError> {
        if let Some(cursor) = cursor {
            let is_of_this_list = cursor.sort == self.query.sort
                && cursor.order == self.query.direction
                && cursor.filter == self.filter_digest;
            if !is_of_this_list {
                fields.refuse("cursor", ANOTHER_LISTS);
            }
            self.query.after = Some(cursor.after);
        }
        fields.finish()?;
        Ok(self)
    }

    /// Keyset and not offset pages: a task that is created meanwhile shifts nothing.
    pub(super) async fn page(&self, store: &dyn TaskStore) -> Result<Json<Page<Task>>, ApiError> {
        let page = store.list(&self.query).await.map_err(|error| {
            // Only a cursor that nobody got from us has a position of another kind.
            if error.kind == PortErrorKind::Invalid && self.query.after.is_some() {
                return ApiError::field("cursor", NOT_A_CURSOR);
            }
            read_failed(error)
        })?;
        let next_cursor = page.next.map(|after| self.cursor(after)).transpose()?;
        Ok(Json(Page {
            items: page.tasks,
            next_cursor,
        }))
    }

    fn cursor(&self, after: Position) -> Result<String, ApiError> {
        let cursor = TaskCursor {
            sort: self.query.sort,
            order: self.query.direction,
            filter: self.filter_digest.clone(),
            now: self.now,
            after,
        };
        let json = serde_json::to_string(&cursor).map_err(|error| {
            tracing::error!(%error, "cursor cannot be written");
            ApiError::Internal
        })?;
        Ok(cursor::encode(List::Tasks, json))
    }
}

fn read_cursor(fields: &mut Fields) -> Option<TaskCursor> {
    fields.read("cursor", NOT_A_CURSOR, |text| {
        let json: String = cursor::decode(List::Tasks, text)?;
        let cursor: TaskCursor = serde_json::from_str(&json).ok()?;
        cursor.is_plausible().then_some(cursor)
    })
}

/// Reads `sort` and `order`. Without an order what comes first is what most want to see first.
fn read_order(fields: &mut Fields, listing: Listing, filter: &TaskFilter) -> (SortKey, Direction) {
    let expected =
        "must be due_date, priority, created_at, updated_at, title or, with q, relevance";
    let sort = fields.read("sort", expected, |text| sort_key(text, filter));
    let sort = sort.unwrap_or(match listing {
        Listing::All => SortKey::CreatedAt,
        Listing::Search => SortKey::Relevance,
    });
    let expected = match sort {
        SortKey::Relevance => "must be desc: relevance goes from the best to the worst",
        _ => "must be asc or desc",
    };
    let direction = fields.read("order", expected, |text| match text {
        "asc" if sort != SortKey::Relevance => Some(Direction::Ascending),
        "desc" => Some(Direction::Descending),
        _ => None,
    });
    let direction = direction.unwrap_or(match sort {
        SortKey::DueDate | SortKey::Title => Direction::Ascending,
        _ => Direction::Descending,
    });
    (sort, direction)
}

fn sort_key(name: &str, filter: &TaskFilter) -> Option<SortKey> {
    Some(match name {
        "due_date" => SortKey::DueDate,
        "priority" => SortKey::Priority,
        "created_at" => SortKey::CreatedAt,
        "updated_at" => SortKey::UpdatedAt,
        "title" => SortKey::Title,
        "relevance" if !filter.text.is_empty() => SortKey::Relevance,
        _ => return None,
    })
}

/// Tells one filter from another. Should its spelling change one day, the cursors of the day before are
/// refused, which is no more than an inconvenience.
fn digest_of(filter: &TaskFilter) -> String {
    let status: Vec<_> = filter.status.iter().map(|status| status.as_str()).collect();
    let category = filter.category.map(|category| match category {
        CategoryFilter::Is(id) => id.to_string(),
        CategoryFilter::Uncategorized => String::new(),
    });
    let (due, created) = (filter.due, filter.created);
    // Every condition at its place, so that no two filters look alike.
    let told = format!(
        "{:?}",
        (
            (
                &filter.text,
                status,
                &filter.priority,
                category,
                &filter.tags
            ),
            (due.from, due.before, created.from, created.before),
            (filter.overdue, filter.series),
        )
    );
    BASE64_URL_SAFE_NO_PAD.encode(digest(&SHA256, told.as_bytes()))
}
