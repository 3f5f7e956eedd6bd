use std::fmt;
use std::time::Duration;

use sqlx::postgres::{PgPoolOptions, PgRow};
use sqlx::{PgPool, Row};
use uuid::Uuid;

use super::envelope::labels;
use super::rows::{read_table, snapshot, undecodable, unsigned};
use super::{Answer, ObserveError, ObserveErrorKind, until};
use crate::ledger::{Effect, InboxRow, LaneRecord, Micros, OutboxRow, RawJson, TaskRow};
use crate::provider::Waited;

/// The consumer whose effects are the lines of the audit trail.
const AUDIT: &str = "audit";
/// A database that is up answers at once; one that is being restarted may take this long.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);

/// The true commit time is kept by Postgres with `track_commit_timestamp`; without it these
/// statements fail, so that a run cannot go on with something weaker. A changed row is a new row
/// version with the change's commit time: only version 1 tells when the task was created.
const TASKS: &str = "SELECT id, user_id, title, status, version, \
     CASE WHEN version = 1 THEN \
     (extract(epoch FROM pg_xact_commit_timestamp(xmin)) * 1000000)::bigint END AS committed \
     FROM tasks ORDER BY id";
const OUTBOX: &str = "SELECT event_id, task_id, task_version, envelope::text AS envelope, attempts, \
     publish_micros, (extract(epoch FROM inserted_at) * 1000000)::bigint AS inserted, \
     (extract(epoch FROM publish_started_at) * 1000000)::bigint AS publish_started, \
     (extract(epoch FROM sent_at) * 1000000)::bigint AS sent FROM outbox ORDER BY seq";
const INBOX: &str = "SELECT consumer, event_id, handled_failures, \
     (extract(epoch FROM done_at) * 1000000)::bigint AS done FROM inbox ORDER BY event_id";
const AUDIT_LOG: &str = "SELECT seq, event_id, task_id, task_version, action, \
     envelope::text AS envelope, (extract(epoch FROM recorded_at) * 1000000)::bigint AS recorded, \
     (extract(epoch FROM pg_xact_commit_timestamp(xmin)) * 1000000)::bigint AS committed \
     FROM audit_log ORDER BY seq";
/// Asked again and again while a lane settles: the partial index answers for what is unsent.
const COUNTS: &str = "SELECT (SELECT count(*) FROM outbox) AS events, \
     (SELECT count(*) FROM outbox WHERE sent_at IS NULL) AS unsent, \
     (SELECT count(*) FROM audit_log) AS effects";

/// Reads a lane's database with a pool of its own.
///
/// Statements name columns and nothing of the system's code: the schema that they know is the
/// documented one, and a column that is gone is an error with its name.
#[derive(Clone, Debug)]
pub struct PostgresObserver {
    pool: PgPool,
}

/// How far a lane has come, in rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    pub events: u64,
    /// Events that the relay has yet to publish.
    pub unsent: u64,
    pub effects: u64,
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Counts {
            events,
            unsent,
            effects,
        } = self;
        write!(f, "{events} events, {unsent} unsent, {effects} effects")
    }
}

impl PostgresObserver {
    /// Makes a pool; the first question connects.
    pub fn new(url: &str) -> Result<Self, ObserveError> {
        let options = PgPoolOptions::new()
            .max_connections(2)
            .acquire_timeout(CONNECT_WITHIN);
        let pool = options.connect_lazy(url).map_err(|source| {
            ObserveError::new(ObserveErrorKind::Connect, "the lane's database", source)
        })?;
        Ok(Self { pool })
    }

    pub(super) fn pool(&self) -> &PgPool {
        &self.pool
    }

    pub async fn counts(&self) -> Result<Counts, ObserveError> {
        let read = |source| ObserveError::new(ObserveErrorKind::Read, "row counts", source);
        let row = sqlx::query(COUNTS)
            .fetch_one(&self.pool)
            .await
            .map_err(read)?;
        let count = |column| unsigned(row.try_get::<i64, _>(column)?).map_err(undecodable);
        let counts = || -> Result<Counts, sqlx::Error> {
            Ok(Counts {
                events: count("events")?,
                unsent: count("unsent")?,
                effects: count("effects")?,
            })
        };
        counts().map_err(read)
    }

    /// Waits until at least `effects` are stored. More than that ends the wait as well: whether
    /// there are too many is for a check to say.
    pub async fn await_effects(&self, effects: u64, within: Duration) -> Result<Counts, Waited> {
        let enough = |counts: Counts| {
            if counts.effects >= effects {
                Answer::Met(counts)
            } else {
                Answer::NotYet(counts.to_string())
            }
        };
        until(
            &format!("{effects} effects"),
            within,
            || self.counts(),
            enough,
        )
        .await
    }

    /// Appends all rows to the record, from one snapshot.
    pub async fn read_into(&self, record: &mut LaneRecord) -> Result<(), ObserveError> {
        // One snapshot for all tables: an effect without its event must be a fault of the system,
        // never of the moment between two statements.
        let mut snapshot = snapshot(&self.pool).await?;
        read_table("tasks", TASKS, &mut snapshot, &mut record.tasks, task).await?;
        read_table("outbox", OUTBOX, &mut snapshot, &mut record.events, event).await?;
        read_table("inbox", INBOX, &mut snapshot, &mut record.inbox, inbox).await?;
        read_table(
            "audit_log",
            AUDIT_LOG,
            &mut snapshot,
            &mut record.effects,
            effect,
        )
        .await
    }

    pub async fn close(&self) {
        self.pool.close().await;
    }
}

fn task(row: &PgRow) -> Result<TaskRow, sqlx::Error> {
    Ok(TaskRow {
        task_id: row.try_get("id")?,
        user_id: row.try_get("user_id")?,
        title: row.try_get("title")?,
        status: row.try_get("status")?,
        version: unsigned(row.try_get::<i64, _>("version")?).map_err(undecodable)?,
        committed_at: micros(row, "committed")?,
    })
}

fn event(row: &PgRow) -> Result<OutboxRow, sqlx::Error> {
    let (kind, title) = labels(&envelope(row)?);
    Ok(OutboxRow {
        event_id: row.try_get("event_id")?,
        task_id: row.try_get("task_id")?,
        version: unsigned(row.try_get::<i64, _>("task_version")?).map_err(undecodable)?,
        kind,
        title,
        inserted_at: Micros(row.try_get("inserted")?),
        publish_started_at: micros(row, "publish_started")?,
        publish_micros: row
            .try_get::<Option<i64>, _>("publish_micros")?
            .map(unsigned)
            .transpose()
            .map_err(undecodable)?,
        sent_at: micros(row, "sent")?,
        attempts: u32::try_from(row.try_get::<i32, _>("attempts")?).map_err(undecodable)?,
    })
}

fn inbox(row: &PgRow) -> Result<InboxRow, sqlx::Error> {
    let failures: i32 = row.try_get("handled_failures")?;
    Ok(InboxRow {
        consumer: row.try_get("consumer")?,
        event_id: row.try_get("event_id")?,
        handled_failures: u32::try_from(failures).map_err(undecodable)?,
        done_at: micros(row, "done")?,
    })
}

fn effect(row: &PgRow) -> Result<Effect, sqlx::Error> {
    let envelope = envelope(row)?;
    let (_, title) = labels(&envelope);
    Ok(Effect {
        seq: row.try_get("seq")?,
        event_id: row.try_get::<Uuid, _>("event_id")?,
        consumer: AUDIT.to_owned(),
        task_id: row.try_get("task_id")?,
        version: unsigned(row.try_get::<i64, _>("task_version")?).map_err(undecodable)?,
        action: row.try_get("action")?,
        title,
        recorded_at: Micros(row.try_get("recorded")?),
        committed_at: micros(row, "committed")?,
        envelope,
    })
}

/// The envelope's text. One that is not JSON is kept as a JSON string, for the checks to find.
fn envelope(row: &PgRow) -> Result<RawJson, sqlx::Error> {
    let text: String = row.try_get("envelope")?;
    Ok(RawJson::new(text.clone()).unwrap_or_else(|_| RawJson::of(&text.into())))
}

/// Whole microseconds are all that Postgres keeps: nothing is rounded here.
fn micros(row: &PgRow, column: &str) -> Result<Option<Micros>, sqlx::Error> {
    Ok(row.try_get::<Option<i64>, _>(column)?.map(Micros))
}
