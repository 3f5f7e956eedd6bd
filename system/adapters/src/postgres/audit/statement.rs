//! The statements of the audit log, what they are given and what they answer.

use std::collections::HashSet;

use gauntlet_contract::task::AuditEntry;
use gauntlet_contract::{Envelope, EventId, TaskId, UserId};
use gauntlet_ports::{AuditQuery, PortError, PortErrorKind};
use serde::Serialize;
use sqlx::Row as _;
use sqlx::postgres::{PgArguments, PgConnection, PgRow, Postgres};
use sqlx::query::Query;
use sqlx::types::Json;

use crate::postgres::error::Call;
use crate::postgres::time::from_micros;

// The inbox decides which events are fresh, and only those get a line in the trail: one statement,
// so one transaction. The inbox is written in the order of event ids, so that two consumers with
// overlapping batches cannot wait for each other in a circle; the trail in the order of the batch.
const RECORD: &str = "
    WITH entry AS (
        SELECT * FROM unnest($2::text[], $3::uuid[], $4::uuid[], $5::uuid[], $6::text[],
                             $7::bigint[], $8::text[], $9::text[], $10::bigint[], $11::text[])
            WITH ORDINALITY AS e (source, event_id, task_id, user_id, action,
                                  task_version, old, new, occurred, envelope, place)
    ), fresh AS (
        INSERT INTO inbox AS known (consumer, source, event_id, done_at)
        SELECT $1, source, event_id, clock_timestamp() FROM entry ORDER BY source, event_id
        ON CONFLICT (consumer, source, event_id) DO UPDATE SET done_at = clock_timestamp()
            WHERE known.done_at IS NULL
        RETURNING source, event_id
    ), line AS (
        INSERT INTO audit_log (event_id, task_id, user_id, action, task_version,
                               old, new, occurred_at, envelope)
        SELECT event_id, task_id, user_id, action, task_version, old::jsonb, new::jsonb,
               timestamptz 'epoch' + occurred * interval '1 microsecond', envelope::jsonb
        FROM entry JOIN fresh USING (source, event_id) ORDER BY place
    )
    SELECT source, event_id FROM fresh";

// Creates the row for an event that has only failed so far; `done_at` stays null, so a later success
// is still fresh.
pub(super) const COUNT_FAILURE: &str = "
    INSERT INTO inbox AS known (consumer, source, event_id, handled_failures)
    VALUES ($1, $2, $3, 1)
    ON CONFLICT (consumer, source, event_id)
        DO UPDATE SET handled_failures = known.handled_failures + 1
    RETURNING handled_failures";

// One statement for every combination of filters: it is prepared once, and the user's index bounds
// what the others have to look at.
const QUERY: &str = "
    SELECT seq, event_id, task_id, user_id, action, task_version, old, new,
           (extract(epoch FROM occurred_at) * 1000000)::bigint AS occurred_micros,
           (extract(epoch FROM recorded_at) * 1000000)::bigint AS recorded_micros
    FROM audit_log
    WHERE user_id = $1
      AND ($2::uuid IS NULL OR task_id = $2)
      AND ($3::text IS NULL OR action = $3)
      AND ($4::bigint IS NULL
           OR occurred_at >= timestamptz 'epoch' + $4 * interval '1 microsecond')
      AND ($5::bigint IS NULL
           OR occurred_at < timestamptz 'epoch' + $5 * interval '1 microsecond')
      AND ($6::bigint IS NULL OR seq > $6)
    ORDER BY seq LIMIT $7";

/// What the inbox knows an event by, beside the consumer.
pub(super) type Key = (String, EventId);

/// The source belongs to it: ids are unique within a source only (CloudEvents).
pub(super) fn key(event: &Envelope) -> Key {
    (event.source.clone(), event.id)
}

/// Recording a batch without repetitions; to be run by [`fresh_keys`].
pub(super) fn recording(
    call: Call,
    consumer: &'static str,
    events: &[&Envelope],
) -> Result<Query<'static, Postgres, PgArguments>, PortError> {
    let texts = |of: fn(&Envelope) -> String| -> Vec<String> {
        events.iter().map(|event| of(event)).collect()
    };
    let versions = events
        .iter()
        .map(|event| i64::try_from(event.data.version))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| PortError::new(PortErrorKind::Invalid, call.port, call.op, error))?;
    let ids: Vec<_> = events.iter().map(|event| event.id.0).collect();
    let tasks: Vec<_> = events.iter().map(|event| event.data.task_id.0).collect();
    let users: Vec<_> = events.iter().map(|event| event.data.user_id.0).collect();
    let old = json_texts(call, events.iter().map(|event| event.data.old.as_ref()))?;
    let new = json_texts(call, events.iter().map(|event| event.data.new.as_ref()))?;
    let times: Vec<_> = events
        .iter()
        .map(|event| event.time.as_microsecond())
        .collect();
    let envelopes = json_texts(call, events.iter().map(|event| Some(*event)))?;
    Ok(sqlx::query(RECORD)
        .bind(consumer)
        .bind(texts(|event| event.source.clone()))
        .bind(ids)
        .bind(tasks)
        .bind(users)
        .bind(texts(|event| event.kind.action().to_owned()))
        .bind(versions)
        .bind(old)
        .bind(new)
        .bind(times)
        .bind(envelopes))
}

/// Runs a recording and answers the keys of the events that were fresh.
pub(super) async fn fresh_keys(
    recording: Query<'static, Postgres, PgArguments>,
    connection: &mut PgConnection,
) -> Result<HashSet<Key>, sqlx::Error> {
    let rows = recording.fetch_all(connection).await?;
    rows.iter()
        .map(|row| Ok((row.try_get("source")?, EventId(row.try_get("event_id")?))))
        .collect()
}

/// Binds a query; its rows are read by [`line`].
pub(super) fn querying(query: &AuditQuery) -> Query<'static, Postgres, PgArguments> {
    sqlx::query(QUERY)
        .bind(query.user_id.0)
        .bind(query.task_id.map(|id| id.0))
        .bind(query.action.clone())
        .bind(query.from.map(jiff::Timestamp::as_microsecond))
        .bind(query.to.map(jiff::Timestamp::as_microsecond))
        .bind(query.after)
        .bind(i64::from(query.limit))
}

/// One line of the trail. Old and new come back through JSON, as they were written.
pub(super) fn line(row: &PgRow) -> Result<AuditEntry, sqlx::Error> {
    let version: i64 = row.try_get("task_version")?;
    let old: Option<Json<_>> = row.try_get("old")?;
    let new: Option<Json<_>> = row.try_get("new")?;
    Ok(AuditEntry {
        seq: row.try_get("seq")?,
        event_id: EventId(row.try_get("event_id")?),
        task_id: TaskId(row.try_get("task_id")?),
        user_id: UserId(row.try_get("user_id")?),
        action: row.try_get("action")?,
        task_version: version.unsigned_abs(),
        old: old.map(|Json(task)| task),
        new: new.map(|Json(task)| task),
        occurred_at: from_micros(row.try_get("occurred_micros")?)?,
        recorded_at: from_micros(row.try_get("recorded_micros")?)?,
    })
}

/// Sent as text and cast in the statement: the driver has no array of JSON with nulls in it.
fn json_texts<'e, T: Serialize + 'e>(
    call: Call,
    values: impl Iterator<Item = Option<&'e T>>,
) -> Result<Vec<Option<String>>, PortError> {
    values
        .map(|value| value.map(serde_json::to_string).transpose())
        .collect::<Result<_, _>>()
        .map_err(|error| PortError::new(PortErrorKind::Invalid, call.port, call.op, error))
}
