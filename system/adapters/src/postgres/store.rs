use std::fmt::Debug;

use gauntlet_ports::PortError;
use sqlx::postgres::{PgRow, Postgres};
use sqlx::query_builder::QueryBuilder;

use super::database::Database;
use super::error::Call;

/// Everything that the api role stores: tasks, labels, series, keyed answers, and the outbox half of each
/// commit.
#[derive(Clone, Debug)]
pub struct PostgresStore {
    pub(super) database: Database,
    pub(super) topic_prefix: String,
}

impl PostgresStore {
    /// Topics get the prefix before their names.
    pub fn new(database: Database, topic_prefix: String) -> Self {
        Self {
            database,
            topic_prefix,
        }
    }

    /// The rows that a statement selects, each read by `read`.
    pub(super) async fn select<T>(
        &self,
        call: Call,
        mut statement: QueryBuilder<Postgres>,
        read: fn(&PgRow) -> Result<T, sqlx::Error>,
    ) -> Result<Vec<T>, PortError> {
        let mut connection = self.database.acquire(call).await?;
        let rows = self
            .database
            .answer(call, statement.build().fetch_all(&mut *connection))
            .await?;
        rows.iter()
            .map(read)
            .collect::<Result<_, _>>()
            .map_err(|error| call.failed(error))
    }

    /// The one row that a statement selects, or none.
    pub(super) async fn select_one<T>(
        &self,
        call: Call,
        statement: QueryBuilder<Postgres>,
        read: fn(&PgRow) -> Result<T, sqlx::Error>,
    ) -> Result<Option<T>, PortError> {
        Ok(self.select(call, statement, read).await?.into_iter().next())
    }
}

/// A number that came out of a column whose constraint keeps it in range.
pub(super) fn unsigned<S, T>(number: S) -> Result<T, sqlx::Error>
where
    S: Copy + Debug + TryInto<T>,
{
    number.try_into().map_err(|_| out_of_range(number))
}

/// A value that no statement of ours can have written.
pub(super) fn out_of_range(value: impl Debug) -> sqlx::Error {
    sqlx::Error::Decode(format!("a value that is none of ours: {value:?}").into())
}
