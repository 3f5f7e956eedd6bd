use futures::TryStreamExt;
use serde_json::{Map, Value};
use sqlx::postgres::{PgPoolOptions, PgRow};
use sqlx::{AssertSqlSafe, PgConnection, PgPool, Row};

use super::rows::snapshot;
use super::{ObserveError, ObserveErrorKind};
use crate::component::digest::sha256_hex;
use crate::ledger::{MASKED_COLUMNS, MaskedEntry, Moment, StoredRow};

/// Every table of the database, whoever made it and in whichever schema, with the columns of its primary key.
const TABLES: &str = "SELECT n.nspname::text AS schema, c.relname::text AS name, \
     quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS quoted, \
     coalesce((SELECT array_agg(a.attname::text ORDER BY a.attnum) FROM pg_index i \
     JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey::int2[]) \
     WHERE i.indrelid = c.oid AND i.indisprimary), '{}') AS key_columns \
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
     WHERE c.relkind IN ('r', 'm') ORDER BY 1, 2";
/// Where tables are that nobody put elsewhere. Their names stand alone.
const USUAL_SCHEMA: &str = "public";

/// Reads every row of every table of a lane's database. No table is named: one that a later migration adds,
/// or a sidecar, is read as well.
#[derive(Clone, Debug)]
pub struct TablesObserver {
    pool: PgPool,
}

/// A table as the catalogue has it.
struct Table {
    /// With its schema where that is not the usual one.
    name: String,
    /// As it may stand in a statement.
    quoted: String,
    key: Vec<String>,
}

impl TablesObserver {
    /// Makes a pool; the first question connects.
    pub fn new(url: &str) -> Result<Self, ObserveError> {
        let pool = PgPoolOptions::new().max_connections(1).connect_lazy(url);
        let pool = pool.map_err(|source| {
            ObserveError::new(ObserveErrorKind::Connect, "the lane's database", source)
        })?;
        Ok(Self { pool })
    }

    /// All rows, from one snapshot. The tables come one after the other, the rows of each in any order.
    pub async fn read(&self, moment: Moment) -> Result<Vec<StoredRow>, ObserveError> {
        let mut snapshot = snapshot(&self.pool).await?;
        let mut rows = Vec::new();
        for table in tables(&mut snapshot).await? {
            table.read_into(moment, &mut snapshot, &mut rows).await?;
        }
        Ok(rows)
    }

    pub async fn close(&self) {
        self.pool.close().await;
    }
}

async fn tables(connection: &mut PgConnection) -> Result<Vec<Table>, ObserveError> {
    let what = "the names of tables";
    let read = |source| ObserveError::new(ObserveErrorKind::Read, what, source);
    let decode = |source| ObserveError::new(ObserveErrorKind::Decode, what, source);
    let found = sqlx::query(TABLES).fetch_all(connection);
    let found = found.await.map_err(read)?.into_iter();
    let table = |row: &PgRow| -> Result<Option<Table>, sqlx::Error> {
        let Some(name) = named(row.try_get("schema")?, row.try_get("name")?) else {
            return Ok(None);
        };
        Ok(Some(Table {
            name,
            quoted: row.try_get("quoted")?,
            key: row.try_get("key_columns")?,
        }))
    };
    let tables = found.map(|row| table(&row).map_err(decode));
    tables.filter_map(Result::transpose).collect()
}

/// None for a table of the server's own, to which alone it gives names that begin with `pg_`.
fn named(schema: &str, name: &str) -> Option<String> {
    match schema {
        USUAL_SCHEMA => Some(name.to_owned()),
        "information_schema" => None,
        own if own.starts_with("pg_") => None,
        other => Some(format!("{other}.{name}")),
    }
}

impl Table {
    async fn read_into(
        &self,
        moment: Moment,
        connection: &mut PgConnection,
        rows: &mut Vec<StoredRow>,
    ) -> Result<(), ObserveError> {
        let name = self.name.as_str();
        let read = |source| ObserveError::new(ObserveErrorKind::Read, name, source);
        let decode = |source| ObserveError::new(ObserveErrorKind::Decode, name, source);
        // The name comes from the catalogue, quoted by the server.
        let statement = format!("SELECT to_jsonb(t)::text AS row FROM {} t", self.quoted);
        let mut found = sqlx::query(AssertSqlSafe(statement)).fetch(connection);
        while let Some(row) = found.try_next().await.map_err(read)? {
            let text: String = row.try_get("row").map_err(decode)?;
            let row: Map<String, Value> = serde_json::from_str(&text)
                .map_err(|source| ObserveError::new(ObserveErrorKind::Decode, name, source))?;
            rows.push(stored(moment, name, &self.key, row));
        }
        Ok(())
    }
}

/// Without what is masked. A row of a table that has no primary key is known by what it holds.
fn stored(read: Moment, table: &str, key: &[String], mut columns: Map<String, Value>) -> StoredRow {
    let masked = MASKED_COLUMNS.iter().filter(|masked| masked.table == table);
    for masked in masked {
        columns.remove(masked.column);
    }
    let key: Vec<String> = key
        .iter()
        .filter_map(|column| columns.get(column))
        .map(|value| match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        })
        .collect();
    let mut text = Value::Object(columns).to_string();
    let key = if key.is_empty() {
        sha256_hex(text.as_bytes())
    } else {
        key.join(" ")
    };
    if let Some(rule) = MaskedEntry::of_row(table, &key) {
        rule.key.clone_into(&mut text);
    }
    StoredRow {
        read,
        place: table.to_owned(),
        key,
        digest: sha256_hex(text.as_bytes()),
        text: Some(text),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn row(table: &str, key: &[&str], columns: Value) -> StoredRow {
        let Value::Object(columns) = columns else {
            panic!("{columns}");
        };
        let key: Vec<String> = key.iter().map(ToString::to_string).collect();
        stored(Moment::Before, table, &key, columns)
    }

    #[test]
    fn planted_namesake_in_another_schema_is_another_table() {
        let inbox = |schema| named(schema, "inbox");
        assert_eq!(inbox("public").as_deref(), Some("inbox"));
        assert_eq!(inbox("aside").as_deref(), Some("aside.inbox"));
        for own in ["pg_catalog", "pg_toast", "information_schema"] {
            assert_eq!(inbox(own), None);
        }
    }

    #[test]
    fn a_row_is_known_by_its_primary_key() {
        let one = row(
            "inbox",
            &["consumer", "event_id"],
            json!({"event_id": 7, "consumer": "audit"}),
        );
        assert_eq!((one.place.as_str(), one.key.as_str()), ("inbox", "audit 7"));
        let none = row("loose", &[], json!({"a": 1}));
        assert_eq!(none.key, none.digest);
    }

    #[test]
    fn planted_change_changes_the_digest_and_one_of_a_masked_column_does_not() {
        let digest = |table, columns| row(table, &["shard"], columns).digest;
        let lease = |epoch| digest("relay_lease", json!({"shard": 3, "epoch": epoch}));
        assert_eq!(lease(1), lease(2));
        let other = |epoch| digest("tasks", json!({"shard": 3, "epoch": epoch}));
        assert_ne!(other(1), other(2));
        let entry = |key: &str, value: u32| {
            let columns = json!({"key": key, "value": value});
            row("dapr_state", &["key"], columns).digest
        };
        let [pass, inbox] = ["recurring||recurring:last_pass", "recurring||inbox:a"];
        assert_eq!(entry(pass, 1), entry(pass, 2));
        assert_ne!(entry(inbox, 1), entry(inbox, 2));
    }
}
