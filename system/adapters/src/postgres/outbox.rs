use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use gauntlet_contract::{Envelope, TaskId, TopicName};
use gauntlet_ports::{OutboxEntry, OutboxQueue, PortError, Sent};
use sqlx::Row as _;
use sqlx::postgres::PgRow;
use uuid::Uuid;

use super::database::Database;
use super::error::Call;
use super::leases::Leases;

const PORT: &str = "outbox queue";

// Takes what is free or has run out and keeps what is ours. The epoch grows only when the holder
// changes; a holder who was late but unchallenged has missed nothing.
const RENEW: &str = "
    UPDATE relay_lease SET
        epoch = CASE WHEN holder = $1 THEN epoch ELSE epoch + 1 END,
        holder = $1,
        expires_at = clock_timestamp() + $2::bigint * interval '1 microsecond'
    WHERE shard IN (
        SELECT shard FROM relay_lease
        WHERE holder = $1 OR holder IS NULL OR expires_at < clock_timestamp()
        FOR UPDATE SKIP LOCKED)
    RETURNING shard, epoch";

// The join is the first fence: who has lost a lease selects nothing of its shard. The second
// condition on the tasks keeps their order: only a task's oldest unsent event is ever shown, so a
// later one cannot overtake it however the rows are read.
const UNSENT: &str = "
    SELECT o.seq, o.topic, o.envelope, o.attempts
    FROM outbox o
    JOIN relay_lease l ON l.shard = o.shard
    WHERE o.sent_at IS NULL
      AND l.holder = $1 AND l.expires_at > clock_timestamp()
      AND NOT (o.task_id = ANY ($2::uuid[]))
      AND NOT EXISTS (
          SELECT FROM outbox earlier
          WHERE earlier.task_id = o.task_id AND earlier.sent_at IS NULL AND earlier.seq < o.seq)
    ORDER BY o.seq LIMIT $3";

// Losing this mark in a crash of the database means that the event is published once more, which
// consumers must bear anyway; so it need not wait for the disk, and commits of tasks get the disk.
const MARK_SENT: &str = "
    WITH relaxed AS (SELECT set_config('synchronous_commit', 'off', true))
    UPDATE outbox o SET
        sent_at = clock_timestamp(),
        attempts = o.attempts + 1,
        publish_started_at = timestamptz 'epoch' + s.started * interval '1 microsecond',
        publish_micros = s.took
    FROM relaxed,
         unnest($2::bigint[], $3::bigint[], $4::bigint[]) AS s (seq, started, took),
         unnest($5::int[], $6::bigint[]) AS held (shard, epoch),
         relay_lease l
    WHERE o.seq = s.seq AND o.sent_at IS NULL
      AND held.shard = o.shard
      AND l.shard = o.shard AND l.holder = $1 AND l.epoch = held.epoch";

const MARK_ATTEMPTED: &str = "
    WITH relaxed AS (SELECT set_config('synchronous_commit', 'off', true))
    UPDATE outbox SET attempts = attempts + 1 FROM relaxed WHERE seq = ANY ($1::bigint[])";

// `statement_timestamp` and not the clock, which an index cannot be searched by. The lease keeps
// replicas from waiting for each other's rows, and like a mark, a purge that a crash undoes is done
// again.
const PURGE_SENT: &str = "
    WITH relaxed AS (SELECT set_config('synchronous_commit', 'off', true)),
    old AS (
        SELECT o.seq FROM outbox o
        JOIN relay_lease l ON l.shard = o.shard
        WHERE o.sent_at <= statement_timestamp() - $2::bigint * interval '1 microsecond'
          AND l.holder = $1 AND l.expires_at > clock_timestamp()
        ORDER BY o.sent_at LIMIT $3)
    DELETE FROM outbox o USING old, relaxed WHERE o.seq = old.seq";

// Reads the partial index alone; it is as long as the backlog, not as the history.
const DEPTH: &str = "SELECT count(*) FROM outbox WHERE sent_at IS NULL";

// The epoch stays: the next holder raises it, which fences off what this one still has under way.
const RELEASE: &str = "
    UPDATE relay_lease SET holder = NULL, expires_at = '-infinity' WHERE holder = $1";

/// The outbox as one relay sees it. Two values are two holders, as if in two processes; clones of
/// one are the same holder.
#[derive(Clone, Debug)]
pub struct PostgresOutbox {
    database: Database,
    holder: Uuid,
    leases: Arc<Leases>,
}

impl PostgresOutbox {
    pub fn new(database: Database) -> Self {
        Self {
            database,
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
        let statement = sqlx::query(RENEW).bind(self.holder).bind(micros(ttl));
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

    async fn unsent(&self, limit: u32, busy: &[TaskId]) -> Result<Vec<OutboxEntry>, PortError> {
        let call = Call::new(PORT, "select unsent events");
        let busy: Vec<_> = busy.iter().map(|id| id.0).collect();
        let mut connection = self.database.acquire(call).await?;
        let statement = sqlx::query(UNSENT)
            .bind(self.holder)
            .bind(busy)
            .bind(i64::from(limit));
        let rows = self
            .database
            .answer(call, statement.fetch_all(&mut *connection))
            .await?;
        rows.iter()
            .map(entry)
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
        let statement = sqlx::query(MARK_SENT)
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
        let statement = sqlx::query(MARK_ATTEMPTED).bind(seqs.to_vec());
        self.database
            .answer(call, statement.execute(&mut *connection))
            .await
            .map(drop)
    }

    async fn purge_sent(&self, older_than: Duration, limit: u32) -> Result<u64, PortError> {
        let call = Call::new(PORT, "purge sent events");
        let mut connection = self.database.acquire(call).await?;
        let statement = sqlx::query(PURGE_SENT)
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
        let count: i64 = self
            .database
            .answer(call, sqlx::query_scalar(DEPTH).fetch_one(&mut *connection))
            .await?;
        Ok(count.unsigned_abs())
    }

    async fn release(&self) -> Result<(), PortError> {
        let call = Call::new(PORT, "release leases");
        self.leases.replace(std::collections::BTreeMap::new());
        let mut connection = self.database.acquire(call).await?;
        let statement = sqlx::query(RELEASE).bind(self.holder);
        self.database
            .answer(call, statement.execute(&mut *connection))
            .await
            .map(drop)
    }
}

/// Decoding the text and encoding it again gives the same bytes: the golden files of the contract
/// pin both directions.
fn entry(row: &PgRow) -> Result<OutboxEntry, sqlx::Error> {
    let topic: String = row.try_get("topic")?;
    let envelope: String = row.try_get("envelope")?;
    let attempts: i32 = row.try_get("attempts")?;
    Ok(OutboxEntry {
        seq: row.try_get("seq")?,
        topic: TopicName::from_stored(topic),
        envelope: serde_json::from_str::<Envelope>(&envelope)
            .map_err(|error| sqlx::Error::Decode(error.into()))?,
        attempts: attempts.unsigned_abs(),
    })
}

/// Postgres counts in microseconds; a lease that outlives the calendar is as good as for ever.
fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}
