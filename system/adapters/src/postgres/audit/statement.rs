//! What recording and counting send and are answered.

use std::collections::HashSet;

use gauntlet_contract::{Envelope, EventId, TopicName};
use gauntlet_ports::{Audited, PortError, PortErrorKind};
use serde::Serialize;
use sqlx::Row as _;
use sqlx::postgres::{PgArguments, PgConnection, Postgres};
use sqlx::query::Query;

use crate::postgres::error::Call;
use crate::postgres::leases::shard_of;

// The inbox decides which events are fresh, and only those get a line in the trail and a row in the
// outbox: one statement, so one transaction. The inbox is written in the order of event ids, so that two
// consumers with overlapping batches cannot wait for each other in a circle; the trail in the order of
// the batch. The numbers are drawn apart, because the outbox needs them too: its row is the number of its
// line and no copy of it, see there.
const RECORD: &str = "
    WITH entry AS (
        SELECT * FROM unnest($2::text[], $3::uuid[], $4::text[], $5::uuid[], $6::uuid[], $7::text[],
                             $8::bigint[], $9::text[], $10::text[], $11::bigint[], $12::text[],
                             $13::uuid[], $14::int[])
            WITH ORDINALITY AS e (source, event_id, entity, entity_id, user_id, action,
                                  version, old, new, occurred, envelope,
                                  told_as, shard, place)
    ), fresh AS (
        INSERT INTO inbox AS known (consumer, source, event_id, done_at)
        SELECT $1, source, event_id, clock_timestamp() FROM entry ORDER BY source, event_id
        ON CONFLICT (consumer, source, event_id) DO UPDATE SET done_at = clock_timestamp()
            WHERE known.done_at IS NULL
        RETURNING source, event_id
    ), numbered AS (
        SELECT ordered.*, nextval('audit_log_seq_seq') AS seq
        FROM (SELECT entry.* FROM entry JOIN fresh USING (source, event_id) ORDER BY place) ordered
    ), line AS (
        INSERT INTO audit_log (seq, event_id, entity, task_id, user_id, action, task_version,
                               old, new, occurred_at, envelope)
        SELECT seq, event_id, entity, entity_id, user_id, action, version, old::jsonb, new::jsonb,
               timestamptz 'epoch' + occurred * interval '1 microsecond', envelope::jsonb
        FROM numbered ORDER BY seq
    ), note AS (
        INSERT INTO audit_outbox (seq, event_id, topic, entity_id, shard)
        SELECT seq, told_as, $15, entity_id, shard FROM numbered ORDER BY seq
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

/// What the inbox knows an event by, beside the consumer.
pub(super) type Key = (String, EventId);

/// The source belongs to it: ids are unique within a source only (CloudEvents).
pub(super) fn key(event: &Envelope) -> Key {
    (event.source.clone(), event.id)
}

/// Recording a batch without repetitions; to be run by [`fresh_keys`]. `topic` is the one that the lines
/// are published to.
pub(super) fn recording(
    call: Call,
    consumer: &'static str,
    topic: &TopicName,
    events: &[&Envelope],
) -> Result<Query<'static, Postgres, PgArguments>, PortError> {
    let audited = events
        .iter()
        .map(|event| Audited::of(event))
        .collect::<Option<Vec<_>>>()
        .ok_or_else(|| call.error(PortErrorKind::Invalid, "an event is no change of an entity"))?;
    let versions = audited
        .iter()
        .map(|line| i64::try_from(line.version))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| PortError::new(PortErrorKind::Invalid, call.port, call.op, error))?;
    let sources: Vec<_> = events.iter().map(|event| event.source.clone()).collect();
    let ids: Vec<_> = events.iter().map(|event| event.id.0).collect();
    let entities: Vec<_> = audited.iter().map(|line| line.entity.as_str()).collect();
    let entity_ids: Vec<_> = audited.iter().map(|line| line.entity_id.0).collect();
    let users: Vec<_> = audited.iter().map(|line| line.user_id.0).collect();
    let actions: Vec<_> = audited.iter().map(|line| line.action).collect();
    let times: Vec<_> = events
        .iter()
        .map(|event| event.time.as_microsecond())
        .collect();
    let told_as: Vec<_> = events.iter().map(|_| EventId::generate().0).collect();
    let shards: Vec<_> = audited
        .iter()
        .map(|line| shard_of(line.entity_id))
        .collect();
    Ok(sqlx::query(RECORD)
        .bind(consumer)
        .bind(sources)
        .bind(ids)
        .bind(entities)
        .bind(entity_ids)
        .bind(users)
        .bind(actions)
        .bind(versions)
        .bind(json_texts(call, audited.iter().map(|line| line.old))?)
        .bind(json_texts(call, audited.iter().map(|line| line.new))?)
        .bind(times)
        .bind(json_texts(call, events.iter().map(|event| Some(*event)))?)
        .bind(told_as)
        .bind(shards)
        .bind(topic.to_string()))
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

/// Sent as text and cast in the statement: the driver has no array of JSON with nulls in it.
fn json_texts<T: Serialize>(
    call: Call,
    values: impl Iterator<Item = Option<T>>,
) -> Result<Vec<Option<String>>, PortError> {
    values
        .map(|value| value.map(|value| serde_json::to_string(&value)).transpose())
        .collect::<Result<_, _>>()
        .map_err(|error| PortError::new(PortErrorKind::Invalid, call.port, call.op, error))
}
