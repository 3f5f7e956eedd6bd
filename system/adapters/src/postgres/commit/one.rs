//! A commit of one task as one statement.

use gauntlet_ports::{Commit, KeyedAnswer, PortError, RowChange};
use sqlx::Row as _;
use sqlx::postgres::{PgRow, Postgres};
use sqlx::query_builder::QueryBuilder;

use super::events::Events;
use super::labels::Labels;
use super::rows::{Gate, push_change};
use crate::postgres::answers;
use crate::postgres::error::Call;

/// What became of the statement.
#[derive(Clone, Copy, Debug)]
pub(super) enum Outcome {
    Written,
    /// Somebody else commits with the key right now.
    KeyInFlight,
    KeyTaken,
    /// The row was not as expected, or labels were missing, or both.
    Refused(LabelsFound),
}

/// Whether the user had every label that the task names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LabelsFound {
    All,
    NotAll,
}

/// Events and answer hang on the row having been written, so that whatever keeps it back keeps them back
/// too. The outbox numbers are drawn under the row's lock, hence a task's events are numbered in order.
///
/// With an idempotency key or labels there is a gate before it. It is computed once and first, as the
/// change reads it: the key is locked until the commit ends, an answer under it is looked for, and the
/// labels are locked and counted. An answer that was committed after this statement's snapshot is not
/// seen there: then the insertion of ours fails, and the whole statement with it.
pub(super) fn statement(
    call: Call,
    commit: &Commit,
    row: &RowChange,
    events: Events,
) -> Result<QueryBuilder<Postgres>, PortError> {
    let labels = Labels::named(commit);
    let key = commit.answer.as_ref();
    let mut sql = QueryBuilder::new("WITH ");
    let gate = if key.is_none() && labels.is_empty() {
        Gate::Open
    } else {
        push_gate(&mut sql, commit, key, &labels);
        Gate::Guarded
    };
    sql.push("task AS (");
    push_change(call, &mut sql, commit.user_id, row, gate)?;
    sql.push(" RETURNING tasks.id), event AS (");
    events.push(&mut sql, "task, ");
    sql.push(")");
    if let Some(answer) = key {
        sql.push(", answer AS (");
        sql.push(
            "INSERT INTO keyed_answers (user_id, key, fingerprint, status, headers, body) SELECT ",
        );
        answers::push_values(&mut sql, commit.user_id, answer);
        sql.push(" FROM task)");
    }
    sql.push(match gate {
        Gate::Open => " SELECT true AS is_free, false AS is_taken, true AS has_labels, ",
        Gate::Guarded => " SELECT is_free, is_taken, has_labels, ",
    });
    sql.push("EXISTS (SELECT FROM task) AS is_written");
    if gate == Gate::Guarded {
        sql.push(" FROM gate");
    }
    Ok(sql)
}

fn push_gate(
    sql: &mut QueryBuilder<Postgres>,
    commit: &Commit,
    key: Option<&KeyedAnswer>,
    labels: &Labels,
) {
    if !labels.is_empty() {
        sql.push("label AS MATERIALIZED (");
        labels.push_lock(sql, commit.user_id, "FOR KEY SHARE");
        sql.push("), ");
    }
    sql.push("state AS MATERIALIZED (SELECT ");
    match key {
        None => {
            sql.push("true AS is_free, false AS is_taken, ");
        }
        Some(answer) => {
            push_try_lock(sql, commit, answer);
            sql.push(" AS is_free, EXISTS (");
            push_key(sql, commit, answer);
            sql.push(") AS is_taken, ");
        }
    }
    if labels.is_empty() {
        sql.push("true");
    } else {
        let count = i64::try_from(labels.count()).unwrap_or(i64::MAX);
        sql.push("(SELECT count(*) FROM label) = ").push_bind(count);
    }
    sql.push(
        " AS has_labels), gate AS MATERIALIZED \
         (SELECT *, is_free AND NOT is_taken AND has_labels AS is_open FROM state), ",
    );
}

/// Pushes the lock of a user's key, which is held until the transaction ends. A key whose hash is that of
/// another one only looks busy when both are in use at the same moment.
pub(super) fn push_try_lock(
    sql: &mut QueryBuilder<Postgres>,
    commit: &Commit,
    answer: &KeyedAnswer,
) {
    sql.push("pg_try_advisory_xact_lock(hashtextextended(");
    sql.push_bind(format!("{} {}", commit.user_id, answer.key));
    sql.push(", 0))");
}

/// Pushes a selection of the answer under the key.
pub(super) fn push_key(sql: &mut QueryBuilder<Postgres>, commit: &Commit, answer: &KeyedAnswer) {
    sql.push("SELECT FROM keyed_answers WHERE user_id = ")
        .push_bind(commit.user_id.0);
    sql.push(" AND key = ").push_bind(answer.key.clone());
}

pub(super) fn outcome(row: &PgRow) -> Result<Outcome, sqlx::Error> {
    Ok(if row.try_get("is_written")? {
        Outcome::Written
    } else if !row.try_get("is_free")? {
        Outcome::KeyInFlight
    } else if row.try_get("is_taken")? {
        Outcome::KeyTaken
    } else if row.try_get("has_labels")? {
        Outcome::Refused(LabelsFound::All)
    } else {
        Outcome::Refused(LabelsFound::NotAll)
    })
}
