use async_trait::async_trait;
use gauntlet_contract::TaskId;
use gauntlet_ports::{
    Commit, CommitStore, Committed, Expected, PortError, PortErrorKind, RowChange,
};
use sqlx::query_builder::QueryBuilder;
use sqlx::{Connection as _, Row as _};

use super::events::Events;
use super::many::{Steps, Told};
use super::one::{LabelsFound, Outcome, outcome, push_key, statement};
use crate::postgres::error::{Call, gave_way};
use crate::postgres::store::PostgresStore;

const CALL: Call = Call::new("commit store", "commit changes");

/// Of a commit that had to give way to others each time. Two labels that swap their names wait for each other
/// in a circle, whatever order rows are locked in: a name is waited for only where it is written. The server
/// ends one of the two after a second; by then the other one has what it waited for.
const ATTEMPTS_MAX: u32 = 3;

#[async_trait]
impl CommitStore for PostgresStore {
    async fn commit(&self, commit: &Commit) -> Result<Committed, PortError> {
        if !commit.is_one_users() {
            return Err(CALL.error(PortErrorKind::Invalid, "a row is of another user"));
        }
        let mut attempts = 1;
        let told = loop {
            match self.attempt(commit).await {
                Err(error) if gave_way(&error) && attempts < ATTEMPTS_MAX => attempts += 1,
                told => break told?,
            }
        };
        match told {
            Told::So(committed) => Ok(committed),
            Told::Conflict => Err(CALL.error(PortErrorKind::Conflict, "a row is not as expected")),
        }
    }
}

impl PostgresStore {
    async fn attempt(&self, commit: &Commit) -> Result<Told, PortError> {
        let events = Events::of(CALL, commit, &self.topic_prefix)?;
        match commit.rows.as_slice() {
            [row @ (RowChange::PutTask(..) | RowChange::DeleteTask(..))] => {
                self.commit_one(commit, row, events).await
            }
            _ => self.commit_many(commit, events).await,
        }
    }

    async fn commit_one(
        &self,
        commit: &Commit,
        row: &RowChange,
        events: Events,
    ) -> Result<Told, PortError> {
        let mut sql = statement(CALL, commit, row, events)?;
        let mut connection = self.database.acquire(CALL).await?;
        let committing = async {
            let answer = sql.build().fetch_one(&mut *connection).await;
            match answer.and_then(|row| outcome(&row)) {
                Ok(outcome) => Ok(Ok(outcome)),
                Err(error) => violated(error).map(Err),
            }
        };
        let outcome = self.database.answer(CALL, committing).await?;
        // Another commit may need the one that is left.
        drop(connection);
        match outcome {
            Err(told) => Ok(Told::So(told)),
            Ok(Outcome::Written) => Ok(Told::So(Committed::Done)),
            Ok(Outcome::KeyInFlight) => Ok(Told::So(Committed::KeyInFlight)),
            Ok(Outcome::KeyTaken) => Ok(Told::So(Committed::KeyTaken)),
            Ok(Outcome::Refused(labels)) => self.why(commit, row, labels).await,
        }
    }

    /// Why nothing was written, when it was not the key as the statement saw it. Its snapshot may be
    /// older than what it waited for; so the reason is looked for anew.
    async fn why(
        &self,
        commit: &Commit,
        row: &RowChange,
        labels: LabelsFound,
    ) -> Result<Told, PortError> {
        let (id, expected) = match row {
            RowChange::PutTask(expected, task) => (Some(task.id), *expected),
            RowChange::DeleteTask(version, id) => (Some(*id), Expected::Version(*version)),
            _ => (None, Expected::Absent),
        };
        let mut sql = QueryBuilder::new("SELECT ");
        match &commit.answer {
            None => {
                sql.push("false");
            }
            Some(answer) => {
                sql.push("EXISTS (");
                push_key(&mut sql, commit, answer);
                sql.push(")");
            }
        }
        sql.push(", (SELECT version FROM tasks WHERE id = ")
            .push_bind(id.map(|TaskId(id)| id));
        if expected != Expected::Absent {
            sql.push(" AND user_id = ").push_bind(commit.user_id.0);
        }
        sql.push(")");
        let read = |row: &sqlx::postgres::PgRow| Ok((row.try_get(0)?, row.try_get(1)?));
        let found: Option<(bool, Option<i64>)> = self.select_one(CALL, sql, read).await?;
        let (is_taken, version) = found.unwrap_or_default();
        let is_as_expected = match expected {
            Expected::Absent => version.is_none(),
            Expected::Version(expected) => version.map(i64::cast_unsigned) == Some(expected),
        };
        Ok(if is_taken {
            Told::So(Committed::KeyTaken)
        } else if is_as_expected && labels == LabelsFound::NotAll {
            Told::So(Committed::LabelMissing)
        } else {
            Told::Conflict
        })
    }

    async fn commit_many(&self, commit: &Commit, events: Events) -> Result<Told, PortError> {
        let steps = Steps::of(CALL, commit, events)?;
        let mut connection = self.database.acquire(CALL).await?;
        let committing = async {
            let mut transaction = connection.begin().await?;
            match steps.take(&mut transaction, commit).await {
                Ok(Told::So(Committed::Done)) => {
                    transaction.commit().await?;
                    Ok(Told::So(Committed::Done))
                }
                Ok(told) => {
                    transaction.rollback().await?;
                    Ok(told)
                }
                Err(error) => {
                    let told = violated(error)?;
                    transaction.rollback().await?;
                    Ok(Told::So(told))
                }
            }
        };
        self.database.answer(CALL, committing).await
    }
}

/// What a violated constraint tells; any other error is one.
fn violated(error: sqlx::Error) -> Result<Committed, sqlx::Error> {
    let database = error.as_database_error();
    match database.and_then(|error| error.constraint()) {
        Some("labels_name") => Ok(Committed::NameTaken),
        Some("keyed_answers_pkey") => Ok(Committed::KeyTaken),
        _ => Err(error),
    }
}
