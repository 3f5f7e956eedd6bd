//! How the observers of a lane's database read its tables.

use std::num::TryFromIntError;

use futures::TryStreamExt;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, PgPool, Postgres, Transaction};

use super::{ObserveError, ObserveErrorKind};

/// One state of all tables, for as long as the transaction lasts.
pub(super) async fn snapshot(
    pool: &PgPool,
) -> Result<Transaction<'static, Postgres>, ObserveError> {
    let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
    pool.begin_with(begin).await.map_err(|source| {
        ObserveError::new(ObserveErrorKind::Connect, "the lane's database", source)
    })
}

/// Row by row as they arrive, so that a million rows are held once and not twice.
pub(super) async fn read_table<T>(
    table: &str,
    statement: &'static str,
    connection: &mut PgConnection,
    rows: &mut Vec<T>,
    decode: impl Fn(&PgRow) -> Result<T, sqlx::Error>,
) -> Result<(), ObserveError> {
    let mut found = sqlx::query(statement).fetch(connection);
    let read = |source| ObserveError::new(ObserveErrorKind::Read, table, source);
    while let Some(row) = found.try_next().await.map_err(read)? {
        let row = decode(&row)
            .map_err(|source| ObserveError::new(ObserveErrorKind::Decode, table, source))?;
        rows.push(row);
    }
    Ok(())
}

pub(super) fn unsigned(number: i64) -> Result<u64, TryFromIntError> {
    u64::try_from(number)
}

pub(super) fn undecodable(error: TryFromIntError) -> sqlx::Error {
    sqlx::Error::Decode(error.into())
}
