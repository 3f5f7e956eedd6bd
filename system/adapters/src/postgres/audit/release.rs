//! What leaves the gate. A release looks at entities that something happened to, and at what has waited for long
//! enough: it costs what it can release, however much is kept.

use std::time::Duration;

use gauntlet_contract::{EntityId, Envelope, EventId};
use gauntlet_ports::{Audited, Gap, PortError, PortErrorKind, Recorded};
use serde_json::Value;
use sqlx::postgres::{PgArguments, PgRow, Postgres};
use sqlx::query::Query;
use sqlx::types::Json;
use sqlx::{AssertSqlSafe, Row as _};
use uuid::Uuid;

use super::gate::reached;
use super::log::{PORT, PostgresAuditLog};
use super::statement::Key;
use super::touched::Look;
use crate::postgres::error::Call;

/// Counter by `consumer`: kept events that can never be recorded as they are.
const SET_ASIDE_TOTAL: &str = "todo_events_set_aside_total";

/// Kept events that are written together.
const RELEASED_MAX: usize = 64;

/// Longer than anything is kept, and no more than an interval can hold.
const PATIENCE_MAX: Duration = Duration::from_hours(24 * 365 * 10);

const EVERYTHING: &str = "SELECT DISTINCT entity_id FROM audit_early WHERE set_aside_at IS NULL";

const OF_THESE: &str = "
    SELECT DISTINCT entity_id FROM audit_early WHERE set_aside_at IS NULL AND entity_id = ANY ($1)";

// The time is that of the statement, which an index can be searched by.
const OVERDUE: &str = "
    SELECT DISTINCT entity_id FROM audit_early
    WHERE set_aside_at IS NULL AND arrived_at <= statement_timestamp() - $1 * interval '1 microsecond'";

// Of each entity the lowest version alone: those behind it wait for its line.
const LOWEST: &str = concat!(
    "SELECT source, event_id, entity_id, envelope, is_due FROM (
        SELECT kept.*, ",
    reached!("kept.entity_id", "kept.version - 1"),
    " AS is_due
        FROM unnest($1::uuid[]) AS asked (id) CROSS JOIN LATERAL (
            SELECT * FROM audit_early WHERE set_aside_at IS NULL AND entity_id = asked.id
            ORDER BY entity_id, version LIMIT 1
        ) kept
    ) lowest
    WHERE is_due OR arrived_at <= statement_timestamp() - $2 * interval '1 microsecond'"
);

const FORGET: &str = "
    DELETE FROM audit_early k USING unnest($1::text[], $2::uuid[]) AS e (source, event_id)
    WHERE k.source = e.source AND k.event_id = e.event_id";

const SET_ASIDE: &str = "
    UPDATE audit_early k SET set_aside_at = clock_timestamp()
    FROM unnest($1::text[], $2::uuid[]) AS e (source, event_id)
    WHERE k.source = e.source AND k.event_id = e.event_id AND k.set_aside_at IS NULL";

/// An event that may be written.
struct Releasable {
    key: Key,
    entity_id: EntityId,
    /// What is kept of it may be what this program cannot read, such as what a later one has left.
    event: Result<Envelope, sqlx::Error>,
    /// Whether the one before it is in the trail.
    is_due: bool,
}

impl PostgresAuditLog {
    /// Asks what a release asks that looks at these entities, and answers how Postgres went about each
    /// question: `EXPLAIN (ANALYZE, FORMAT JSON)` of the very statements.
    pub async fn explain_release(
        &self,
        entities: &[EntityId],
        patience: Duration,
    ) -> Result<Vec<Value>, PortError> {
        let call = Call::new(PORT, "explain a release");
        let explained = |sql: &str| AssertSqlSafe(format!("EXPLAIN (ANALYZE, FORMAT JSON) {sql}"));
        let ids: Vec<Uuid> = entities.iter().map(|id| id.0).collect();
        let patience = micros(patience);
        let questions = [
            sqlx::query(explained(OF_THESE)).bind(ids.clone()),
            sqlx::query(explained(OVERDUE)).bind(patience),
            sqlx::query(explained(LOWEST)).bind(ids).bind(patience),
        ];
        let mut plans = Vec::with_capacity(questions.len());
        for question in questions {
            let plan = |row: &PgRow| row.try_get(0).map(|Json(plan)| plan);
            plans.extend(self.asked(call, question, plan).await?);
        }
        Ok(plans)
    }

    /// Writes what is kept and may be written. A crash on the way leaves nothing undone for good: what is
    /// written and still kept is known to the inbox, and forgotten the next time.
    pub(super) async fn release_due(
        &self,
        call: Call,
        patience: Duration,
    ) -> Result<Vec<Gap>, PortError> {
        let released = self.release_touched(call, patience).await;
        if released.is_err() {
            self.touched.touch_everything();
        }
        released
    }

    async fn release_touched(&self, call: Call, patience: Duration) -> Result<Vec<Gap>, PortError> {
        let patience = micros(patience);
        let mut waiting = match self.touched.take() {
            Look::Everything => self.entities(call, sqlx::query(EVERYTHING)).await?,
            Look::At(entities) if entities.is_empty() => Vec::new(),
            Look::At(entities) => {
                let ids: Vec<Uuid> = entities.iter().map(|id| id.0).collect();
                self.entities(call, sqlx::query(OF_THESE).bind(ids)).await?
            }
        };
        waiting.extend(
            self.entities(call, sqlx::query(OVERDUE).bind(patience))
                .await?,
        );
        waiting.sort_unstable();
        waiting.dedup();
        let mut gaps = Vec::new();
        while !waiting.is_empty() {
            let asked = waiting.split_off(waiting.len().saturating_sub(RELEASED_MAX));
            let lowest = sqlx::query(LOWEST).bind(asked).bind(patience);
            let lowest = self.asked(call, lowest, releasable).await?;
            // What was behind them is the lowest now.
            waiting.extend(lowest.iter().map(|kept| kept.entity_id.0));
            gaps.extend(self.settle(call, lowest).await?);
        }
        Ok(gaps)
    }

    /// Writes events of different entities, and answers the gaps before them. One that cannot be written is
    /// set aside: it must not keep the others.
    async fn settle(&self, call: Call, lowest: Vec<Releasable>) -> Result<Vec<Gap>, PortError> {
        let (mut readable, mut hopeless) = (Vec::with_capacity(lowest.len()), Vec::new());
        for kept in lowest {
            match kept.event {
                Ok(event) => readable.push((kept.key, event, kept.is_due)),
                Err(error) => hopeless.push((kept.key, call.failed(error))),
            }
        }
        let events: Vec<&Envelope> = readable.iter().map(|(_, event, _)| event).collect();
        let answers = self.record_unique(call, &events).await;
        let (mut written, mut gaps, mut failure) = (Vec::new(), Vec::new(), None);
        for ((key, event, is_due), answer) in readable.iter().zip(answers) {
            match answer {
                Ok(recorded) => {
                    written.push(key.clone());
                    let is_gap = recorded == Recorded::Fresh && !is_due;
                    gaps.extend(gap(event).filter(|_| is_gap));
                }
                Err(error) if error.kind == PortErrorKind::Invalid => {
                    hopeless.push((key.clone(), error));
                }
                Err(error) => failure = Some(error),
            }
        }
        self.change(call, FORGET, written).await?;
        self.set_aside(call, hopeless).await?;
        failure.map_or(Ok(gaps), Err)
    }

    async fn set_aside(&self, call: Call, events: Vec<(Key, PortError)>) -> Result<(), PortError> {
        for ((source, id), error) in &events {
            let (id, cause) = (id.0, &error.source);
            tracing::error!(source, %id, %cause, "a kept event cannot be recorded and is set aside");
        }
        let keys: Vec<Key> = events.into_iter().map(|(key, _)| key).collect();
        let set_aside = self.change(call, SET_ASIDE, keys).await?;
        metrics::counter!(SET_ASIDE_TOTAL, "consumer" => self.consumer).increment(set_aside);
        Ok(())
    }

    /// Runs a statement about kept events; answers how many it changed.
    async fn change(
        &self,
        call: Call,
        statement: &'static str,
        events: Vec<Key>,
    ) -> Result<u64, PortError> {
        if events.is_empty() {
            return Ok(0);
        }
        let (sources, ids): (Vec<_>, Vec<_>) = events
            .into_iter()
            .map(|(source, id)| (source, id.0))
            .unzip();
        let mut connection = self.database.acquire(call).await?;
        let statement = sqlx::query(statement).bind(sources).bind(ids);
        let done = self
            .database
            .answer(call, statement.execute(&mut *connection))
            .await?;
        Ok(done.rows_affected())
    }

    async fn entities(
        &self,
        call: Call,
        question: Query<'_, Postgres, PgArguments>,
    ) -> Result<Vec<Uuid>, PortError> {
        self.asked(call, question, |row| row.try_get("entity_id"))
            .await
    }

    async fn asked<T>(
        &self,
        call: Call,
        question: Query<'_, Postgres, PgArguments>,
        read: impl Fn(&PgRow) -> Result<T, sqlx::Error>,
    ) -> Result<Vec<T>, PortError> {
        let mut connection = self.database.acquire(call).await?;
        let rows = self
            .database
            .answer(call, question.fetch_all(&mut *connection))
            .await?;
        rows.iter()
            .map(read)
            .collect::<Result<_, _>>()
            .map_err(|error| call.failed(error))
    }
}

fn micros(patience: Duration) -> i64 {
    i64::try_from(patience.min(PATIENCE_MAX).as_micros()).unwrap_or(i64::MAX)
}

fn gap(event: &Envelope) -> Option<Gap> {
    let audited = Audited::of(event)?;
    Some(Gap {
        entity: audited.entity,
        entity_id: audited.entity_id,
        version: audited.version,
    })
}

fn releasable(row: &PgRow) -> Result<Releasable, sqlx::Error> {
    Ok(Releasable {
        key: (row.try_get("source")?, EventId(row.try_get("event_id")?)),
        entity_id: EntityId(row.try_get("entity_id")?),
        event: row.try_get("envelope").map(|Json(event)| event),
        is_due: row.try_get("is_due")?,
    })
}
