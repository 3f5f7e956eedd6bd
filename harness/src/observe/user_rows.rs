use std::collections::HashMap;

use futures::TryStreamExt;
use serde_json::Value;
use sqlx::postgres::PgPoolOptions;
use sqlx::{PgConnection, PgPool, Row};
use uuid::Uuid;

use super::rows::snapshot;
use super::{ObserveError, ObserveErrorKind};
use crate::ledger::EffectRow;

/// Whole rows with their user, table by table. No column is named but those that lead to the user: one that
/// a later migration adds is read as well.
const STATEMENTS: [(&str, &str); 7] = [
    (
        "tasks",
        "SELECT user_id, to_jsonb(t)::text AS row FROM tasks t",
    ),
    (
        "labels",
        "SELECT user_id, to_jsonb(t)::text AS row FROM labels t",
    ),
    (
        "series",
        "SELECT user_id, to_jsonb(t)::text AS row FROM series t",
    ),
    (
        "outbox",
        "SELECT (envelope::jsonb #>> '{data,user_id}')::uuid AS user_id, to_jsonb(t)::text AS row \
         FROM outbox t",
    ),
    (
        "audit_log",
        "SELECT user_id, to_jsonb(t)::text AS row FROM audit_log t",
    ),
    // A row names its line and copies nothing of it.
    (
        "audit_outbox",
        "SELECT l.user_id, (to_jsonb(t) || jsonb_build_object('version', l.task_version, \
         'action', l.action, 'entity', l.entity, 'recorded_event_id', l.event_id))::text AS row \
         FROM audit_outbox t JOIN audit_log l USING (seq)",
    ),
    (
        "keyed_answers",
        "SELECT user_id, to_jsonb(t)::text AS row FROM keyed_answers t",
    ),
];

/// Reads every row that tells of what a user did: tasks, labels, series, events, the trail, and answers
/// that are kept under a key.
#[derive(Clone, Debug)]
pub struct UserRowsObserver {
    pool: PgPool,
}

impl UserRowsObserver {
    /// Makes a pool; the first question connects.
    pub fn new(url: &str) -> Result<Self, ObserveError> {
        let pool = PgPoolOptions::new().max_connections(1).connect_lazy(url);
        let pool = pool.map_err(|source| {
            ObserveError::new(ObserveErrorKind::Connect, "the lane's database", source)
        })?;
        Ok(Self { pool })
    }

    /// All rows by their user, from one snapshot. Within a user's rows the tables come one after the other,
    /// each in any order.
    pub async fn read(&self) -> Result<HashMap<Uuid, Vec<EffectRow>>, ObserveError> {
        let mut snapshot = snapshot(&self.pool).await?;
        let mut rows = HashMap::new();
        for (table, statement) in STATEMENTS {
            read_table(table, statement, &mut snapshot, &mut rows).await?;
        }
        Ok(rows)
    }

    pub async fn close(&self) {
        self.pool.close().await;
    }
}

async fn read_table(
    table: &str,
    statement: &'static str,
    connection: &mut PgConnection,
    rows: &mut HashMap<Uuid, Vec<EffectRow>>,
) -> Result<(), ObserveError> {
    let read = |source| ObserveError::new(ObserveErrorKind::Read, table, source);
    let decode = |source| ObserveError::new(ObserveErrorKind::Decode, table, source);
    let mut found = sqlx::query(statement).fetch(connection);
    while let Some(row) = found.try_next().await.map_err(read)? {
        let user: Uuid = row.try_get("user_id").map_err(decode)?;
        let text: String = row.try_get("row").map_err(decode)?;
        let row: Value = serde_json::from_str(&text)
            .map_err(|source| ObserveError::new(ObserveErrorKind::Decode, table, source))?;
        let table = table.to_owned();
        rows.entry(user).or_default().push(EffectRow { table, row });
    }
    Ok(())
}
