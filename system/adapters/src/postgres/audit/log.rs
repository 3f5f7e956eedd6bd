use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use gauntlet_contract::{AuditEntry, Envelope, TopicName};
use gauntlet_ports::{AuditLog, AuditQuery, Gap, PortError, PortErrorKind, Recorded};
use serde_json::Value;
use sqlx::postgres::PgConnection;
use sqlx::types::Json;
use sqlx::{Connection as _, Row as _};

use super::statement::{COUNT_FAILURE, Key, fresh_keys, key, recording};
use super::touched::Touched;
use super::trail::{line, querying};
use crate::postgres::database::Database;
use crate::postgres::error::{Call, classify};

pub(super) const PORT: &str = "audit log";

pub(super) type Answer = Result<Recorded, PortError>;

/// The audit trail with the inbox of one consumer. What it records goes into the outbox that
/// [`PostgresOutbox::of_audit`](crate::postgres::PostgresOutbox::of_audit) reads.
///
/// Each process has one, of which it makes clones: what one of them has recorded, another one's release
/// heeds.
#[derive(Clone, Debug)]
pub struct PostgresAuditLog {
    pub(super) database: Database,
    pub(super) consumer: &'static str,
    topic: TopicName,
    pub(super) touched: Arc<Touched>,
}

impl PostgresAuditLog {
    /// `topic` is the one that lines of the trail are published to.
    pub fn new(database: Database, consumer: &'static str, topic: TopicName) -> Self {
        Self {
            database,
            consumer,
            topic,
            touched: Arc::new(Touched::everything()),
        }
    }

    /// Runs a query and answers how Postgres went about it: `EXPLAIN (ANALYZE, FORMAT JSON)` of the very
    /// statement.
    pub async fn explain(&self, query: &AuditQuery) -> Result<Value, PortError> {
        let call = Call::new(PORT, "explain a query");
        let mut connection = self.database.acquire(call).await?;
        let mut statement = querying("EXPLAIN (ANALYZE, FORMAT JSON) ", query);
        let row = self
            .database
            .answer(call, statement.build().fetch_one(&mut *connection))
            .await?;
        row.try_get(0)
            .map(|Json(plan)| plan)
            .map_err(|error| call.failed(error))
    }

    /// Answers for each event of a batch without repetitions: what comes too early is kept.
    async fn record_due(&self, call: Call, batch: &[&Envelope]) -> Vec<Answer> {
        let is_due = match self.gate(call, batch).await {
            Ok(is_due) => is_due,
            Err(error) => return fail_all(call, &error, batch.len()),
        };
        let due: Vec<&Envelope> = batch
            .iter()
            .zip(&is_due)
            .filter(|(_, is_due)| **is_due)
            .map(|(event, _)| *event)
            .collect();
        let mut recorded = self.record_unique(call, &due).await.into_iter();
        let mut answers = Vec::with_capacity(batch.len());
        for (event, is_due) in batch.iter().zip(is_due) {
            let answer = if is_due { recorded.next() } else { None };
            answers.push(match answer {
                Some(answer) => answer,
                None => self.keep(call, event).await,
            });
        }
        answers
    }

    /// Answers for each event of a batch without repetitions, whatever the trail has before them.
    pub(super) async fn record_unique(&self, call: Call, batch: &[&Envelope]) -> Vec<Answer> {
        if batch.is_empty() {
            return Vec::new();
        }
        match self.record_together(call, batch).await {
            Ok(fresh) => batch
                .iter()
                .map(|event| Ok(recorded(fresh.contains(&key(event)))))
                .collect(),
            Err(error) if batch.len() == 1 => vec![Err(error)],
            // An event is at fault, and the others must not suffer: find out which one.
            Err(error) if error.kind == PortErrorKind::Invalid => self
                .record_one_by_one(call, batch)
                .await
                .unwrap_or_else(|error| fail_all(call, &error, batch.len())),
            Err(error) => fail_all(call, &error, batch.len()),
        }
    }

    /// All events in one statement. Answers the keys of those that were fresh.
    async fn record_together(
        &self,
        call: Call,
        batch: &[&Envelope],
    ) -> Result<HashSet<Key>, PortError> {
        let statement = recording(call, self.consumer, &self.topic, batch)?;
        let mut connection = self.database.acquire(call).await?;
        self.database
            .answer(call, fresh_keys(statement, &mut connection))
            .await
    }

    /// Each event under a savepoint of its own, in one transaction. Slower by a round trip or three
    /// for each event, which only a batch with a bad one in it pays.
    async fn record_one_by_one(
        &self,
        call: Call,
        batch: &[&Envelope],
    ) -> Result<Vec<Answer>, PortError> {
        let mut connection = self.database.acquire(call).await?;
        self.database
            .answer(call, async {
                let mut transaction = connection.begin().await?;
                let mut answers = Vec::with_capacity(batch.len());
                // What comes behind a failed event of the same subject would overtake it.
                let mut stopped = HashSet::new();
                for event in batch {
                    let answer = if stopped.contains(&event.data.subject()) {
                        Err(held_back(call))
                    } else {
                        self.record_one(call, event, &mut transaction).await?
                    };
                    if answer.is_err() {
                        stopped.insert(event.data.subject());
                    }
                    answers.push(answer);
                }
                // Until here nothing is there; an answer must not leave before.
                transaction.commit().await?;
                Ok(answers)
            })
            .await
    }

    /// The outer error ends the whole transaction, the inner one only this entry.
    async fn record_one(
        &self,
        call: Call,
        event: &Envelope,
        transaction: &mut PgConnection,
    ) -> Result<Answer, sqlx::Error> {
        let statement = match recording(call, self.consumer, &self.topic, &[event]) {
            Ok(statement) => statement,
            Err(error) => return Ok(Err(error)),
        };
        let mut savepoint = transaction.begin().await?;
        match fresh_keys(statement, &mut savepoint).await {
            Ok(fresh) => {
                savepoint.commit().await?;
                Ok(Ok(recorded(!fresh.is_empty())))
            }
            Err(error) if classify(&error) == PortErrorKind::Invalid => {
                savepoint.rollback().await?;
                Ok(Err(call.failed(error)))
            }
            Err(error) => Err(error),
        }
    }
}

#[async_trait]
impl AuditLog for PostgresAuditLog {
    async fn record(&self, events: &[Envelope]) -> Vec<Result<Recorded, PortError>> {
        if events.is_empty() {
            return Vec::new();
        }
        let call = Call::new(PORT, "record events");
        // The statement must see each event once: it cannot touch an inbox row twice.
        let mut seen = HashSet::new();
        let batch: Vec<_> = events
            .iter()
            .filter(|event| seen.insert(key(event)))
            .collect();
        // Answers of the batch go back to where their events stood among the repetitions.
        let mut first_answers: HashMap<Key, Answer> = batch
            .iter()
            .map(|event| key(event))
            .zip(self.record_due(call, &batch).await)
            .collect();
        // Also of those that failed: a line whose answer was lost is there.
        let subjects = batch.iter().map(|event| event.data.subject());
        self.touched.touch(subjects);
        let (mut failed, mut kept) = (HashSet::new(), HashSet::new());
        events
            .iter()
            .map(|event| {
                let key = key(event);
                match first_answers.remove(&key) {
                    Some(Err(error)) => {
                        failed.insert(key);
                        Err(error)
                    }
                    Some(Ok(Recorded::Kept)) => {
                        kept.insert(key);
                        Ok(Recorded::Kept)
                    }
                    Some(answer) => answer,
                    // A repetition within the batch shares the fate of the first copy.
                    None if failed.contains(&key) => Err(held_back(call)),
                    None if kept.contains(&key) => Ok(Recorded::Kept),
                    None => Ok(Recorded::Duplicate),
                }
            })
            .collect()
    }

    async fn release(&self, patience: Duration) -> Result<Vec<Gap>, PortError> {
        self.release_due(Call::new(PORT, "release events"), patience)
            .await
    }

    async fn count_failure(&self, event: &Envelope) -> Result<u32, PortError> {
        let call = Call::new(PORT, "count a failure");
        let mut connection = self.database.acquire(call).await?;
        let statement = sqlx::query_scalar(COUNT_FAILURE)
            .bind(self.consumer)
            .bind(event.source.as_str())
            .bind(event.id.0);
        let count: i32 = self
            .database
            .answer(call, statement.fetch_one(&mut *connection))
            .await?;
        Ok(count.unsigned_abs())
    }

    async fn query(&self, query: &AuditQuery) -> Result<Vec<AuditEntry>, PortError> {
        let call = Call::new(PORT, "query the trail");
        let mut connection = self.database.acquire(call).await?;
        let mut statement = querying("", query);
        let rows = self
            .database
            .answer(call, statement.build().fetch_all(&mut *connection))
            .await?;
        rows.iter()
            .map(line)
            .collect::<Result<_, _>>()
            .map_err(|error| call.failed(error))
    }
}

fn recorded(is_fresh: bool) -> Recorded {
    if is_fresh {
        Recorded::Fresh
    } else {
        Recorded::Duplicate
    }
}

/// `Unavailable`, because nothing is wrong with this event: it is to be tried again.
fn held_back(call: Call) -> PortError {
    call.error(
        PortErrorKind::Unavailable,
        "held back behind a failed event of the same subject",
    )
}

/// One failure of the whole batch, told to each of its events. An event cannot be blamed for what
/// ended all of them, so the kind is never `Invalid`.
fn fail_all(call: Call, error: &PortError, len: usize) -> Vec<Answer> {
    let kind = match error.kind {
        PortErrorKind::Invalid => PortErrorKind::Unavailable,
        kind => kind,
    };
    let detail = format!("{error}: {}", error.source);
    (0..len)
        .map(|_| Err(call.error(kind, detail.clone())))
        .collect()
}
