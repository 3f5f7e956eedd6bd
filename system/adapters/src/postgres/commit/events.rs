use gauntlet_contract::{Envelope, TopicName};
use gauntlet_ports::{Commit, PortError, PortErrorKind};
use sqlx::postgres::Postgres;
use sqlx::query_builder::QueryBuilder;
use uuid::Uuid;

use super::rows::signed;
use crate::postgres::error::Call;
use crate::postgres::leases::shard_of;

/// A commit's rows of the outbox, one array for each column.
pub(super) struct Events {
    ids: Vec<Uuid>,
    topics: Vec<String>,
    subjects: Vec<Uuid>,
    versions: Vec<i64>,
    shards: Vec<i32>,
    envelopes: Vec<String>,
}

impl Events {
    pub(super) fn of(call: Call, commit: &Commit, prefix: &str) -> Result<Self, PortError> {
        let events = commit.events.iter();
        let topic = |event: &Envelope| TopicName::new(prefix, event.kind.topic());
        Ok(Self {
            ids: events.clone().map(|event| event.id.0).collect(),
            topics: events
                .clone()
                .map(|event| topic(event).as_str().to_owned())
                .collect(),
            subjects: events.clone().map(|event| event.subject.0).collect(),
            versions: events
                .clone()
                .map(|event| signed(call, commit.version_after(event)))
                .collect::<Result<_, _>>()?,
            shards: events
                .clone()
                .map(|event| shard_of(event.subject))
                .collect(),
            envelopes: events
                .map(|event| encode(call, event))
                .collect::<Result<_, _>>()?,
        })
    }

    /// Pushes an insertion of the events in their order; `hung_on` is put before their rows in its FROM.
    pub(super) fn push(self, sql: &mut QueryBuilder<Postgres>, hung_on: &'static str) {
        sql.push(
            "INSERT INTO outbox (event_id, topic, task_id, task_version, shard, envelope) \
             SELECT e.event_id, e.topic, e.subject, e.version, e.shard, e.envelope FROM ",
        );
        sql.push(hung_on).push("unnest(");
        let mut columns = sql.separated(", ");
        columns.push_bind(self.ids);
        columns.push_bind(self.topics);
        columns.push_bind(self.subjects);
        columns.push_bind(self.versions);
        columns.push_bind(self.shards);
        columns.push_bind(self.envelopes);
        sql.push(
            ") WITH ORDINALITY AS e (event_id, topic, subject, version, shard, envelope, place) \
             ORDER BY e.place",
        );
    }
}

/// The bytes that will be published.
fn encode(call: Call, event: &Envelope) -> Result<String, PortError> {
    serde_json::to_string(event)
        .map_err(|error| PortError::new(PortErrorKind::Invalid, call.port, call.op, error))
}
