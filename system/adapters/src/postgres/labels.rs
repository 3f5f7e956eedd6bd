use async_trait::async_trait;
use gauntlet_contract::{Label, LabelId, LabelKind, Task, UserId};
use gauntlet_ports::{LabelQuery, LabelStore, PortError};
use sqlx::Row as _;
use sqlx::postgres::PgRow;
use sqlx::query_builder::QueryBuilder;

use super::error::Call;
use super::store::{PostgresStore, out_of_range, unsigned};
use super::task_row::{columns, task};
use super::time::Stamp;

const PORT: &str = "label store";

const SELECT: &str = "SELECT id, user_id, kind, name, color, version, created_at, updated_at FROM labels WHERE user_id = ";

#[async_trait]
impl LabelStore for PostgresStore {
    async fn find_label(
        &self,
        user_id: UserId,
        kind: LabelKind,
        id: LabelId,
    ) -> Result<Option<Label>, PortError> {
        let call = Call::new(PORT, "find a label");
        let mut sql = QueryBuilder::new(SELECT);
        sql.push_bind(user_id.0)
            .push(" AND kind = ")
            .push_bind(kind.as_str());
        sql.push(" AND id = ").push_bind(id.0);
        self.select_one(call, sql, label).await
    }

    async fn labels(&self, query: &LabelQuery) -> Result<Vec<Label>, PortError> {
        let call = Call::new(PORT, "list labels");
        let mut sql = QueryBuilder::new(SELECT);
        sql.push_bind(query.user_id.0);
        sql.push(" AND kind = ").push_bind(query.kind.as_str());
        if let Some(after) = &query.after {
            sql.push(" AND name_key > ").push_bind(after.clone());
        }
        sql.push(" ORDER BY name_key LIMIT ")
            .push_bind(i64::from(query.limit));
        self.select(call, sql, label).await
    }

    async fn tasks_with(
        &self,
        user_id: UserId,
        kind: LabelKind,
        id: LabelId,
        limit: u32,
    ) -> Result<Vec<Task>, PortError> {
        let call = Call::new(PORT, "find tasks with a label");
        // Any will do, so they are found before they are put in order: the limit must not lead the server to
        // read the tasks of everybody in the order of ids until it has come upon enough.
        let mut sql = QueryBuilder::new(concat!(
            "SELECT ",
            columns!(),
            " FROM (SELECT ",
            columns!(),
            " FROM tasks WHERE user_id = "
        ));
        sql.push_bind(user_id.0);
        match kind {
            LabelKind::Tag => {
                // The second condition follows from the first, and is what the partial index asks for.
                sql.push(" AND tags @> ").push_bind(vec![id.0]);
                sql.push(" AND tags <> '{}'");
            }
            LabelKind::Category => {
                sql.push(" AND category_id = ").push_bind(id.0);
            }
        }
        sql.push(" LIMIT ")
            .push_bind(i64::from(limit))
            .push(") AS tasks ORDER BY id");
        self.select(call, sql, task).await
    }
}

fn label(row: &PgRow) -> Result<Label, sqlx::Error> {
    let kind: &str = row.try_get("kind")?;
    let Stamp(created_at) = row.try_get("created_at")?;
    let Stamp(updated_at) = row.try_get("updated_at")?;
    Ok(Label {
        id: LabelId(row.try_get("id")?),
        user_id: UserId(row.try_get("user_id")?),
        kind: LabelKind::from_name(kind).ok_or_else(|| out_of_range(kind))?,
        name: row.try_get("name")?,
        color: row.try_get("color")?,
        version: unsigned::<i64, _>(row.try_get("version")?)?,
        created_at,
        updated_at,
    })
}
