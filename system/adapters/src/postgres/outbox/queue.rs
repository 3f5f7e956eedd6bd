use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use gauntlet_contract::EntityId;
use gauntlet_ports::{OutboxEntry, OutboxQueue, PortError, Sent};
use sqlx::Row as _;
use uuid::Uuid;

use super::statement::{OF_API, OF_AUDIT, Statements};
use crate::postgres::database::Database;
use crate::postgres::error::Call;
use crate::postgres::leases::Leases;

const PORT: &str = "outbox queue";

/// An outbox as one relay sees it. Two values are two holders, as if in two processes; clones of
/// one are the same holder.
#[derive(Clone, Debug)]
pub struct PostgresOutbox {
    database: Database,
    statements: &'static Statements,
    holder: Uuid,
    leases: Arc<Leases>,
}

impl PostgresOutbox {
    /// The outbox that the api role commits its events to.
    pub fn new(database: Database) -> Self {
        Self::over(database, &OF_API)
    }

    /// The outbox of the lines that the audit role records.
    pub fn of_audit(database: Database) -> Self {
        Self::over(database, &OF_AUDIT)
    }

    fn over(database: Database, statements: &'static Statements) -> Self {
        Self {
            database,
            statements,
            holder: Uuid::now_v7(),
            leases: Arc::default(),
        }
    }
}

#[async_trait]
impl OutboxQueue for PostgresOutbox {
    async fn renew(&self, ttl: Duration) -> Result<u32, PortError> {
        let call = Call::new(PORT, "renew leases");
        let mut connection = self.database.acquire(call).await?;
        let statement = sqlx::query(self.statements.renew)
            .bind(self.holder)
            .bind(micros(ttl));
        let rows = self
            .database
            .answer(call, statement.fetch_all(&mut *connection))
            .await?;
        let held = rows
            .iter()
            .map(|row| Ok((row.try_get("shard")?, row.try_get("epoch")?)))
            .collect::<Result<_, _>>()
            .map_err(|error| call.failed(error))?;
        // Also when fewer came back than before: a mark under a lost lease must not pass.
        self.leases.replace(held);
        Ok(u32::try_from(rows.len()).unwrap_or(u32::MAX))
    }

    async fn unsent(&self, limit: u32, busy: &[EntityId]) -> Result<Vec<OutboxEntry>, PortError> {
        let call = Call::new(PORT, "select unsent events");
        let busy: Vec<_> = busy.iter().map(|id| id.0).collect();
        let mut connection = self.database.acquire(call).await?;
        let statement = sqlx::query(self.statements.unsent)
            .bind(self.holder)
            .bind(busy)
            .bind(i64::from(limit));
        let rows = self
            .database
            .answer(call, statement.fetch_all(&mut *connection))
            .await?;
        rows.iter()
            .map(self.statements.entry)
            .collect::<Result<_, _>>()
            .map_err(|error| call.failed(error))
    }

    async fn mark_sent(&self, sent: &[Sent]) -> Result<u64, PortError> {
        let call = Call::new(PORT, "mark events as sent");
        // One array for each column: a statement with a row for each event would be a different
        // statement for every batch size, and none would be prepared in time.
        let (shards, epochs) = self.leases.columns();
        let seqs: Vec<_> = sent.iter().map(|sent| sent.seq).collect();
        let started: Vec<_> = sent
            .iter()
            .map(|sent| sent.started_at.as_microsecond())
            .collect();
        let took: Vec<_> = sent.iter().map(|sent| sent.took.map(micros)).collect();
        let mut connection = self.database.acquire(call).await?;
        let statement = sqlx::query(self.statements.mark_sent)
            .bind(self.holder)
            .bind(seqs)
            .bind(started)
            .bind(took)
            .bind(shards)
            .bind(epochs);
        let done = self
            .database
            .answer(call, statement.execute(&mut *connection))
            .await?;
        Ok(done.rows_affected())
    }

    async fn mark_attempted(&self, seqs: &[i64]) -> Result<(), PortError> {
        let call = Call::new(PORT, "count attempts");
        let mut connection = self.database.acquire(call).await?;
        let statement = sqlx::query(self.statements.mark_attempted).bind(seqs.to_vec());
        self.database
            .answer(call, statement.execute(&mut *connection))
            .await
            .map(drop)
    }

    async fn purge_sent(&self, older_than: Duration, limit: u32) -> Result<u64, PortError> {
        let call = Call::new(PORT, "purge sent events");
        let mut connection = self.database.acquire(call).await?;
        let statement = sqlx::query(self.statements.purge_sent)
            .bind(self.holder)
            .bind(micros(older_than))
            .bind(i64::from(limit));
        let done = self
            .database
            .answer(call, statement.execute(&mut *connection))
            .await?;
        Ok(done.rows_affected())
    }

    async fn depth(&self) -> Result<u64, PortError> {
        let call = Call::new(PORT, "count unsent events");
        let mut connection = self.database.acquire(call).await?;
        let statement = sqlx::query_scalar(self.statements.depth);
        let count: i64 = self
            .database
            .answer(call, statement.fetch_one(&mut *connection))
            .await?;
        Ok(count.unsigned_abs())
    }

    async fn release(&self) -> Result<(), PortError> {
        let call = Call::new(PORT, "release leases");
        self.leases.replace(std::collections::BTreeMap::new());
        let mut connection = self.database.acquire(call).await?;
        let statement = sqlx::query(self.statements.release).bind(self.holder);
        self.database
            .answer(call, statement.execute(&mut *connection))
            .await
            .map(drop)
    }
}

/// Postgres counts in microseconds; a lease that outlives the calendar is as good as for ever.
fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}
