//! With ten users of 10,000 lines each, a page reads little, whatever it is narrowed to.

use std::sync::Arc;

use gauntlet_contract::{Entity, EntityId, UserId};
use gauntlet_harness::component::postgres::Postgres;
use gauntlet_ports::{AuditLog as _, AuditQuery, Direction};
use jiff::Timestamp;
use libtest_mimic::Trial;
use serde_json::Value;
use uuid::Uuid;

use super::{every, log};
use crate::components::Components;
use crate::plan::{looked_at, misses_what_is_not_there};
use crate::postgres::Fresh;
use crate::trials::trials;

/// Of each user.
const LINES: u64 = 10_000;
const PAGE: u64 = 50;
/// A row comparison reads the keys that it excludes.
const ENDS: u64 = 2;

// The users take turns. Each has a line a minute, an entity in ten lines; the first half of the lines are
// creations, one in a hundred is of a tag, and `ended` comes in the last ten alone.
const FILL: &str = "
    INSERT INTO audit_log (event_id, entity, task_id, user_id, action, task_version, occurred_at, envelope)
    SELECT gen_random_uuid(),
           CASE WHEN n % 100 = 99 THEN 'tag' ELSE 'task' END,
           lpad(to_hex(u * 100000 + n % 1000), 32, '0')::uuid,
           lpad(to_hex(u), 32, '0')::uuid,
           CASE WHEN n < 5000 THEN 'created' WHEN n < 9990 THEN 'updated' ELSE 'ended' END,
           1, timestamptz '2026-01-01 00:00:00+00' + n * interval '1 minute', '{}'
    FROM generate_series(0, 9999) AS n, generate_series(1, 10) AS u";

pub(super) fn trials(components: &Arc<Components>) -> Vec<Trial> {
    trials!(components, Components::postgres => every_query_goes_by_an_index_and_reads_little)
}

struct Expectation {
    name: &'static str,
    query: AuditQuery,
    /// The most lines that may be looked at.
    reads: u64,
    by: &'static str,
}

async fn every_query_goes_by_an_index_and_reads_little(server: Postgres) {
    let fresh = Fresh::on(&server).await;
    let mut raw = fresh.raw().await;
    for statement in [FILL, "VACUUM ANALYZE audit_log"] {
        sqlx::raw_sql(statement).execute(&mut raw).await.unwrap();
    }
    let log = log(&fresh);
    for case in expectations() {
        for order in [Direction::Ascending, Direction::Descending] {
            let first = AuditQuery {
                order,
                ..case.query.clone()
            };
            let lines = log.query(&first).await.expect("query");
            let last = lines.last().expect("something to find");
            let second = AuditQuery {
                after: Some(last.seq),
                ..first.clone()
            };
            for query in [first, second] {
                let plan = log.explain(&query).await.expect("explain");
                let mut scans = Vec::new();
                collect_scans(&plan[0]["Plan"], &mut scans);
                let about = format!("{}, {query:?}: {plan:#}", case.name);
                let read: Result<u64, String> = scans.iter().map(looked_at).sum();
                let read = read.unwrap();
                let mut lines = scans
                    .iter()
                    .filter(|scan| scan["Relation Name"] == "audit_log");
                assert!(lines.any(misses_what_is_not_there), "{about}");
                assert!(read <= case.reads, "{read} lines were read, {about}");
                let goes_by = |scan: &Value| scan["Index Name"] == case.by;
                assert!(scans.iter().any(goes_by), "{about}");
            }
        }
    }
}

fn expectations() -> Vec<Expectation> {
    let case = |name, reads, by, narrow: fn(&mut AuditQuery)| {
        let mut query = every(UserId(Uuid::from_u128(7)));
        narrow(&mut query);
        Expectation {
            name,
            query,
            reads,
            by,
        }
    };
    let page = PAGE + ENDS;
    vec![
        case("all", page, "audit_log_by_user", |_| {}),
        // One line in a hundred is not about a task.
        case("tasks", page + 2, "audit_log_by_user", |query| {
            query.entity = Some(Entity::Task);
        }),
        case("tags", page, "audit_log_by_entity", |query| {
            query.entity = Some(Entity::Tag);
        }),
        case("a common action", page, "audit_log_by_action", |query| {
            query.action = Some("updated".to_owned());
        }),
        case("a rare action", 10 + ENDS, "audit_log_by_action", |query| {
            query.action = Some("ended".to_owned());
        }),
        case("an entity", 10, "audit_log_by_task", |query| {
            query.entity_id = Some(EntityId(Uuid::from_u128(700_123)));
        }),
        case("two hours", 120, "audit_log_by_time", |query| {
            query.from = at("2026-01-05T10:00:00Z");
            query.to = at("2026-01-05T12:00:00Z");
        }),
        // Where the planner's guess of how far away the first line lies goes wrong the furthest.
        case(
            "the last day",
            LINES - 6 * 24 * 60,
            "audit_log_by_time",
            |query| {
                query.from = at("2026-01-07T00:00:00Z");
            },
        ),
    ]
}

fn at(text: &str) -> Option<Timestamp> {
    text.parse().ok()
}

/// Scans that look at lines of the trail, or at an index for a scan that does.
fn collect_scans(node: &Value, scans: &mut Vec<Value>) {
    let kind = node["Node Type"].as_str().unwrap_or_default();
    if kind.contains("Scan") {
        scans.push(node.clone());
    }
    for child in node["Plans"].as_array().into_iter().flatten() {
        collect_scans(child, scans);
    }
}
