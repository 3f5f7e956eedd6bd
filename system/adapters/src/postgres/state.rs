use std::collections::HashMap;
use std::time::Duration;

use async_trait::async_trait;
use gauntlet_ports::state::{Etag, Expect, Key, StateOp, StateStore, Versioned, check_ops};
use gauntlet_ports::{PortError, PortErrorKind};
use sqlx::Row as _;
use sqlx::postgres::PgRow;
use uuid::Uuid;

use super::database::Database;
use super::error::Call;

const PORT: &str = "state store";

const GET_MANY: &str = "
    SELECT key, value, etag FROM state_entries
    WHERE owner = $1 AND key = ANY ($2::text[])
      AND (expires_at IS NULL OR expires_at > statement_timestamp())";

// All operations in one statement. The rows are locked first, in the order of their keys, so that two
// of these cannot wait for each other's rows; what is locked is the latest version of each, and it
// stays so until the end. Then all expectations are judged, and each change hangs on that judgement.
//
// A row that was inserted since the statement began is not seen by the lock. Where anything is
// expected it is overwritten; where its absence is, the plain INSERT finds it, and fails as a whole.
// An entry that has expired counts as absent, but its row is there and has to be updated.
const APPLY: &str = "
    WITH op AS (
        SELECT * FROM unnest($2::text[], $3::text[], $4::text[], $5::uuid[], $6::bytea[], $7::bigint[])
            AS op (key, change, expect, etag, value, ttl)),
    found AS MATERIALIZED (
        SELECT s.key, s.etag,
               s.expires_at IS NULL OR s.expires_at > statement_timestamp() AS live
        FROM state_entries s
        WHERE s.owner = $1 AND s.key = ANY ($2::text[])
        ORDER BY s.key FOR UPDATE),
    judged AS MATERIALIZED (
        SELECT coalesce(bool_and(CASE op.expect
                   WHEN 'absent' THEN NOT coalesce(found.live, false)
                   WHEN 'match' THEN coalesce(found.live AND found.etag = op.etag, false)
                   ELSE true END), true) AS met
        FROM op LEFT JOIN found ON found.key = op.key),
    fresh AS (
        SELECT op.*, gen_random_uuid() AS new_etag,
               statement_timestamp() + op.ttl * interval '1 microsecond' AS expires_at
        FROM op, judged WHERE judged.met),
    deleted AS (
        DELETE FROM state_entries s USING fresh
        WHERE s.owner = $1 AND s.key = fresh.key AND fresh.change = 'delete'),
    updated AS (
        UPDATE state_entries s
        SET value = fresh.value, etag = fresh.new_etag, expires_at = fresh.expires_at
        FROM fresh JOIN found ON found.key = fresh.key
        WHERE s.owner = $1 AND s.key = fresh.key AND fresh.change = 'put'),
    created AS (
        INSERT INTO state_entries (owner, key, value, etag, expires_at)
        SELECT $1, key, value, new_etag, expires_at FROM fresh
        WHERE change = 'put' AND expect = 'absent' AND key NOT IN (SELECT key FROM found)
        ORDER BY key),
    written AS (
        INSERT INTO state_entries AS s (owner, key, value, etag, expires_at)
        SELECT $1, key, value, new_etag, expires_at FROM fresh
        WHERE change = 'put' AND expect = 'any' AND key NOT IN (SELECT key FROM found)
        ORDER BY key
        ON CONFLICT (owner, key) DO UPDATE
        SET value = excluded.value, etag = excluded.etag, expires_at = excluded.expires_at)
    SELECT met FROM judged";

const PURGE_EXPIRED: &str = "
    DELETE FROM state_entries WHERE (owner, key) IN (
        SELECT owner, key FROM state_entries
        WHERE expires_at <= statement_timestamp()
        ORDER BY expires_at LIMIT $1
        FOR UPDATE SKIP LOCKED)";

/// State in a table. An entry is as durable as any row, and an answer comes after the commit; expired
/// rows are not read, and go with [`purge_expired`](Self::purge_expired). The whole contract holds.
#[derive(Clone, Debug)]
pub struct PostgresStateStore {
    database: Database,
    owner: String,
}

/// What `apply` binds, a column each.
#[derive(Default)]
struct Columns {
    keys: Vec<String>,
    changes: Vec<&'static str>,
    expects: Vec<&'static str>,
    etags: Vec<Option<Uuid>>,
    values: Vec<Option<Vec<u8>>>,
    ttls: Vec<Option<i64>>,
}

impl PostgresStateStore {
    /// The entries of one owner, e.g. a role. Stores of different owners have nothing in common.
    pub fn new(database: Database, owner: impl Into<String>) -> Self {
        let owner = owner.into();
        Self { database, owner }
    }

    /// Deletes at most `limit` entries that have expired, of all owners; answers how many.
    pub async fn purge_expired(&self, limit: u32) -> Result<u64, PortError> {
        let call = Call::new(PORT, "purge expired entries");
        let mut connection = self.database.acquire(call).await?;
        let statement = sqlx::query(PURGE_EXPIRED).bind(i64::from(limit));
        let done = self
            .database
            .answer(call, statement.execute(&mut *connection))
            .await?;
        Ok(done.rows_affected())
    }
}

#[async_trait]
impl StateStore for PostgresStateStore {
    async fn get_many(&self, keys: &[Key]) -> Result<Vec<Option<Versioned>>, PortError> {
        let call = Call::new(PORT, "read entries");
        let texts: Vec<_> = keys.iter().map(Key::as_str).collect();
        let mut connection = self.database.acquire(call).await?;
        let statement = sqlx::query(GET_MANY).bind(&self.owner).bind(texts);
        let rows = self
            .database
            .answer(call, statement.fetch_all(&mut *connection))
            .await?;
        let entries: HashMap<String, Versioned> = rows
            .iter()
            .map(entry)
            .collect::<Result<_, _>>()
            .map_err(|error| call.failed(error))?;
        Ok(keys
            .iter()
            .map(|key| entries.get(key.as_str()).cloned())
            .collect())
    }

    async fn apply(&self, ops: &[StateOp]) -> Result<(), PortError> {
        let call = Call::new(PORT, "change entries");
        check_ops(ops).map_err(|malformed| {
            PortError::new(PortErrorKind::Invalid, call.port, call.op, malformed)
        })?;
        let conflict = || call.error(PortErrorKind::Conflict, "an entry is not as expected");
        let columns = Columns::of(ops).ok_or_else(conflict)?;
        let statement = sqlx::query(APPLY)
            .bind(&self.owner)
            .bind(columns.keys)
            .bind(columns.changes)
            .bind(columns.expects)
            .bind(columns.etags)
            .bind(columns.values)
            .bind(columns.ttls);
        let mut connection = self.database.acquire(call).await?;
        let row = self
            .database
            .answer(call, statement.fetch_one(&mut *connection))
            .await?;
        let met: bool = row.try_get("met").map_err(|error| call.failed(error))?;
        if met { Ok(()) } else { Err(conflict()) }
    }
}

impl Columns {
    /// None where an etag is not of this table's: nothing can match it.
    fn of(ops: &[StateOp]) -> Option<Self> {
        let mut columns = Self::default();
        for op in ops {
            columns.keys.push(op.key().as_str().to_owned());
            let (expect, etag) = match op.expect() {
                Expect::Any => ("any", None),
                Expect::Absent => ("absent", None),
                Expect::Match(etag) => ("match", Some(etag.as_str().parse().ok()?)),
            };
            columns.expects.push(expect);
            columns.etags.push(etag);
            let (change, value, ttl) = match op {
                StateOp::Put { value, ttl, .. } => ("put", Some(value.to_vec()), ttl.map(micros)),
                StateOp::Delete { .. } => ("delete", None, None),
            };
            columns.changes.push(change);
            columns.values.push(value);
            columns.ttls.push(ttl);
        }
        Some(columns)
    }
}

/// The port bounds a TTL far below what would not fit.
fn micros(ttl: Duration) -> i64 {
    i64::try_from(ttl.as_micros()).unwrap_or(i64::MAX)
}

fn entry(row: &PgRow) -> Result<(String, Versioned), sqlx::Error> {
    let value: Vec<u8> = row.try_get("value")?;
    let etag: Uuid = row.try_get("etag")?;
    let entry = Versioned {
        value: value.into(),
        etag: Etag::new(etag.to_string()),
    };
    Ok((row.try_get("key")?, entry))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_etag_of_another_store_matches_nothing() {
        let op = |etag: &str| {
            let key = Key::new("a").unwrap();
            [StateOp::delete(key).expecting(Expect::Match(Etag::new(etag)))]
        };
        assert!(Columns::of(&op("1")).is_none());
        let ours = Uuid::now_v7();
        let columns = Columns::of(&op(&ours.to_string())).unwrap();
        assert_eq!(columns.etags, [Some(ours)]);
        assert_eq!(columns.expects, ["match"]);
        assert_eq!(columns.changes, ["delete"]);
    }
}
