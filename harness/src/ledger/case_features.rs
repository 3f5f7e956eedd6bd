//! What of the requirements a case really did, by what was asked, answered and left.

use serde_json::Value;

use super::case_compare::{envelope_of, event_types};
use super::cases::{CaseRecord, EffectRow, Exchange};

/// How the table `tasks` spells the priority that a task has by itself.
const PRIORITY_DEFAULT: u64 = 1;

/// Whether the case did something of the feature that it names, by the id of the requirement: an answer, a row
/// or an event of it is there. What a case merely says of itself counts for nothing, and an id that is not
/// known here is shown by none.
pub fn shows_feature(case: &CaseRecord, feature: &str) -> bool {
    let asked = |is_meant: &dyn Fn(&Exchange) -> bool| case.exchanges.iter().any(is_meant);
    let event = |prefix: &str| {
        event_types(case)
            .iter()
            .any(|kind| kind.starts_with(prefix))
    };
    match feature {
        "T1" => asked(&|it| is_change(it, "/api/tasks")) && event("todo.task."),
        "T2" => has_priority(case) || asked(&|it| is_list_by(it, &["priority"])),
        "T3" => {
            rows(case, "labels").next().is_some() || event("todo.tag.") || event("todo.category.")
        }
        "T4" => {
            let is_due = |row: &EffectRow| !row.row["due_at"].is_null();
            rows(case, "tasks").any(is_due)
                || asked(&|it| is_list_by(it, &["due_from", "due_to", "overdue"]))
        }
        "T6" => rows(case, "series").next().is_some(),
        "T7" => asked(&|it| is_list_by(it, &[])),
        "T8" => asked(&|it| {
            let path = path(it);
            is_change(it, "/api/tasks/") && (path.contains("/tags") || path.ends_with("/recurring"))
        }),
        "T9" => asked(&|it| {
            let items = it.body["items"].as_array();
            path(it) == "/api/audit" && items.is_some_and(|items| !items.is_empty())
        }),
        "T13" => asked(&|it| {
            let media = it.headers.get("content-type");
            it.status >= 400 && media.is_some_and(|media| media == "application/problem+json")
        }),
        "E1" => rows(case, "outbox").any(is_whole_event),
        "E2" | "D1" => rows(case, "outbox").any(|row| is_sent(row) && has_one_line(case, row)),
        // The next instance: its asker keeps a state, has a secret to show, and invokes the api.
        "D2" | "D3" | "D4" => event("todo.series.advanced"),
        _ => false,
    }
}

fn rows<'a>(case: &'a CaseRecord, table: &'a str) -> impl Iterator<Item = &'a EffectRow> {
    let rows = case.rows.iter().flatten();
    rows.filter(move |row| row.table == table)
}

fn path(exchange: &Exchange) -> &str {
    let target = exchange.call.split(' ').nth(1).unwrap_or_default();
    target.split('?').next().unwrap_or_default()
}

/// One that succeeded.
fn is_change(exchange: &Exchange, at: &str) -> bool {
    !exchange.call.starts_with("GET ") && exchange.status < 300 && path(exchange).starts_with(at)
}

/// A list of tasks that was asked for by one of these fields, or by any where none is given, and answered.
fn is_list_by(exchange: &Exchange, fields: &[&str]) -> bool {
    let is_list = matches!(path(exchange), "/api/tasks" | "/api/tasks/search");
    let query = exchange.call.split_once('?').map(|(_, query)| query);
    let mut names = query
        .into_iter()
        .flat_map(|query| query.split('&'))
        .filter_map(|field| field.split('=').next());
    let is_by = names.any(|name| fields.is_empty() || fields.contains(&name));
    is_list && exchange.call.starts_with("GET ") && exchange.status == 200 && is_by
}

fn has_priority(case: &CaseRecord) -> bool {
    rows(case, "tasks").any(|row| {
        let priority = row.row["priority"].as_u64();
        priority.is_some_and(|priority| priority != PRIORITY_DEFAULT)
    })
}

fn is_sent(row: &EffectRow) -> bool {
    row.row.get("sent_at").is_some_and(|at| !at.is_null())
}

fn is_whole_event(row: &EffectRow) -> bool {
    let envelope = envelope_of(&row.row);
    let text = |name: &str| envelope.get(name).and_then(Value::as_str);
    let is_keyed = text("subject").is_some() && text("subject") == text("partitionkey");
    is_sent(row) && text("specversion") == Some("1.0") && is_keyed
}

fn has_one_line(case: &CaseRecord, event: &EffectRow) -> bool {
    let id = &event.row["event_id"];
    let lines = rows(case, "audit_log").filter(|line| &line.row["event_id"] == id);
    lines.count() == 1
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::ledger::case_sample::case;

    fn shown(case: &CaseRecord) -> Vec<&'static str> {
        let all = [
            "T1", "T2", "T3", "T4", "T6", "T7", "T8", "T9", "T13", "E1", "E2", "D1", "D2", "D3",
            "D4", "X1",
        ];
        let shown = all.into_iter().filter(|id| shows_feature(case, id));
        shown.collect()
    }

    #[test]
    fn a_creation_shows_what_it_did_whatever_it_names() {
        let mut case = case("a", 3);
        case.features.clear();
        assert_eq!(shown(&case), ["T1", "E1", "E2", "D1"]);
    }

    #[test]
    fn planted_claim_without_a_deed_shows_nothing() {
        let mut case = case("a", 3);
        case.exchanges.clear();
        case.rows = Some(Vec::new());
        assert_eq!(shown(&case), [""; 0]);
        case.rows = None;
        assert_eq!(shown(&case), [""; 0]);
    }

    #[test]
    fn questions_and_refusals_show_what_they_ask() {
        let mut case = case("a", 3);
        case.rows = Some(Vec::new());
        let first = case.exchanges[0].clone();
        let mut add = |call: &str, status, body: Value| {
            let mut exchange = first.clone();
            (exchange.call, exchange.status, exchange.body) = (call.to_owned(), status, body);
            case.exchanges.push(exchange);
        };
        add("GET /api/tasks?priority=high", 200, json!({"items": []}));
        add("GET /api/tasks?due_from=2030", 422, Value::Null);
        add("GET /api/audit", 200, json!({"items": []}));
        add("POST /api/tasks/7/recurring", 409, Value::Null);
        assert_eq!(shown(&case), ["T2", "T7"]);
        let refused = case.exchanges.last_mut().unwrap();
        let media = "application/problem+json".to_owned();
        refused.headers.insert("content-type".to_owned(), media);
        assert_eq!(shown(&case), ["T2", "T7", "T13"]);
    }

    #[test]
    fn planted_event_that_left_no_line_or_two_is_no_delivery() {
        let mut lineless = case("a", 3);
        let rows = lineless.rows.as_mut().unwrap();
        let line = rows
            .iter()
            .position(|row| row.table == "audit_log")
            .unwrap();
        let line = rows.remove(line);
        assert_eq!(shown(&lineless), ["T1", "E1"]);
        let rows = lineless.rows.as_mut().unwrap();
        rows.extend([line.clone(), line]);
        assert_eq!(shown(&lineless), ["T1", "E1"]);
    }
}
