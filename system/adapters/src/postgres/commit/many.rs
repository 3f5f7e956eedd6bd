//! Any other commit, as a transaction.

use gauntlet_ports::{Commit, Committed, Expected, PortError, RowChange};
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
    /// Every commit locks what is there already in the same order, whatever the order of its rows: labels,
    /// tasks, series, each by their ids. One that waited for a row with another in its hand that comes
    /// later could be waited for in turn.
    pub(super) async fn take(
        mut self,
        connection: &mut PgConnection,
        commit: &Commit,
    ) -> Result<Told, sqlx::Error> {
        if let Some(told) = key_is_not_ours(connection, commit).await? {
            return Ok(Told::So(told));
        }
        let has_labels = lock_labels(connection, commit).await?;
        lock_rows(connection, commit).await?;
        for row in &mut self.rows {
            let done = row.build().execute(&mut *connection).await?;
            if done.rows_affected() == 0 {
                return Ok(Told::Conflict);
            }
        }
        if !has_labels {
            return Ok(Told::So(Committed::LabelMissing));
        }
        let deleted = Labels::deleted(commit);
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

/// Locks the labels; answers whether the user has all that the commit's tasks name.
async fn lock_labels(connection: &mut PgConnection, commit: &Commit) -> Result<bool, sqlx::Error> {
    let (named, changed) = (Labels::named(commit), Labels::changed(commit));
    // One that is renamed by itself is locked by that.
    let is_renaming = matches!(commit.rows.as_slice(), [RowChange::PutLabel(..)]);
    if is_renaming || (named.is_empty() && changed.is_empty()) {
        return Ok(true);
    }
    let strength = if changed.is_empty() {
        "FOR KEY SHARE"
    } else {
        "FOR UPDATE"
    };
    let mut sql = QueryBuilder::new("");
    let all = changed.and(&named);
    all.push_lock(&mut sql, commit.user_id, strength);
    let found = Labels::found(&sql.build().fetch_all(connection).await?)?;
    Ok(named.are_among(&found))
}

/// Locks the tasks and series that are there already, where there are several: a single one is locked by
/// its change.
async fn lock_rows(connection: &mut PgConnection, commit: &Commit) -> Result<(), sqlx::Error> {
    let (mut tasks, mut series) = (Vec::new(), Vec::new());
    for row in &commit.rows {
        match row {
            RowChange::PutTask(Expected::Version(_), task) => tasks.push(task.id.0),
            RowChange::DeleteTask(_, id) => tasks.push(id.0),
            RowChange::PutSeries(Expected::Version(_), new) => series.push(new.id.0),
            _ => {}
        }
    }
    if tasks.len() + series.len() < 2 {
        return Ok(());
    }
    for (table, ids) in [("tasks", tasks), ("series", series)] {
        if ids.is_empty() {
            continue;
        }
        let mut sql = QueryBuilder::new("SELECT FROM ");
        sql.push(table).push(" WHERE user_id = ");
        sql.push_bind(commit.user_id.0)
            .push(" AND id = ANY (")
            .push_bind(ids)
            .push(") ORDER BY id FOR UPDATE");
        sql.build().execute(&mut *connection).await?;
    }
    Ok(())
}
