//! Any other commit, as a transaction.

use gauntlet_ports::{Commit, Committed, PortError};
use sqlx::postgres::{PgConnection, Postgres};
use sqlx::query_builder::QueryBuilder;

use super::events::Events;
use super::labels::Labels;
use super::one::{push_key, push_try_lock};
use super::rows::{Gate, push_change};
use crate::postgres::answers;
use crate::postgres::error::Call;

/// What became of a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    So(Committed),
    Conflict,
}

/// Every statement that can be made before the first is sent.
pub(super) struct Steps {
    rows: Vec<QueryBuilder<Postgres>>,
    events: QueryBuilder<Postgres>,
}

impl Steps {
    pub(super) fn of(call: Call, commit: &Commit, events: Events) -> Result<Self, PortError> {
        let step = |row| {
            let mut sql = QueryBuilder::new("");
            push_change(call, &mut sql, commit.user_id, row, Gate::Open)?;
            Ok(sql)
        };
        let mut insertion = QueryBuilder::new("");
        events.push(&mut insertion, "");
        Ok(Self {
            rows: commit.rows.iter().map(step).collect::<Result<_, _>>()?,
            events: insertion,
        })
    }

    /// Takes the steps within the connection's transaction, which is to be committed only when the answer
    /// is [`Committed::Done`].
    ///
    /// Labels are locked before any row: a commit that waited for a label with a task's row in its hand
    /// could be waited for in turn.
    pub(super) async fn take(
        mut self,
        connection: &mut PgConnection,
        commit: &Commit,
    ) -> Result<Told, sqlx::Error> {
        if let Some(told) = key_is_not_ours(connection, commit).await? {
            return Ok(Told::So(told));
        }
        let deleted = Labels::deleted(commit);
        lock(connection, commit, &deleted, "FOR UPDATE").await?;
        let named = Labels::named(commit);
        let has_labels = lock(connection, commit, &named, "FOR KEY SHARE").await? == named.count();
        for row in &mut self.rows {
            let done = row.build().execute(&mut *connection).await?;
            if done.rows_affected() == 0 {
                return Ok(Told::Conflict);
            }
        }
        if !has_labels {
            return Ok(Told::So(Committed::LabelMissing));
        }
        if !deleted.is_empty() {
            let mut in_use = deleted.in_use(commit.user_id);
            if in_use
                .build_query_scalar()
                .fetch_one(&mut *connection)
                .await?
            {
                return Ok(Told::So(Committed::LabelInUse));
            }
        }
        self.events.build().execute(&mut *connection).await?;
        if let Some(answer) = &commit.answer {
            let mut sql = QueryBuilder::new(
                "INSERT INTO keyed_answers (user_id, key, fingerprint, status, headers, body) VALUES (",
            );
            answers::push_values(&mut sql, commit.user_id, answer);
            sql.push(")").build().execute(&mut *connection).await?;
        }
        Ok(Told::So(Committed::Done))
    }
}

/// The lock first and the look in a statement of its own: whoever had the lock before has committed, and
/// is seen.
async fn key_is_not_ours(
    connection: &mut PgConnection,
    commit: &Commit,
) -> Result<Option<Committed>, sqlx::Error> {
    let Some(answer) = &commit.answer else {
        return Ok(None);
    };
    let mut sql = QueryBuilder::new("SELECT ");
    push_try_lock(&mut sql, commit, answer);
    if !sql.build_query_scalar().fetch_one(&mut *connection).await? {
        return Ok(Some(Committed::KeyInFlight));
    }
    let mut sql = QueryBuilder::new("SELECT EXISTS (");
    push_key(&mut sql, commit, answer);
    sql.push(")");
    let is_taken: bool = sql.build_query_scalar().fetch_one(connection).await?;
    Ok(is_taken.then_some(Committed::KeyTaken))
}

/// Answers how many of the labels the user has.
async fn lock(
    connection: &mut PgConnection,
    commit: &Commit,
    labels: &Labels,
    strength: &'static str,
) -> Result<usize, sqlx::Error> {
    if labels.is_empty() {
        return Ok(0);
    }
    let mut sql = QueryBuilder::new("");
    labels.push_lock(&mut sql, commit.user_id, strength);
    Ok(sql.build().fetch_all(connection).await?.len())
}
