use async_trait::async_trait;
use gauntlet_contract::{Task, TaskId, UserId};
use gauntlet_ports::{
    PortError, PortErrorKind, Position, SortKey, SortValue, TaskPage, TaskQuery, TaskStore,
};
use serde_json::Value;
use sqlx::Row as _;
use sqlx::postgres::PgRow;
use sqlx::query_builder::QueryBuilder;
use sqlx::types::Json;

use super::error::Call;
use super::store::PostgresStore;
use super::task_list::listing;
use super::task_row::{columns, task};

const PORT: &str = "task store";

#[async_trait]
impl TaskStore for PostgresStore {
    async fn find(&self, user_id: UserId, id: TaskId) -> Result<Option<Task>, PortError> {
        let call = Call::new(PORT, "find a task");
        let mut sql = QueryBuilder::new(concat!("SELECT ", columns!(), " FROM tasks WHERE id = "));
        sql.push_bind(id.0)
            .push(" AND user_id = ")
            .push_bind(user_id.0);
        self.select_one(call, sql, task).await
    }

    async fn list(&self, query: &TaskQuery) -> Result<TaskPage, PortError> {
        let call = Call::new(PORT, "list tasks");
        check(call, query)?;
        let read = match query.sort {
            SortKey::Relevance => ranked,
            SortKey::Title => titled,
            _ => plain,
        };
        let mut rows = self.select(call, listing("", query), read).await?;
        // One more than asked for was selected, to see whether there is one.
        let limit = query.limit as usize;
        let has_more = rows.len() > limit;
        rows.truncate(limit);
        let last = rows.last().filter(|_| has_more);
        Ok(TaskPage {
            next: last.and_then(|(task, stored)| position(query.sort, task, stored.as_ref())),
            tasks: rows.into_iter().map(|(task, _)| task).collect(),
        })
    }
}

impl PostgresStore {
    /// Runs a list and answers how Postgres went about it: `EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON)` of
    /// the very statement. For whoever wants to know that a list uses its index.
    pub async fn explain(&self, query: &TaskQuery) -> Result<Value, PortError> {
        let call = Call::new(PORT, "explain a list");
        check(call, query)?;
        let sql = listing("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ", query);
        let plan = |row: &PgRow| row.try_get(0).map(|Json(plan)| plan);
        let plan = self.select_one(call, sql, plan).await?;
        plan.ok_or_else(|| call.failed(sqlx::Error::RowNotFound))
    }
}

fn check(call: Call, query: &TaskQuery) -> Result<(), PortError> {
    match query.fault() {
        Some(fault) => Err(call.error(PortErrorKind::Invalid, fault)),
        None => Ok(()),
    }
}

fn position(sort: SortKey, task: &Task, stored: Option<&SortValue>) -> Option<Position> {
    let value = stored.cloned().or_else(|| sort.value_of(task))?;
    Some(Position { value, id: task.id })
}

/// A task, and the value that it is ordered by where the task alone does not tell.
type Listed = (Task, Option<SortValue>);

fn plain(row: &PgRow) -> Result<Listed, sqlx::Error> {
    Ok((task(row)?, None))
}

/// The key as it is stored: the server made it where no version that knows it has written the row since.
fn titled(row: &PgRow) -> Result<Listed, sqlx::Error> {
    Ok((task(row)?, Some(SortValue::Text(row.try_get("title_key")?))))
}

fn ranked(row: &PgRow) -> Result<Listed, sqlx::Error> {
    let rank: f32 = row.try_get("rank")?;
    Ok((task(row)?, Some(SortValue::Rank(rank.to_bits()))))
}
