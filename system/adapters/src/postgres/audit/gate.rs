//! The gate before the trail: a line of version n is written behind that of n-1. What comes earlier is kept in
//! a table and written when it may be, or when it has waited for long enough.
//!
//! The trail only grows, so what the gate has once seen there stays true while the lines are written: two
//! statements do, and no lock. Of two replicas one may miss what the other is just writing, and keeps an event
//! that could have been written; the release of the other one, or of itself, finds it.

use std::collections::HashSet;

use gauntlet_contract::{EntityId, Envelope};
use gauntlet_ports::{Audited, PortError, PortErrorKind, Recorded};
use sqlx::Row as _;
use sqlx::types::Json;

use super::log::{Answer, PostgresAuditLog};
use crate::postgres::error::Call;

/// Whether the trail has version `before` of an entity, or a later one. Nearly always its last line tells; where
/// one came late its others have to.
macro_rules! reached {
    ($id:literal, $before:literal) => {
        concat!(
            "CASE WHEN (SELECT l.task_version FROM audit_log l WHERE l.task_id = ",
            $id,
            " ORDER BY l.seq DESC LIMIT 1) >= ",
            $before,
            " THEN true ELSE EXISTS (SELECT FROM audit_log l WHERE l.task_id = ",
            $id,
            " AND l.task_version >= ",
            $before,
            ") END"
        )
    };
}

pub(super) use reached;

const REACHED: &str = concat!(
    "SELECT e.entity_id, e.before FROM unnest($1::uuid[], $2::bigint[]) AS e (entity_id, before) WHERE ",
    reached!("e.entity_id", "e.before")
);

// What was set aside and comes again may have been mended.
const KEEP: &str = "
    INSERT INTO audit_early (source, event_id, entity_id, version, occurred_at, envelope)
    VALUES ($1, $2, $3, $4, timestamptz 'epoch' + $5 * interval '1 microsecond', $6::jsonb)
    ON CONFLICT (source, event_id) DO UPDATE SET envelope = excluded.envelope, set_aside_at = NULL
        WHERE audit_early.set_aside_at IS NOT NULL";

impl PostgresAuditLog {
    /// Says of each event of a batch without repetitions whether it may be written, in this order.
    pub(super) async fn gate(
        &self,
        call: Call,
        batch: &[&Envelope],
    ) -> Result<Vec<bool>, PortError> {
        let steps: Vec<Option<(EntityId, i64)>> = batch.iter().map(|event| step(event)).collect();
        // What follows another of the batch shares that one's fate; only the others are asked for.
        let mut here = HashSet::new();
        let mut asked = Vec::new();
        for &(id, version) in steps.iter().flatten() {
            if version > 1 && !here.contains(&(id, version - 1)) {
                asked.push((id, version - 1));
            }
            here.insert((id, version));
        }
        let mut written = self.reached(call, &asked).await?;
        let is_due = steps.into_iter().map(|step| {
            let Some((id, version)) = step else {
                return true;
            };
            let is_due = version <= 1 || written.contains(&(id, version - 1));
            if is_due {
                written.insert((id, version));
            }
            is_due
        });
        Ok(is_due.collect())
    }

    /// Those of the versions that the trail has come to.
    async fn reached(
        &self,
        call: Call,
        asked: &[(EntityId, i64)],
    ) -> Result<HashSet<(EntityId, i64)>, PortError> {
        if asked.is_empty() {
            return Ok(HashSet::new());
        }
        let (ids, versions): (Vec<_>, Vec<_>) =
            asked.iter().map(|(id, version)| (id.0, *version)).unzip();
        let mut connection = self.database.acquire(call).await?;
        let statement = sqlx::query(REACHED).bind(ids).bind(versions);
        self.database
            .answer(call, async {
                let rows = statement.fetch_all(&mut *connection).await?;
                let reached = rows.iter().map(|row| {
                    let id = EntityId(row.try_get("entity_id")?);
                    Ok((id, row.try_get("before")?))
                });
                reached.collect()
            })
            .await
    }

    /// Keeps an event that came too early. `Invalid` for one that could not be recorded later either.
    pub(super) async fn keep(&self, call: Call, event: &Envelope) -> Answer {
        let Some((id, version)) = step(event) else {
            return Err(call.error(PortErrorKind::Invalid, "an event is no change of an entity"));
        };
        let mut connection = self.database.acquire(call).await?;
        let statement = sqlx::query(KEEP)
            .bind(event.source.as_str())
            .bind(event.id.0)
            .bind(id.0)
            .bind(version)
            .bind(event.time.as_microsecond())
            .bind(Json(event));
        self.database
            .answer(call, statement.execute(&mut *connection))
            .await?;
        Ok(Recorded::Kept)
    }
}

/// The step that an event tells of: whose, and to which version. None for what is none, or one that no row can
/// hold: that is found out where it is recorded.
fn step(event: &Envelope) -> Option<(EntityId, i64)> {
    let audited = Audited::of(event)?;
    let version = i64::try_from(audited.version).ok()?;
    Some((audited.entity_id, version))
}
