use serde_json::json;

use super::*;
use crate::ledger::case_sample::case;

fn spoiled(spoil: impl FnOnce(&mut CaseRecord)) -> (Vec<MaskedLine>, Vec<MaskedLine>) {
    let (left, mut right) = (case("a", 1 << 40), case("a", 9 << 40));
    spoil(&mut right);
    (mask(&left), mask(&right))
}

fn row<'a>(case: &'a mut CaseRecord, table: &str) -> &'a mut Value {
    let rows = case.rows.as_mut().unwrap();
    &mut rows.iter_mut().find(|row| row.table == table).unwrap().row
}

#[test]
fn two_lanes_that_did_the_same_are_equal() {
    let (left, right) = spoiled(|_| {});
    assert_eq!(left, right);
    let places: Vec<&str> = left.iter().map(|line| line.place.as_str()).collect();
    assert_eq!(
        places,
        [
            "answer 1: POST /api/tasks",
            "row 1: tasks",
            "row 2: outbox todo.task.created",
            "row 3: audit_log todo.task.created",
            "row 4: audit_outbox",
        ]
    );
}

#[test]
fn rows_come_in_any_order() {
    let (left, right) = spoiled(|case| case.rows.as_mut().unwrap().reverse());
    assert_eq!(left, right);
}

#[test]
fn planted_difference_in_a_column_of_any_kind_is_left_to_be_seen() {
    type Spoil = fn(&mut CaseRecord);
    let spoils: [(&str, Spoil); 9] = [
        ("status", |case| case.exchanges[0].status = 200),
        ("header", |case| {
            case.exchanges[0]
                .headers
                .insert("etag".to_owned(), "\"2\"".to_owned());
        }),
        ("body", |case| case.exchanges[0].body["title"] = json!("b")),
        ("row", |case| row(case, "tasks")["title"] = json!("b")),
        ("new column", |case| {
            row(case, "tasks")["flag"] = json!(true);
        }),
        ("envelope", |case| {
            let envelope = row(case, "outbox")["envelope"].as_str().unwrap().to_owned();
            row(case, "outbox")["envelope"] = json!(envelope.replace("\"a\"", "\"b\""));
        }),
        ("time's relation", |case| {
            row(case, "tasks")["updated_at"] = json!("2027-01-01T00:00:00Z");
        }),
        ("unsent", |case| {
            row(case, "outbox")["sent_at"] = Value::Null;
        }),
        ("missing row", |case| {
            case.rows.as_mut().unwrap().pop();
        }),
    ];
    for (what, spoil) in spoils {
        let (left, right) = spoiled(spoil);
        assert_ne!(left, right, "{what}");
    }
}

/// The span is a sidecar's, the trace is the request's.
#[test]
fn planted_trace_of_another_request_is_left_to_be_seen_and_another_span_is_not() {
    let with = |traceparent: fn(&CaseRecord) -> Value| {
        spoiled(move |case| {
            let traceparent = traceparent(case);
            row(case, "audit_log")["envelope"]["traceparent"] = traceparent;
        })
    };
    let (left, right) = with(|case| {
        let header = Traced::by(case.users[0], 0).header();
        json!(header.replace("-0000000000000001-", "-00f067aa0ba902b7-"))
    });
    assert_eq!(left, right);
    for planted in [
        (|case| json!(Traced::by(case.users[0], 1).header())) as fn(&CaseRecord) -> Value,
        |_| json!("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
        |_| json!("no trace"),
        |_| Value::Null,
    ] {
        let (left, right) = with(planted);
        assert_ne!(left, right);
    }
}

/// A request of its own that nobody of the case made: a sidecar began the trace, or nobody did.
#[test]
fn a_trace_that_no_request_of_the_case_began_is_not_compared() {
    let traced = |traceparent: Value| {
        let mut case = case("a", 0);
        row(&mut case, "audit_log")["envelope"]["traceparent"] = traceparent;
        mask(&case)
    };
    let foreign = json!("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
    assert_eq!(traced(foreign), traced(Value::Null));
}

#[test]
fn planted_answer_that_is_kept_under_a_key_is_compared() {
    let keyed = |title: &str, fingerprint: &str| {
        let mut case = case("a", 0);
        let kept = json!({
            "user_id": case.users[0], "key": "k", "fingerprint": fingerprint, "status": 201,
            "headers": [], "body": json!({"id": case.users[0], "title": title}).to_string(),
            "created_at": "2026-01-01T00:00:00Z",
        });
        let table = "keyed_answers".to_owned();
        case.rows
            .as_mut()
            .unwrap()
            .push(EffectRow { table, row: kept });
        mask(&case)
    };
    assert_eq!(keyed("a", "one"), keyed("a", "another"));
    assert_ne!(keyed("a", "one"), keyed("b", "one"));
}

#[test]
fn planted_id_of_something_else_is_left_to_be_seen() {
    let (left, right) = spoiled(|case| {
        let other = row(case, "tasks")["user_id"].clone();
        row(case, "audit_log")["task_id"] = other;
    });
    assert_ne!(left, right);
}

#[test]
fn a_due_date_is_compared_as_it_is() {
    let (left, right) =
        spoiled(|case| row(case, "tasks")["due_at"] = json!("2031-01-01T00:00:00Z"));
    assert_ne!(left, right);
}

#[test]
fn what_a_query_repeats_of_the_system_is_left_out_and_nothing_else() {
    assert_eq!(
        without_moving_fields("GET /api/tasks?limit=2&cursor=abc&due_from=2031-01-01T00:00:00Z"),
        "GET /api/tasks?limit=2&cursor=…&due_from=2031-01-01T00:00:00Z"
    );
    assert_eq!(without_moving_fields("GET /api/tasks"), "GET /api/tasks");
}

#[test]
fn a_trail_of_several_entities_comes_in_any_order_among_them() {
    let line = |entity: u128, version: u64| {
        json!({
            "seq": 1, "event_id": uuid::Uuid::from_u128((1 << 120) + entity * 10 + u128::from(version)),
            "entity_id": uuid::Uuid::from_u128((2 << 120) + entity), "version": version,
        })
    };
    let trail = |items: Vec<Value>| {
        let mut case = case("a", 0);
        for entity in [1, 2] {
            case.exchanges[0].body[format!("known-{entity}")] =
                line(entity, 1)["entity_id"].clone();
        }
        case.exchanges.push(Exchange {
            call: "GET /api/audit".to_owned(),
            status: 200,
            headers: std::collections::BTreeMap::default(),
            body: json!({"items": items, "next_cursor": null}),
        });
        mask(&case)
    };
    let one = trail(vec![line(1, 1), line(1, 2), line(2, 1)]);
    assert_eq!(one, trail(vec![line(2, 1), line(1, 1), line(1, 2)]));
    assert_ne!(one, trail(vec![line(2, 1), line(1, 1)]));
}

#[test]
fn items_of_a_page_keep_their_order() {
    let page = |titles: [&str; 2]| {
        let mut case = case("a", 0);
        let items: Vec<Value> = titles.iter().map(|title| json!({"title": title})).collect();
        case.exchanges[0].body = json!({"items": items, "next_cursor": "abc"});
        mask(&case)
    };
    assert_ne!(page(["a", "b"]), page(["b", "a"]));
    assert_eq!(page(["a", "b"])[0].value["body"]["next_cursor"], "given");
}
