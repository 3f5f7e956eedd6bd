use async_trait::async_trait;
use gauntlet_contract::{Envelope, Task, TaskId, TaskStatus, TopicName, UserId};
use gauntlet_ports::{
    Expected, PortError, PortErrorKind, TaskChange, TaskOutcome, TaskQuery, TaskStore,
};
use sqlx::Row as _;
use sqlx::postgres::{PgArguments, PgRow, Postgres};
use sqlx::query::Query;

use super::database::Database;
use super::error::Call;
use super::leases::shard_of;
use super::time::from_micros;

const PORT: &str = "task store";
// The statements keep to these numbers: $1 to $7 are what every commit has, $8 to $14 the row, and
// the version that the decision rests on comes last.

macro_rules! columns {
    () => {
        "id, user_id, title, description, status, version,
         (extract(epoch FROM created_at) * 1000000)::bigint AS created_micros,
         (extract(epoch FROM updated_at) * 1000000)::bigint AS updated_micros,
         (extract(epoch FROM completed_at) * 1000000)::bigint AS completed_micros"
    };
}

const FIND: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM tasks WHERE id = $1 AND user_id = $2"
);

const LIST: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM tasks
     WHERE user_id = $1
       AND ($2::text IS NULL OR status = $2)
       AND ($3::uuid IS NULL OR id < $3)
     ORDER BY id DESC LIMIT $4"
);

// A commit is one statement: row and events in one round trip and one transaction. The events hang
// on the row having been written, so that a conflict writes neither; the count tells which it was.
// The outbox numbers are drawn under the row's lock, hence a task's events are numbered in order.
macro_rules! commit {
    ($change:literal) => {
        concat!(
            "WITH task AS (",
            $change,
            " RETURNING id), event AS (
             INSERT INTO outbox (event_id, topic, task_id, task_version, shard, envelope)
             SELECT e.event_id, $3, $1, e.version, $4, e.envelope
             FROM task, unnest($5::uuid[], $6::bigint[], $7::text[])
                  WITH ORDINALITY AS e (event_id, version, envelope, place)
             ORDER BY e.place)
             SELECT count(*) FROM task"
        )
    };
}

const INSERT: &str = commit!(
    "INSERT INTO tasks (id, user_id, title, description, status, version,
                        created_at, updated_at, completed_at)
     VALUES ($1, $2, $8, $9, $10, $11,
             timestamptz 'epoch' + $12::bigint * interval '1 microsecond',
             timestamptz 'epoch' + $13::bigint * interval '1 microsecond',
             timestamptz 'epoch' + $14::bigint * interval '1 microsecond')
     ON CONFLICT (id) DO NOTHING"
);

const UPDATE: &str = commit!(
    "UPDATE tasks SET title = $8, description = $9, status = $10, version = $11,
            created_at = timestamptz 'epoch' + $12::bigint * interval '1 microsecond',
            updated_at = timestamptz 'epoch' + $13::bigint * interval '1 microsecond',
            completed_at = timestamptz 'epoch' + $14::bigint * interval '1 microsecond'
     WHERE id = $1 AND user_id = $2 AND version = $15"
);

const DELETE: &str = commit!("DELETE FROM tasks WHERE id = $1 AND user_id = $2 AND version = $8");

/// Tasks, and the outbox half of their commit. All its events go to one topic.
#[derive(Clone, Debug)]
pub struct PostgresTaskStore {
    database: Database,
    topic: TopicName,
}

impl PostgresTaskStore {
    pub fn new(database: Database, topic: TopicName) -> Self {
        Self { database, topic }
    }

    /// Binds what every commit has: `$1` to `$7`.
    fn committing<'q>(
        &'q self,
        call: Call,
        statement: &'static str,
        id: TaskId,
        change: &TaskChange,
    ) -> Result<Query<'q, Postgres, PgArguments>, PortError> {
        let ids: Vec<_> = change.events.iter().map(|event| event.id.0).collect();
        let versions = change
            .events
            .iter()
            .map(|event| signed(call, event.data.version))
            .collect::<Result<Vec<_>, _>>()?;
        let envelopes = change
            .events
            .iter()
            .map(|event| encode(call, event))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(sqlx::query(statement)
            .bind(id.0)
            .bind(change.user_id.0)
            .bind(self.topic.as_str())
            .bind(shard_of(id))
            .bind(ids)
            .bind(versions)
            .bind(envelopes))
    }
}

#[async_trait]
impl TaskStore for PostgresTaskStore {
    async fn find(&self, user_id: UserId, id: TaskId) -> Result<Option<Task>, PortError> {
        let call = Call::new(PORT, "find a task");
        let mut connection = self.database.acquire(call).await?;
        let query = sqlx::query(FIND).bind(id.0).bind(user_id.0);
        let row = self
            .database
            .answer(call, query.fetch_optional(&mut *connection))
            .await?;
        row.map(|row| task(&row))
            .transpose()
            .map_err(|error| call.failed(error))
    }

    async fn list(&self, query: &TaskQuery) -> Result<Vec<Task>, PortError> {
        let call = Call::new(PORT, "list tasks");
        let mut connection = self.database.acquire(call).await?;
        let statement = sqlx::query(LIST)
            .bind(query.user_id.0)
            .bind(query.status.map(TaskStatus::as_str))
            .bind(query.before.map(|id| id.0))
            .bind(i64::from(query.limit));
        let rows = self
            .database
            .answer(call, statement.fetch_all(&mut *connection))
            .await?;
        rows.iter()
            .map(task)
            .collect::<Result<_, _>>()
            .map_err(|error| call.failed(error))
    }

    async fn commit(&self, change: &TaskChange) -> Result<(), PortError> {
        let call = Call::new(PORT, "commit a change");
        let statement = match (&change.outcome, change.expected) {
            (TaskOutcome::Put(task), Expected::Absent) => {
                let common = self.committing(call, INSERT, task.id, change)?;
                bind_task(call, common, task)?
            }
            (TaskOutcome::Put(task), Expected::Version(version)) => {
                let common = self.committing(call, UPDATE, task.id, change)?;
                bind_task(call, common, task)?.bind(signed(call, version)?)
            }
            (TaskOutcome::Delete(id), Expected::Version(version)) => self
                .committing(call, DELETE, *id, change)?
                .bind(signed(call, version)?),
            (TaskOutcome::Delete(_), Expected::Absent) => {
                return Err(call.error(PortErrorKind::Invalid, "what is absent cannot be deleted"));
            }
        };
        let mut connection = self.database.acquire(call).await?;
        let row = self
            .database
            .answer(call, statement.fetch_one(&mut *connection))
            .await?;
        let written: i64 = row.try_get(0).map_err(|error| call.failed(error))?;
        if written == 0 {
            let detail = format!("the task is not as expected: {:?}", change.expected);
            return Err(call.error(PortErrorKind::Conflict, detail));
        }
        Ok(())
    }
}

/// Binds a row: `$8` to `$14`.
fn bind_task<'q>(
    call: Call,
    query: Query<'q, Postgres, PgArguments>,
    task: &Task,
) -> Result<Query<'q, Postgres, PgArguments>, PortError> {
    Ok(query
        .bind(task.title.clone())
        .bind(task.description.clone())
        .bind(task.status.as_str())
        .bind(signed(call, task.version)?)
        .bind(task.created_at.as_microsecond())
        .bind(task.updated_at.as_microsecond())
        .bind(task.completed_at.map(jiff::Timestamp::as_microsecond)))
}

/// The bytes that will be published.
fn encode(call: Call, event: &Envelope) -> Result<String, PortError> {
    serde_json::to_string(event)
        .map_err(|error| PortError::new(PortErrorKind::Invalid, call.port, call.op, error))
}

/// Postgres has no unsigned integers.
fn signed(call: Call, version: u64) -> Result<i64, PortError> {
    i64::try_from(version)
        .map_err(|error| PortError::new(PortErrorKind::Invalid, call.port, call.op, error))
}

/// A row that does not decode was written by a newer version of this program, or by a stranger.
fn task(row: &PgRow) -> Result<Task, sqlx::Error> {
    let version: i64 = row.try_get("version")?;
    let status: &str = row.try_get("status")?;
    let completed: Option<i64> = row.try_get("completed_micros")?;
    Ok(Task {
        id: TaskId(row.try_get("id")?),
        user_id: UserId(row.try_get("user_id")?),
        title: row.try_get("title")?,
        description: row.try_get("description")?,
        status: TaskStatus::from_name(status)
            .ok_or_else(|| sqlx::Error::Decode(format!("unknown status {status:?}").into()))?,
        version: u64::try_from(version).map_err(|error| sqlx::Error::Decode(error.into()))?,
        created_at: from_micros(row.try_get("created_micros")?)?,
        updated_at: from_micros(row.try_get("updated_micros")?)?,
        completed_at: completed.map(from_micros).transpose()?,
    })
}
