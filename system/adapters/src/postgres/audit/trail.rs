//! Reading the trail. The API and the outbox read a line by the same columns and the same function, so
//! what is published is what a client is answered.

use gauntlet_contract::{AuditEntry, Entity, EntityId, EventId, UserId};
use gauntlet_ports::{AuditQuery, Direction};
use sqlx::postgres::{PgRow, Postgres};
use sqlx::types::Json;
use sqlx::{QueryBuilder, Row as _};

use crate::postgres::time::from_micros;

/// The columns that [`line`] reads, of `audit_log`.
macro_rules! columns {
    () => {
        "seq, event_id, entity, task_id, user_id, action, task_version, old, new,
         (extract(epoch FROM occurred_at) * 1000000)::bigint AS occurred_micros,
         (extract(epoch FROM recorded_at) * 1000000)::bigint AS recorded_micros"
    };
}
pub(in crate::postgres) use columns;

const LINES: &str = concat!("SELECT ", columns!(), " FROM audit_log WHERE ");

/// A page of the trail. `before` stands before the statement.
///
/// Whatever the filters are, only lines of the user are read. To scan the trail of all in its order, until
/// enough lines have passed by, looks cheap to the planner, and is not where they lie far behind; so
/// a statement leaves it no such choice. Either the page is a range of an index, which has its order; or
/// it is sorted, from what an entity or a span of time has.
pub(super) fn querying(before: &'static str, query: &AuditQuery) -> QueryBuilder<Postgres> {
    let mut statement = QueryBuilder::new(before);
    statement.push(LINES);
    let range = Range::fit_for(query);
    match &range {
        Some(range) => range.push(&mut statement, query),
        None => push_user(&mut statement, query),
    }
    push_filters(&mut statement, query, range.as_ref());
    statement.push(" ORDER BY ");
    match (&range, query.order) {
        (Some(range), Direction::Ascending) => statement.push(range.columns().join(", ")),
        (Some(range), Direction::Descending) => statement
            .push(range.columns().join(" DESC, "))
            .push(" DESC"),
        // A sum, which no index has.
        (None, Direction::Ascending) => statement.push("seq + 0"),
        (None, Direction::Descending) => statement.push("seq + 0 DESC"),
    };
    statement.push(" LIMIT ").push_bind(i64::from(query.limit));
    statement
}

/// A range of an index whose order is that of a page.
enum Range<'q> {
    User,
    /// Not of tasks: nearly every line is about one, so these narrow nothing down.
    Entities(Entity),
    Action(&'q str),
}

impl<'q> Range<'q> {
    fn fit_for(query: &'q AuditQuery) -> Option<Self> {
        let entity = query.entity.filter(|entity| *entity != Entity::Task);
        let is_narrow = query.entity_id.is_some() || query.from.is_some() || query.to.is_some();
        (!is_narrow).then_some(match (entity, &query.action) {
            (Some(entity), _) => Range::Entities(entity),
            (None, Some(action)) => Range::Action(action),
            (None, None) => Range::User,
        })
    }

    fn columns(&self) -> &'static [&'static str] {
        match self {
            Range::User => &["user_id", "seq"],
            Range::Entities(_) => &["user_id", "entity", "seq"],
            Range::Action(_) => &["user_id", "action", "seq"],
        }
    }

    /// The range of whole keys, both ends excluded: with a user that is merely equal, the planner could
    /// leave it out of the order.
    fn push(&self, statement: &mut QueryBuilder<Postgres>, query: &AuditQuery) {
        // Numbers begin at 1.
        let (low, high) = match (query.order, query.after) {
            (_, None) => (0, i64::MAX),
            (Direction::Ascending, Some(after)) => (after, i64::MAX),
            (Direction::Descending, Some(after)) => (0, after),
        };
        self.push_bound(statement, query, " > ", low);
        statement.push(" AND ");
        self.push_bound(statement, query, " < ", high);
        if let Range::Entities(_) = self {
            // What the index says of itself, or the planner would not know that it will do.
            statement.push(" AND entity <> 'task'");
        }
    }

    fn push_bound(
        &self,
        statement: &mut QueryBuilder<Postgres>,
        query: &AuditQuery,
        comparison: &str,
        seq: i64,
    ) {
        let columns = self.columns().join(", ");
        statement.push(format_args!("({columns}){comparison}("));
        statement.push_bind(query.user_id.0).push(", ");
        match self {
            Range::User => {}
            Range::Entities(entity) => {
                statement.push_bind(entity.as_str()).push(", ");
            }
            Range::Action(action) => {
                statement.push_bind((*action).to_owned()).push(", ");
            }
        }
        statement.push_bind(seq).push(")");
    }
}

fn push_user(statement: &mut QueryBuilder<Postgres>, query: &AuditQuery) {
    statement.push("user_id = ").push_bind(query.user_id.0);
    if let Some(after) = query.after {
        let behind = match query.order {
            Direction::Ascending => " AND seq > ",
            Direction::Descending => " AND seq < ",
        };
        statement.push(behind).push_bind(after);
    }
}

/// Whatever is not in the range of an index already.
fn push_filters(
    statement: &mut QueryBuilder<Postgres>,
    query: &AuditQuery,
    range: Option<&Range<'_>>,
) {
    if let Some(entity) = query.entity
        && !matches!(range, Some(Range::Entities(_)))
    {
        statement.push(" AND entity = ").push_bind(entity.as_str());
    }
    if let Some(action) = &query.action
        && !matches!(range, Some(Range::Action(_)))
    {
        statement.push(" AND action = ").push_bind(action.clone());
    }
    if let Some(id) = query.entity_id {
        statement.push(" AND task_id = ").push_bind(id.0);
    }
    for (comparison, time) in [
        (" AND occurred_at >= ", query.from),
        (" AND occurred_at < ", query.to),
    ] {
        if let Some(time) = time {
            statement
                .push(comparison)
                .push("timestamptz 'epoch' + ")
                .push_bind(time.as_microsecond())
                .push(" * interval '1 microsecond'");
        }
    }
}

/// One line of the trail. Old and new come back through JSON, as they were written.
pub(in crate::postgres) fn line(row: &PgRow) -> Result<AuditEntry, sqlx::Error> {
    let entity: &str = row.try_get("entity")?;
    let version: i64 = row.try_get("task_version")?;
    let old: Option<Json<_>> = row.try_get("old")?;
    let new: Option<Json<_>> = row.try_get("new")?;
    Ok(AuditEntry {
        seq: row.try_get("seq")?,
        event_id: EventId(row.try_get("event_id")?),
        entity: Entity::from_name(entity)
            .ok_or_else(|| sqlx::Error::Decode(format!("unknown entity {entity:?}").into()))?,
        entity_id: EntityId(row.try_get("task_id")?),
        user_id: UserId(row.try_get("user_id")?),
        action: row.try_get("action")?,
        version: u64::try_from(version).map_err(|error| sqlx::Error::Decode(error.into()))?,
        old: old.map(|Json(state)| state),
        new: new.map(|Json(state)| state),
        occurred_at: from_micros(row.try_get("occurred_micros")?)?,
        recorded_at: from_micros(row.try_get("recorded_micros")?)?,
    })
}
