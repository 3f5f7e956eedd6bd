use serde_json::json;

use super::*;
use crate::ledger::case_mask::mask;
use crate::ledger::case_sample::case;

fn line(place: &str, value: Value) -> MaskedLine {
    MaskedLine {
        place: place.to_owned(),
        value,
    }
}

#[test]
fn equal_lines_have_no_difference() {
    let lines = mask(&case("a", 3));
    assert_eq!(first_difference(&lines, &lines.clone()), None);
}

#[test]
fn planted_difference_is_told_with_its_column_and_both_values() {
    let left = [line("row 1", json!({"a": 1, "new": {"tags": ["x", "y"]}}))];
    let right = [line("row 1", json!({"a": 1, "new": {"tags": ["x", "z"]}}))];
    let found = first_difference(&left, &right).unwrap();
    assert_eq!(
        (found.place.as_str(), found.column.as_str()),
        ("row 1", "/new/tags/1")
    );
    assert_eq!(
        (found.left, found.right),
        (Some(json!("y")), Some(json!("z")))
    );
}

#[test]
fn planted_missing_column_and_missing_line_are_told_as_absent() {
    let whole = [line("row 1", json!({"a": 1})), line("row 2", json!({}))];
    let without_column = [line("row 1", json!({})), line("row 2", json!({}))];
    let found = first_difference(&whole, &without_column).unwrap();
    assert_eq!((found.column.as_str(), found.right), ("/a", None));
    let found = first_difference(&whole, &whole[..1]).unwrap();
    assert_eq!((found.place.as_str(), found.right), ("row 2", None));
}

#[test]
fn planted_row_that_another_lane_has_in_its_place_is_told_whole() {
    let left = [line("row 1: tasks", json!({"a": 1}))];
    let right = [line("row 1: labels", json!({"a": 1}))];
    let found = first_difference(&left, &right).unwrap();
    assert_eq!(found.right, Some(json!("row 1: labels: {\"a\":1}")));
}

#[test]
fn event_types_are_those_of_all_outboxes() {
    let types = event_types(&case("a", 3));
    let expected = ["todo.audit.recorded", "todo.task.created"].map(str::to_owned);
    assert_eq!(types, BTreeSet::from(expected));
}

#[test]
fn an_operation_is_paired_with_its_answer_and_its_events() {
    let mut case = case("a", 3);
    let task = case.exchanges[0].body["id"].clone();
    let id = task.as_str().unwrap();
    let exchange = |call: String, status, body| Exchange {
        call,
        status,
        headers: BTreeMap::new(),
        body,
    };
    case.exchanges.extend([
        exchange(
            format!("PATCH /api/tasks/{id}"),
            412,
            json!({"type": "/problems/stale"}),
        ),
        exchange(
            format!("GET /api/tasks/{id}?a=1"),
            200,
            case.exchanges[0].body.clone(),
        ),
        exchange(format!("DELETE /api/tasks/{id}"), 204, Value::Null),
    ]);
    let rows = case.rows.as_mut().unwrap();
    let mut deleted = rows
        .iter()
        .find(|row| row.table == "outbox")
        .unwrap()
        .clone();
    deleted.row["task_version"] = json!(2);
    deleted.row["envelope"] = json!({"subject": task, "type": "todo.task.deleted"});
    let mut advanced = deleted.clone();
    advanced.row["envelope"] = json!({"subject": "series", "type": "todo.series.advanced"});
    rows.extend([deleted, advanced]);
    let pairs = operation_effects(&case);
    let expected = [
        ("POST /api/tasks", "201"),
        ("POST /api/tasks", "todo.task.created"),
        ("PATCH /api/tasks/{id}", "412 /problems/stale"),
        ("GET /api/tasks/{id}", "200"),
        ("DELETE /api/tasks/{id}", "204"),
        ("DELETE /api/tasks/{id}", "todo.task.deleted"),
        ("in the background", "todo.series.advanced"),
    ];
    let owned = |(operation, effect): (&str, &str)| (operation.to_owned(), effect.to_owned());
    assert_eq!(pairs, BTreeSet::from(expected.map(owned)));
}
