use async_trait::async_trait;
use gauntlet_contract::recurrence::Mode;
use gauntlet_contract::{Series, SeriesId, Task, UserId};
use gauntlet_ports::{PortError, SeriesStore};
use jiff::Timestamp;
use sqlx::Row as _;
use sqlx::postgres::{PgRow, Postgres};
use sqlx::query_builder::QueryBuilder;
use sqlx::types::Json;

use super::error::Call;
use super::store::{PostgresStore, unsigned};
use super::task_row::{columns, task};
use super::time::{Stamp, WallTime};

const PORT: &str = "series store";

const SELECT: &str = "SELECT id, user_id, recurrence, start_local, time_zone, next_occurrence, \
     latest_due_at, template, ended_at, version, created_at, updated_at FROM series WHERE ";

#[async_trait]
impl SeriesStore for PostgresStore {
    async fn find_series(&self, id: SeriesId) -> Result<Option<Series>, PortError> {
        let call = Call::new(PORT, "find a series");
        let mut sql = QueryBuilder::new(SELECT);
        sql.push("id = ").push_bind(id.0);
        self.select_one(call, sql, series).await
    }

    async fn instance(&self, id: SeriesId, number: u32) -> Result<Option<Task>, PortError> {
        let call = Call::new(PORT, "find an instance");
        let mut sql = instances(id);
        sql.push(" AND occurrence = ").push_bind(i64::from(number));
        self.select_one(call, sql, task).await
    }

    async fn latest_instance(&self, id: SeriesId) -> Result<Option<Task>, PortError> {
        let call = Call::new(PORT, "find the latest instance");
        let mut sql = instances(id);
        sql.push(" ORDER BY occurrence DESC LIMIT 1");
        self.select_one(call, sql, task).await
    }

    async fn due_series(
        &self,
        now: Timestamp,
        after: Option<SeriesId>,
        limit: u32,
    ) -> Result<Vec<Series>, PortError> {
        let call = Call::new(PORT, "find due series");
        // What is due is found before it is put in order: the limit must not lead the server to read series
        // that are not due in the order of ids until it has come upon enough.
        let mut sql = QueryBuilder::new("WITH due AS MATERIALIZED (SELECT id FROM series WHERE ");
        // Not bound, as the condition of the partial index is not.
        sql.push("mode = '").push(mode_name(Mode::OnSchedule));
        sql.push("' AND ended_at IS NULL AND latest_due_at <= ")
            .push_bind(Stamp(now));
        if let Some(SeriesId(after)) = after {
            sql.push(" AND id > ").push_bind(after);
        }
        sql.push(") ").push(SELECT);
        sql.push("id IN (SELECT id FROM due ORDER BY id LIMIT ")
            .push_bind(i64::from(limit))
            .push(") ORDER BY id");
        self.select(call, sql, series).await
    }
}

fn instances(id: SeriesId) -> QueryBuilder<Postgres> {
    let mut sql = QueryBuilder::new(concat!(
        "SELECT ",
        columns!(),
        " FROM tasks WHERE series_id = "
    ));
    sql.push_bind(id.0);
    sql
}

/// The mode as rows spell it, and the contract too.
pub(super) fn mode_name(mode: Mode) -> &'static str {
    match mode {
        Mode::OnSchedule => "on_schedule",
        Mode::OnCompletion => "on_completion",
    }
}

fn series(row: &PgRow) -> Result<Series, sqlx::Error> {
    let Json(recurrence) = row.try_get("recurrence")?;
    let Json(template) = row.try_get("template")?;
    let WallTime(start) = row.try_get("start_local")?;
    let Stamp(latest_due_at) = row.try_get("latest_due_at")?;
    let ended_at: Option<Stamp> = row.try_get("ended_at")?;
    let Stamp(created_at) = row.try_get("created_at")?;
    let Stamp(updated_at) = row.try_get("updated_at")?;
    Ok(Series {
        id: SeriesId(row.try_get("id")?),
        user_id: UserId(row.try_get("user_id")?),
        recurrence,
        start,
        time_zone: row.try_get("time_zone")?,
        next_occurrence: unsigned::<i64, _>(row.try_get("next_occurrence")?)?,
        latest_due_at,
        template,
        ended_at: ended_at.map(|at| at.0),
        version: unsigned::<i64, _>(row.try_get("version")?)?,
        created_at,
        updated_at,
    })
}
