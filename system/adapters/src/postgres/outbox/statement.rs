//! The statements of a relay, for each of the outboxes.

use gauntlet_contract::{Envelope, EventId, TopicName};
use gauntlet_ports::{OutboxEntry, audit_event};
use sqlx::Row as _;
use sqlx::postgres::PgRow;

use crate::postgres::audit::{columns, line};

/// What one outbox is asked, and how its entries are read.
#[derive(Debug)]
pub(super) struct Statements {
    pub(super) renew: &'static str,
    pub(super) unsent: &'static str,
    pub(super) mark_sent: &'static str,
    pub(super) mark_attempted: &'static str,
    pub(super) purge_sent: &'static str,
    pub(super) depth: &'static str,
    pub(super) release: &'static str,
    pub(super) entry: fn(&PgRow) -> Result<OutboxEntry, sqlx::Error>,
}

/// Selects `$columns` of the oldest unsent entry of each subject.
///
/// The join is the first fence: who has lost a lease selects nothing of its shard. The second condition on
/// the subjects keeps their order: only a subject's oldest unsent event is ever shown, so a later one
/// cannot overtake it however the rows are read.
macro_rules! oldest {
    ($outbox:literal, $lease:literal, $subject:literal, $columns:literal) => {
        concat!(
            "SELECT ",
            $columns,
            "
             FROM ",
            $outbox,
            " o
             JOIN ",
            $lease,
            " l ON l.shard = o.shard
             WHERE o.sent_at IS NULL
               AND l.holder = $1 AND l.expires_at > clock_timestamp()
               AND NOT (o.",
            $subject,
            " = ANY ($2::uuid[]))
               AND NOT EXISTS (
                   SELECT FROM ",
            $outbox,
            " earlier
                   WHERE earlier.",
            $subject,
            " = o.",
            $subject,
            "
                     AND earlier.sent_at IS NULL AND earlier.seq < o.seq)
             ORDER BY o.seq LIMIT $3"
        )
    };
}

macro_rules! statements {
    ($outbox:literal, $lease:literal, unsent: $unsent:expr, entry: $entry:expr) => {
        Statements {
            // Takes what is free or has run out and keeps what is ours. The epoch grows only when the
            // holder changes; a holder who was late but unchallenged has missed nothing.
            renew: concat!(
                "UPDATE ", $lease, " SET
                    epoch = CASE WHEN holder = $1 THEN epoch ELSE epoch + 1 END,
                    holder = $1,
                    expires_at = clock_timestamp() + $2::bigint * interval '1 microsecond'
                WHERE shard IN (
                    SELECT shard FROM ", $lease, "
                    WHERE holder = $1 OR holder IS NULL OR expires_at < clock_timestamp()
                    FOR UPDATE SKIP LOCKED)
                RETURNING shard, epoch"
            ),
            unsent: $unsent,
            // Losing this mark in a crash of the database means that the event is published once more,
            // which consumers must bear anyway; so it need not wait for the disk, and commits of tasks
            // get the disk.
            mark_sent: concat!(
                "WITH relaxed AS (SELECT set_config('synchronous_commit', 'off', true))
                UPDATE ", $outbox, " o SET
                    sent_at = clock_timestamp(),
                    attempts = o.attempts + 1,
                    publish_started_at = timestamptz 'epoch' + s.started * interval '1 microsecond',
                    publish_micros = s.took
                FROM relaxed,
                     unnest($2::bigint[], $3::bigint[], $4::bigint[]) AS s (seq, started, took),
                     unnest($5::int[], $6::bigint[]) AS held (shard, epoch),
                     ", $lease, " l
                WHERE o.seq = s.seq AND o.sent_at IS NULL
                  AND held.shard = o.shard
                  AND l.shard = o.shard AND l.holder = $1 AND l.epoch = held.epoch"
            ),
            mark_attempted: concat!(
                "WITH relaxed AS (SELECT set_config('synchronous_commit', 'off', true))
                UPDATE ", $outbox, " SET attempts = attempts + 1
                FROM relaxed WHERE seq = ANY ($1::bigint[])"
            ),
            // `statement_timestamp` and not the clock, which an index cannot be searched by. The lease
            // keeps replicas from waiting for each other's rows, and like a mark, a purge that a crash
            // undoes is done again.
            purge_sent: concat!(
                "WITH relaxed AS (SELECT set_config('synchronous_commit', 'off', true)),
                old AS (
                    SELECT o.seq FROM ", $outbox, " o
                    JOIN ", $lease, " l ON l.shard = o.shard
                    WHERE o.sent_at <=
                          statement_timestamp() - $2::bigint * interval '1 microsecond'
                      AND l.holder = $1 AND l.expires_at > clock_timestamp()
                    ORDER BY o.sent_at LIMIT $3)
                DELETE FROM ", $outbox, " o USING old, relaxed WHERE o.seq = old.seq"
            ),
            // Reads the partial index alone; it is as long as the backlog, not as the history.
            depth: concat!("SELECT count(*) FROM ", $outbox, " WHERE sent_at IS NULL"),
            // The epoch stays: the next holder raises it, which fences off what this one still has
            // under way.
            release: concat!(
                "UPDATE ", $lease, " SET holder = NULL, expires_at = '-infinity'
                WHERE holder = $1"
            ),
            entry: $entry,
        }
    };
}

/// The api role's outbox: what was committed is stored as it will be published.
pub(super) static OF_API: Statements = statements!(
    "outbox", "relay_lease",
    unsent: oldest!(
        "outbox", "relay_lease", "task_id", "o.seq, o.topic, o.envelope, o.attempts"
    ),
    entry: stored
);

/// The audit role's outbox: an entry names its line of the trail, which nobody can change, and the event
/// is made of it when it is read. So each state is stored once, and what is published is what a client is
/// answered by construction. The lines are looked up one by one: however the outbox grows, the planner
/// cannot come to read the whole trail for a few of them.
pub(super) static OF_AUDIT: Statements = statements!(
    "audit_outbox", "audit_relay_lease",
    unsent: concat!(
        "SELECT o.topic, o.attempts, o.told_as, line.*
         FROM (",
        oldest!(
            "audit_outbox", "audit_relay_lease", "entity_id",
            "o.seq, o.topic, o.attempts, o.event_id AS told_as"
        ),
        ") o CROSS JOIN LATERAL (
             SELECT ", columns!(), ", envelope ->> 'traceparent' AS traceparent
             FROM audit_log WHERE audit_log.seq = o.seq LIMIT 1) line
         ORDER BY o.seq"
    ),
    entry: told
);

/// Decoding the text and encoding it again gives the same bytes: the golden files of the contract
/// pin both directions.
fn stored(row: &PgRow) -> Result<OutboxEntry, sqlx::Error> {
    let envelope: String = row.try_get("envelope")?;
    let envelope = serde_json::from_str::<Envelope>(&envelope)
        .map_err(|error| sqlx::Error::Decode(error.into()))?;
    entry(row, envelope)
}

fn told(row: &PgRow) -> Result<OutboxEntry, sqlx::Error> {
    let id = EventId(row.try_get("told_as")?);
    entry(
        row,
        audit_event(id, line(row)?, row.try_get("traceparent")?),
    )
}

fn entry(row: &PgRow, envelope: Envelope) -> Result<OutboxEntry, sqlx::Error> {
    let topic: String = row.try_get("topic")?;
    let attempts: i32 = row.try_get("attempts")?;
    Ok(OutboxEntry {
        seq: row.try_get("seq")?,
        topic: TopicName::from_stored(topic),
        envelope,
        attempts: attempts.unsigned_abs(),
    })
}
