use std::time::Duration;

use async_trait::async_trait;
use gauntlet_contract::UserId;
use gauntlet_ports::{AnswerStore, KeyedAnswer, PortError, StoredAnswer};
use sqlx::Row as _;
use sqlx::postgres::{PgRow, Postgres};
use sqlx::query_builder::QueryBuilder;
use sqlx::types::Json;

use super::error::Call;
use super::store::{PostgresStore, unsigned};
use super::time::micros;

const PORT: &str = "answer store";

// Two replicas purge side by side without waiting for each other.
const PURGE: &str = "
    WITH old AS (
        SELECT user_id, key FROM keyed_answers
        WHERE created_at <= statement_timestamp() - $1::bigint * interval '1 microsecond'
        ORDER BY created_at LIMIT $2 FOR UPDATE SKIP LOCKED)
    DELETE FROM keyed_answers k USING old WHERE k.user_id = old.user_id AND k.key = old.key";

#[async_trait]
impl AnswerStore for PostgresStore {
    async fn answer(&self, user_id: UserId, key: &str) -> Result<Option<KeyedAnswer>, PortError> {
        let call = Call::new(PORT, "find an answer");
        let mut sql = QueryBuilder::new(
            "SELECT key, fingerprint, status, headers, body FROM keyed_answers WHERE user_id = ",
        );
        sql.push_bind(user_id.0)
            .push(" AND key = ")
            .push_bind(key.to_owned());
        self.select_one(call, sql, answer).await
    }

    async fn purge_answers(&self, older_than: Duration, limit: u32) -> Result<u64, PortError> {
        let call = Call::new(PORT, "purge answers");
        let mut connection = self.database.acquire(call).await?;
        let statement = sqlx::query(PURGE)
            .bind(micros(older_than))
            .bind(i64::from(limit));
        let done = self
            .database
            .answer(call, statement.execute(&mut *connection))
            .await?;
        Ok(done.rows_affected())
    }
}

/// Pushes the values of user, key, fingerprint, status, headers and body.
pub(super) fn push_values(sql: &mut QueryBuilder<Postgres>, user_id: UserId, answer: &KeyedAnswer) {
    let mut values = sql.separated(", ");
    values.push_bind(user_id.0);
    values.push_bind(answer.key.clone());
    values.push_bind(answer.fingerprint.clone());
    values.push_bind(i32::from(answer.answer.status));
    values.push_bind(Json(answer.answer.headers.clone()));
    values.push_bind(answer.answer.body.clone());
}

fn answer(row: &PgRow) -> Result<KeyedAnswer, sqlx::Error> {
    let Json(headers) = row.try_get("headers")?;
    Ok(KeyedAnswer {
        key: row.try_get("key")?,
        fingerprint: row.try_get("fingerprint")?,
        answer: StoredAnswer {
            status: unsigned::<i32, _>(row.try_get("status")?)?,
            headers,
            body: row.try_get("body")?,
        },
    })
}
