//! What of the requirements a case really did, by what was asked, answered and left.

use serde_json::Value;

use super::case_compare::{envelope_of, event_types};
use super::cases::{CaseRecord, EffectRow, Exchange};

/// How the table `tasks` spells the priority that a task has by itself.
const PRIORITY_DEFAULT: u64 = 1;
/// Fields of a list that are no condition.
const PAGING: [&str; 3] = ["limit", "cursor", "sort"];

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
        "T2" => has_priority(case) || asked(&|it| finds_by(it, &["priority"])),
        "T3" => {
            rows(case, "labels").next().is_some() || event("todo.tag.") || event("todo.category.")
        }
        "T4" => {
            let is_due = |row: &EffectRow| !row.row["due_at"].is_null();
            rows(case, "tasks").any(is_due)
                || asked(&|it| finds_by(it, &["due_from", "due_to", "overdue"]))
        }
        "T6" => rows(case, "series").next().is_some(),
        "T7" => tells_tasks_apart(case),
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
        // Where the asker for the next instance keeps what it knows of events.
        "D2" => rows(case, "state").next().is_some(),
        // The next instance: the api makes it for nobody but who invokes it and shows a secret.
        "D3" | "D4" => event("todo.series.advanced") && rows(case, "outbox").any(is_next_instance),
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

/// Tasks that a list or a search found; none where it is another request, or was refused.
fn found(exchange: &Exchange) -> Option<Vec<&str>> {
    let is_list = matches!(path(exchange), "/api/tasks" | "/api/tasks/search");
    let is_answered = exchange.call.starts_with("GET ") && exchange.status == 200;
    let items = exchange.body["items"].as_array();
    let items = items.filter(|_| is_list && is_answered)?;
    Some(
        items
            .iter()
            .filter_map(|item| item["id"].as_str())
            .collect(),
    )
}

fn fields(exchange: &Exchange) -> impl Iterator<Item = &str> {
    let query = exchange.call.split_once('?').map(|(_, query)| query);
    let fields = query.into_iter().flat_map(|query| query.split('&'));
    fields.filter_map(|field| field.split('=').next())
}

/// A list that was asked for by one of these fields and found something.
fn finds_by(exchange: &Exchange, names: &[&str]) -> bool {
    let has_found = found(exchange).is_some_and(|tasks| !tasks.is_empty());
    has_found && fields(exchange).any(|field| names.contains(&field))
}

/// A condition or a search found some of the tasks that were there, and left others out. What a page is too
/// short for, or was deleted before, is not left out by it.
fn tells_tasks_apart(case: &CaseRecord) -> bool {
    let mut there: Vec<&str> = Vec::new();
    for exchange in &case.exchanges {
        if is_change(exchange, "/api/tasks") {
            let path = path(exchange);
            match exchange.body["id"].as_str() {
                Some(created) if path == "/api/tasks" => there.push(created),
                Some(_) => {}
                None => there.retain(|id| !path.ends_with(*id)),
            }
        }
        let is_whole = exchange.body["next_cursor"].is_null();
        let is_by = fields(exchange).any(|field| !PAGING.contains(&field));
        if let Some(found) = found(exchange).filter(|_| is_whole && is_by)
            && there.iter().any(|id| found.contains(id))
            && there.iter().any(|id| !found.contains(id))
        {
            return true;
        }
    }
    false
}

/// A creation that no request of a user's asked for.
fn is_next_instance(row: &EffectRow) -> bool {
    let envelope = envelope_of(&row.row);
    let number = envelope.pointer("/data/new/occurrence/number");
    envelope["type"] == "todo.task.created" && number.and_then(Value::as_u64) > Some(1)
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
        let one = json!({"items": [{"id": "7"}]});
        add("GET /api/tasks?priority=high", 200, one);
        add("GET /api/tasks?due_from=2030", 422, Value::Null);
        add("GET /api/audit", 200, json!({"items": []}));
        add("POST /api/tasks/7/recurring", 409, Value::Null);
        assert_eq!(shown(&case), ["T2"]);
        let refused = case.exchanges.last_mut().unwrap();
        let media = "application/problem+json".to_owned();
        refused.headers.insert("content-type".to_owned(), media);
        assert_eq!(shown(&case), ["T2", "T13"]);
    }

    /// Two tasks, and what a list answers.
    fn listed(call: &str, items: &Value, next_cursor: &Value) -> CaseRecord {
        let mut case = case("a", 3);
        case.exchanges.push(case.exchanges[0].clone());
        case.exchanges[1].body["id"] = json!("second");
        let mut list = case.exchanges[0].clone();
        (list.call, list.status) = (call.to_owned(), 200);
        list.body = json!({"items": items, "next_cursor": next_cursor});
        case.exchanges.push(list);
        case
    }

    #[test]
    fn planted_list_that_tells_no_tasks_apart_shows_no_search() {
        let second = json!([{"id": "second"}]);
        let is_shown = |call: &str, items: &Value, cursor: &Value| {
            shows_feature(&listed(call, items, cursor), "T7")
        };
        let search = "GET /api/tasks/search?q=b";
        assert!(is_shown(search, &second, &Value::Null));
        assert!(!is_shown(search, &json!([]), &Value::Null));
        assert!(!is_shown(search, &json!([{"id": "strange"}]), &Value::Null));
        assert!(!is_shown(search, &second, &json!("more")));
        assert!(!is_shown("GET /api/tasks?limit=1", &second, &Value::Null));
        let mut both = listed(search, &second, &Value::Null);
        let first = both.exchanges[0].body["id"].clone();
        both.exchanges[2].body["items"] = json!([{"id": first}, {"id": "second"}]);
        assert!(!shows_feature(&both, "T7"));
        let mut deleted = listed(search, &second, &Value::Null);
        let mut deletion = deleted.exchanges[0].clone();
        let id = first.as_str().unwrap_or_default();
        (deletion.call, deletion.body) = (format!("DELETE /api/tasks/{id}"), Value::Null);
        deleted.exchanges.insert(2, deletion);
        assert!(!shows_feature(&deleted, "T7"));
    }

    #[test]
    fn planted_step_of_a_series_without_its_instance_and_state_shows_no_building_block() {
        let mut series = case("a", 3);
        let mut add = |table: &str, row: Value| {
            let table = table.to_owned();
            series.rows.as_mut().unwrap().push(EffectRow { table, row });
        };
        let advanced = json!({"envelope": {"type": "todo.series.advanced"}});
        add("outbox", advanced);
        let first = json!({"occurrence": {"number": 1}});
        let created = json!({"type": "todo.task.created", "data": {"new": first}});
        add("outbox", json!({"envelope": created}));
        let blocks = |case: &CaseRecord| -> Vec<&'static str> {
            let shown = ["D2", "D3", "D4"].into_iter();
            shown.filter(|id| shows_feature(case, id)).collect()
        };
        assert_eq!(blocks(&series), [""; 0]);
        let rows = series.rows.as_mut().unwrap();
        let created = rows.last_mut().unwrap();
        created.row["envelope"]["data"]["new"]["occurrence"]["number"] = json!(2);
        assert_eq!(blocks(&series), ["D3", "D4"]);
        let rows = series.rows.as_mut().unwrap();
        rows.push(EffectRow {
            table: "state".to_owned(),
            row: json!({"event_id": "7"}),
        });
        assert_eq!(blocks(&series), ["D2", "D3", "D4"]);
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
