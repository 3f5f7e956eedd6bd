//! The statement of a list: dynamic, because a plan can use the index of an order or a filter only
//! where the statement names it. Whatever a client gave is bound.

use gauntlet_contract::TaskStatus;
use gauntlet_ports::{
    CategoryFilter, Direction, OverdueFilter, Position, SortKey, SortValue, TaskFilter, TaskQuery,
    TimeRange,
};
use jiff::Timestamp;
use sqlx::postgres::Postgres;
use sqlx::query_builder::QueryBuilder;
use uuid::Uuid;

use super::search;
use super::task_row::{columns, rank};
use super::time::Stamp;

/// Which tasks of a list a selection is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    All,
    Dated,
    Undated,
    DueFrom(Timestamp),
    CompletedAndDueBefore(Timestamp),
}

/// Selects one task more than the page has, if there is one, so that the last page is known to be the
/// last. The query has no [`fault`](TaskQuery::fault).
pub(super) fn listing(prefix: &'static str, query: &TaskQuery) -> QueryBuilder<Postgres> {
    let mut sql = QueryBuilder::new(prefix);
    match parts(query).as_slice() {
        [part] => push_part(&mut sql, query, *part),
        parts => push_parts(&mut sql, query, parts),
    }
    sql
}

/// What the list is put together of, in its order: a part each for what an index has in one piece.
fn parts(query: &TaskQuery) -> Vec<Part> {
    if query.sort != SortKey::DueDate {
        return vec![Part::All];
    }
    if (query.after.as_ref()).is_some_and(|at| at.value == SortValue::Time(None)) {
        return vec![Part::Undated];
    }
    let filter = &query.filter;
    let mut parts = match filter.overdue {
        // What is overdue lies among what is not, and may be all there is for many pages.
        Some(OverdueFilter::NotAt(now)) => match Asked::of(filter) {
            Asked::Open => vec![Part::DueFrom(now)],
            Asked::Completed => vec![Part::Dated],
            Asked::Both => vec![Part::CompletedAndDueBefore(now), Part::DueFrom(now)],
        },
        _ => vec![Part::Dated],
    };
    if query.direction == Direction::Descending {
        parts.reverse();
    }
    if !is_dated(filter) {
        parts.push(Part::Undated);
    }
    parts
}

/// Which tasks a filter by status leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    Open,
    Completed,
    Both,
}

impl Asked {
    fn of(filter: &TaskFilter) -> Self {
        let is_completed = |status: &TaskStatus| *status == TaskStatus::Completed;
        let status = &filter.status;
        match (
            status.iter().any(is_completed),
            status.iter().all(is_completed),
        ) {
            // Of none all are.
            (false, true) | (true, false) => Asked::Both,
            (true, true) => Asked::Completed,
            (false, false) => Asked::Open,
        }
    }
}

/// No index has undated tasks last in both directions, so these are several lists, each in the order of an
/// index. One is not even begun when those before it fill the page: a limit of 0 asks its plan for
/// nothing. Its own limit, inside, is for the planner, which cannot know the outer one.
fn push_parts(sql: &mut QueryBuilder<Postgres>, query: &TaskQuery, parts: &[Part]) {
    let order = direction(query.direction);
    sql.push("WITH ");
    for (number, part) in parts.iter().enumerate() {
        if number > 0 {
            sql.push(", ");
        }
        sql.push(format_args!(
            "part_{number} AS MATERIALIZED (SELECT * FROM ("
        ));
        push_part(sql, query, *part);
        sql.push(") AS page LIMIT ").push_bind(limit(query));
        for before in 0..number {
            sql.push(format_args!(" - (SELECT count(*) FROM part_{before})"));
        }
        sql.push(")");
    }
    for number in 0..parts.len() {
        let union = if number > 0 { " UNION ALL" } else { "" };
        sql.push(format_args!(
            "{union} SELECT {number} AS part, part_{number}.* FROM part_{number}"
        ));
    }
    sql.push(" ORDER BY part, due_at");
    sql.push(order).push(", id").push(order);
}

fn push_part(sql: &mut QueryBuilder<Postgres>, query: &TaskQuery, part: Part) {
    sql.push(concat!("SELECT ", columns!()));
    match query.sort {
        SortKey::Relevance => {
            sql.push(", ");
            push_rank(sql, query);
            sql.push(" AS rank");
        }
        SortKey::Title => {
            sql.push(", title_key");
        }
        _ => {}
    }
    sql.push(" FROM tasks WHERE user_id = ")
        .push_bind(query.user_id.0);
    match part {
        Part::All => {}
        Part::Dated => {
            sql.push(" AND due_at IS NOT NULL");
        }
        Part::Undated => {
            sql.push(" AND due_at IS NULL");
        }
        Part::DueFrom(time) => {
            sql.push(" AND due_at >= ").push_bind(Stamp(time));
        }
        // The status is not bound, so that the partial index of completed tasks can be seen to hold them all.
        Part::CompletedAndDueBefore(time) => {
            sql.push(" AND status = 'completed' AND due_at < ")
                .push_bind(Stamp(time));
        }
    }
    push_filter(sql, query, part);
    // A position among the dated tasks is before all undated ones.
    let is_before_part =
        |after: &&Position| part == Part::Undated && after.value != SortValue::Time(None);
    if let Some(after) = query.after.as_ref().filter(|after| !is_before_part(after)) {
        push_position(sql, query, after);
    }
    let order = direction(query.direction);
    sql.push(" ORDER BY ").push(column(query.sort)).push(order);
    sql.push(", id").push(order);
    sql.push(" LIMIT ").push_bind(limit(query));
}

fn push_filter(sql: &mut QueryBuilder<Postgres>, query: &TaskQuery, part: Part) {
    let filter = &query.filter;
    if !filter.text.is_empty() {
        let text = search::query(query.user_id, &filter.text);
        sql.push(" AND search @@ ")
            .push_bind(text)
            .push("::tsquery");
    }
    if !filter.status.is_empty() {
        let names: Vec<_> = filter.status.iter().map(|status| status.as_str()).collect();
        sql.push(" AND status = ANY (").push_bind(names).push(")");
    }
    if !filter.priority.is_empty() {
        let ranks: Vec<_> = filter.priority.iter().map(|one| rank(*one)).collect();
        sql.push(" AND priority = ANY (").push_bind(ranks).push(")");
    }
    match filter.category {
        None => {}
        Some(CategoryFilter::Is(id)) => {
            sql.push(" AND category_id = ").push_bind(id.0);
        }
        Some(CategoryFilter::Uncategorized) => {
            sql.push(" AND category_id IS NULL");
        }
    }
    if !filter.tags.is_empty() {
        let tags: Vec<Uuid> = filter.tags.iter().map(|tag| tag.0).collect();
        // The second condition follows from the first, and is what the partial index asks for.
        sql.push(" AND tags @> ")
            .push_bind(tags)
            .push(" AND tags <> '{}'");
    }
    push_range(sql, "due_at", filter.due);
    push_range(sql, "created_at", filter.created);
    push_overdue(sql, filter, part);
    if let Some(series) = filter.series {
        sql.push(" AND series_id = ").push_bind(series.0);
    }
}

fn push_overdue(sql: &mut QueryBuilder<Postgres>, filter: &TaskFilter, part: Part) {
    match (filter.overdue, part) {
        (Some(OverdueFilter::At(now)), _) => {
            sql.push(" AND due_at < ").push_bind(Stamp(now));
            // Not bound, so that the partial index of open tasks can be seen to hold them all.
            sql.push(" AND status <> 'completed'");
        }
        // Of what has no due date a comparison says neither yes nor no.
        (Some(OverdueFilter::NotAt(now)), Part::All) => match Asked::of(filter) {
            Asked::Completed => {}
            Asked::Open => {
                sql.push(" AND (due_at IS NULL OR due_at >= ")
                    .push_bind(Stamp(now))
                    .push(")");
            }
            Asked::Both => {
                sql.push(" AND (due_at IS NULL OR due_at >= ")
                    .push_bind(Stamp(now))
                    .push(" OR status = 'completed')");
            }
        },
        // The other parts are such that nothing in them is overdue.
        (Some(OverdueFilter::NotAt(_)) | None, _) => {}
    }
}

fn push_range(sql: &mut QueryBuilder<Postgres>, column: &'static str, range: TimeRange) {
    let mut bound = |operator: &'static str, time: Option<Timestamp>| {
        if let Some(time) = time {
            sql.push(" AND ")
                .push(column)
                .push(operator)
                .push_bind(Stamp(time));
        }
    };
    bound(" >= ", range.from);
    bound(" < ", range.before);
}

/// Behind the position. Row comparison is what an index of both columns is searched by.
fn push_position(sql: &mut QueryBuilder<Postgres>, query: &TaskQuery, after: &Position) {
    if after.value == SortValue::Time(None) {
        // Among the undated tasks all are equal but for their ids.
        sql.push(" AND id")
            .push(behind(query.direction))
            .push_bind(after.id.0);
        return;
    }
    sql.push(" AND (");
    match query.sort {
        SortKey::Relevance => push_rank(sql, query),
        sort => {
            sql.push(column(sort));
        }
    }
    sql.push(", id)").push(behind(query.direction)).push("(");
    match &after.value {
        SortValue::Time(micros) => {
            let at = micros.and_then(|micros| Timestamp::from_microsecond(micros).ok());
            sql.push_bind(at.map(Stamp));
        }
        SortValue::Priority(priority) => {
            sql.push_bind(rank(*priority));
        }
        SortValue::Text(text) => {
            sql.push_bind(text.clone());
        }
        SortValue::Rank(bits) => {
            sql.push_bind(f32::from_bits(*bits));
        }
        SortValue::Number(number) => {
            sql.push_bind(i64::from(*number));
        }
    }
    sql.push(", ").push_bind(after.id.0).push(")");
}

fn push_rank(sql: &mut QueryBuilder<Postgres>, query: &TaskQuery) {
    let text = search::query(query.user_id, &query.filter.text);
    sql.push("ts_rank(search, ")
        .push_bind(text)
        .push("::tsquery)");
}

/// Whether no undated task can meet the filter.
fn is_dated(filter: &TaskFilter) -> bool {
    filter.due != TimeRange::default() || matches!(filter.overdue, Some(OverdueFilter::At(_)))
}

fn column(sort: SortKey) -> &'static str {
    match sort {
        SortKey::DueDate => "due_at",
        SortKey::Priority => "priority",
        SortKey::CreatedAt => "created_at",
        SortKey::UpdatedAt => "updated_at",
        SortKey::Title => "title_key",
        SortKey::Relevance => "rank",
        SortKey::Occurrence => "occurrence",
    }
}

fn direction(direction: Direction) -> &'static str {
    match direction {
        Direction::Ascending => " ASC",
        Direction::Descending => " DESC",
    }
}

fn behind(direction: Direction) -> &'static str {
    match direction {
        Direction::Ascending => " > ",
        Direction::Descending => " < ",
    }
}

fn limit(query: &TaskQuery) -> i64 {
    i64::from(query.limit) + 1
}
