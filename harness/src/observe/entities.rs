use std::fmt;
use std::time::Duration;

use sqlx::postgres::{PgPoolOptions, PgRow};
use sqlx::{PgPool, Row};

use super::rows::{read_table, snapshot, undecodable, unsigned};
use super::{ObserveError, ObserveErrorKind};
use crate::ledger::{AuditOutboxRow, EntityKind, LaneRecord, Micros, Occurrence, TaskDetails};

/// A database that is up answers at once; one that is being restarted may take this long.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);

/// A priority is stored as a number, so that lists can be in its order; events spell it.
const DETAILS: &str = "SELECT id, version, \
     (ARRAY['low', 'medium', 'high', 'urgent'])[priority + 1] AS priority, \
     (extract(epoch FROM due_at) * 1000000)::bigint AS due, time_zone, category_id, tags, \
     series_id, occurrence FROM tasks ORDER BY id";
/// What the line itself says of whose it is, and of what.
const AUDIT_OUTBOX: &str = "SELECT o.seq, o.event_id, o.entity_id, o.attempts, l.entity, l.user_id, \
     (extract(epoch FROM o.sent_at) * 1000000)::bigint AS sent \
     FROM audit_outbox o LEFT JOIN audit_log l USING (seq) ORDER BY o.seq";
/// Asked again and again while a lane settles: the partial index answers for what is unsent.
const COUNTS: &str = "SELECT (SELECT count(*) FROM audit_outbox WHERE sent_at IS NULL) AS unsent, \
     (SELECT count(*) FROM audit_early) AS early, \
     (SELECT count(*) FROM outbox WHERE topic = $1) AS owing";

/// Reads of a lane's database what there is beside tasks, events and effects: the details of tasks, and
/// the outbox of the audit trail. With a connection of its own.
#[derive(Clone, Debug)]
pub struct EntityObserver {
    pool: PgPool,
    /// The topic of the events that each owe an effect.
    topic: String,
}

/// How far a lane has come with what [`Counts`](super::Counts) does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EntityCounts {
    /// Lines of the audit trail that have yet to be published.
    pub unsent_lines: u64,
    /// Events that are consumed, and kept until the version before theirs has its line.
    pub early: u64,
    /// Events that owe an effect.
    pub owing: u64,
}

impl fmt::Display for EntityCounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let EntityCounts {
            unsent_lines,
            early,
            ..
        } = self;
        write!(f, "{unsent_lines} audit lines unsent, {early} events early")
    }
}

impl EntityObserver {
    /// Makes a pool; the first question connects. `topic` is that of the events that owe effects.
    pub fn new(url: &str, topic: impl Into<String>) -> Result<Self, ObserveError> {
        let options = PgPoolOptions::new()
            .max_connections(1)
            .acquire_timeout(CONNECT_WITHIN);
        let pool = options.connect_lazy(url).map_err(|source| {
            ObserveError::new(ObserveErrorKind::Connect, "the lane's database", source)
        })?;
        Ok(Self {
            pool,
            topic: topic.into(),
        })
    }

    pub async fn counts(&self) -> Result<EntityCounts, ObserveError> {
        let read = |source| ObserveError::new(ObserveErrorKind::Read, "row counts", source);
        let row = sqlx::query(COUNTS).bind(&self.topic);
        let row = row.fetch_one(&self.pool).await.map_err(read)?;
        let count = |column| unsigned(row.try_get::<i64, _>(column)?).map_err(undecodable);
        let counts = || -> Result<EntityCounts, sqlx::Error> {
            Ok(EntityCounts {
                unsent_lines: count("unsent")?,
                early: count("early")?,
                owing: count("owing")?,
            })
        };
        counts().map_err(read)
    }

    /// Appends all rows to the record, from one snapshot. Effects come from another: on a lane that is not at
    /// rest, a line that is written between the two has no row here, or a row no line there, whichever is
    /// read first. Whoever compares them waits for rest before.
    pub async fn read_into(&self, record: &mut LaneRecord) -> Result<(), ObserveError> {
        let mut snapshot = snapshot(&self.pool).await?;
        read_table(
            "tasks",
            DETAILS,
            &mut snapshot,
            &mut record.details,
            details,
        )
        .await?;
        let rows = &mut record.audit_outbox;
        read_table(
            "audit_outbox",
            AUDIT_OUTBOX,
            &mut snapshot,
            rows,
            outbox_row,
        )
        .await
    }

    pub async fn close(&self) {
        self.pool.close().await;
    }
}

fn details(row: &PgRow) -> Result<TaskDetails, sqlx::Error> {
    let series_id: Option<_> = row.try_get("series_id")?;
    let number: Option<i64> = row.try_get("occurrence")?;
    let occurrence = series_id
        .zip(number)
        .map(|(series_id, number)| unsigned(number).map(|number| Occurrence { series_id, number }));
    Ok(TaskDetails {
        task_id: row.try_get("id")?,
        version: unsigned(row.try_get::<i64, _>("version")?).map_err(undecodable)?,
        priority: row.try_get("priority")?,
        due_at: row.try_get::<Option<i64>, _>("due")?.map(Micros),
        time_zone: row.try_get("time_zone")?,
        category_id: row.try_get("category_id")?,
        tags: row.try_get("tags")?,
        occurrence: occurrence.transpose().map_err(undecodable)?,
    })
}

fn outbox_row(row: &PgRow) -> Result<AuditOutboxRow, sqlx::Error> {
    let entity: Option<&str> = row.try_get("entity")?;
    let entity = entity.map(|name| {
        let unknown = || sqlx::Error::Decode(format!("unknown entity {name:?}").into());
        EntityKind::of_name(name).ok_or_else(unknown)
    });
    Ok(AuditOutboxRow {
        seq: row.try_get("seq")?,
        event_id: row.try_get("event_id")?,
        entity_id: row.try_get("entity_id")?,
        entity: entity.transpose()?,
        user_id: row.try_get("user_id")?,
        sent_at: row.try_get::<Option<i64>, _>("sent")?.map(Micros),
        attempts: u32::try_from(row.try_get::<i32, _>("attempts")?).map_err(undecodable)?,
    })
}
