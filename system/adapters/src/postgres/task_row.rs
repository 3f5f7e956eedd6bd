//! A task as a row.

use gauntlet_contract::{
    LabelId, Occurrence, Priority, SeriesId, Task, TaskId, TaskStatus, UserId,
};
use gauntlet_ports::title_key;
use sqlx::Row as _;
use sqlx::postgres::{PgRow, Postgres};
use sqlx::query_builder::QueryBuilder;
use uuid::Uuid;

use super::search;
use super::store::{out_of_range, unsigned};
use super::time::Stamp;

/// What [`task`] reads.
macro_rules! columns {
    () => {
        "id, user_id, title, description, status, priority, due_at, time_zone, category_id, tags, \
         series_id, occurrence, version, created_at, updated_at, completed_at"
    };
}
pub(super) use columns;

/// What [`push_values`] binds, in its order. A row's id and user never change.
pub(super) const WRITTEN: &str = "title, title_key, description, search, status, priority, due_at, \
     time_zone, category_id, tags, series_id, occurrence, version, text_version, created_at, \
     updated_at, completed_at";

/// A row that does not decode was written by a newer version of this program, or by a stranger.
pub(super) fn task(row: &PgRow) -> Result<Task, sqlx::Error> {
    let status: &str = row.try_get("status")?;
    let tags: Vec<Uuid> = row.try_get("tags")?;
    let stamp = |column| {
        row.try_get(column)
            .map(|stamp: Option<Stamp>| stamp.map(|at| at.0))
    };
    let Stamp(created_at) = row.try_get("created_at")?;
    let Stamp(updated_at) = row.try_get("updated_at")?;
    Ok(Task {
        id: TaskId(row.try_get("id")?),
        user_id: UserId(row.try_get("user_id")?),
        title: row.try_get("title")?,
        description: row.try_get("description")?,
        status: TaskStatus::from_name(status).ok_or_else(|| out_of_range(status))?,
        priority: priority(row.try_get("priority")?)?,
        due_date: stamp("due_at")?,
        time_zone: row.try_get("time_zone")?,
        category_id: row.try_get::<Option<_>, _>("category_id")?.map(LabelId),
        tags: tags.into_iter().map(LabelId).collect(),
        occurrence: occurrence(row)?,
        version: unsigned::<i64, _>(row.try_get("version")?)?,
        created_at,
        updated_at,
        completed_at: stamp("completed_at")?,
    })
}

fn occurrence(row: &PgRow) -> Result<Option<Occurrence>, sqlx::Error> {
    let series: Option<Uuid> = row.try_get("series_id")?;
    let number: Option<i64> = row.try_get("occurrence")?;
    let of_series = |(series, number)| {
        Ok(Occurrence {
            series_id: SeriesId(series),
            number: unsigned::<i64, _>(number)?,
        })
    };
    series.zip(number).map(of_series).transpose()
}

/// Pushes the values of [`WRITTEN`], separated by commas.
pub(super) fn push_values(sql: &mut QueryBuilder<Postgres>, task: &Task, version: i64) {
    let search = search::vector(task.user_id, &task.title, task.description.as_deref());
    let tags: Vec<_> = task.tags.iter().map(|tag| tag.0).collect();
    let stamp = |time: Option<jiff::Timestamp>| time.map(Stamp);
    let mut values = sql.separated(", ");
    values.push_bind(task.title.clone());
    values.push_bind(title_key(&task.title));
    values.push_bind(task.description.clone());
    values.push_bind(search).push_unseparated("::tsvector");
    values.push_bind(task.status.as_str());
    values.push_bind(rank(task.priority));
    values.push_bind(stamp(task.due_date));
    values.push_bind(task.time_zone.clone());
    values.push_bind(task.category_id.map(|id| id.0));
    values.push_bind(tags);
    values.push_bind(task.occurrence.map(|at| at.series_id.0));
    values.push_bind(task.occurrence.map(|at| i64::from(at.number)));
    values.push_bind(version);
    values.push_bind(version);
    values.push_bind(Stamp(task.created_at));
    values.push_bind(Stamp(task.updated_at));
    values.push_bind(stamp(task.completed_at));
}

/// The priority as its column counts.
pub(super) fn rank(priority: Priority) -> i16 {
    match priority {
        Priority::Low => 0,
        Priority::Medium => 1,
        Priority::High => 2,
        Priority::Urgent => 3,
    }
}

fn priority(rank_found: i16) -> Result<Priority, sqlx::Error> {
    let found = Priority::ALL
        .into_iter()
        .find(|one| rank(*one) == rank_found);
    found.ok_or_else(|| out_of_range(rank_found))
}
