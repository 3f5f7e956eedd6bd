//! Compares what one case left on two lanes, and counts what it did.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::case_mask::MaskedLine;
use super::cases::{CaseRecord, Exchange};

/// The type of the event behind each row of `audit_outbox`.
const AUDIT_RECORDED: &str = "todo.audit.recorded";
/// The operation of what no request of the case's own brought about.
const IN_THE_BACKGROUND: &str = "in the background";

/// Where two lanes part.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// Of the first line that differs.
    pub place: String,
    /// The column in it, as a JSON pointer; empty for the line as a whole.
    pub column: String,
    /// None where the lane has no such line.
    pub left: Option<Value>,
    pub right: Option<Value>,
}

/// The first difference between two lanes' lines; none when they are equal.
pub fn first_difference(left: &[MaskedLine], right: &[MaskedLine]) -> Option<Difference> {
    let lines = left.len().max(right.len());
    (0..lines).find_map(|position| match (left.get(position), right.get(position)) {
        (Some(left), Some(right)) if left == right => None,
        (Some(left), Some(right)) if left.place == right.place => {
            let mut column = String::new();
            let (left_value, right_value) = descend(&left.value, &right.value, &mut column);
            Some(Difference {
                place: left.place.clone(),
                column,
                left: left_value.cloned(),
                right: right_value.cloned(),
            })
        }
        // Another row in its place: one of the lanes has one too many or too few.
        (left, right) => Some(Difference {
            place: left
                .or(right)
                .map(|line| line.place.clone())
                .unwrap_or_default(),
            column: String::new(),
            left: left.map(whole),
            right: right.map(whole),
        }),
    })
}

fn whole(line: &MaskedLine) -> Value {
    Value::String(format!("{}: {}", line.place, line.value))
}

/// Goes down to the first leaf that differs.
fn descend<'a>(
    left: &'a Value,
    right: &'a Value,
    column: &mut String,
) -> (Option<&'a Value>, Option<&'a Value>) {
    match (left, right) {
        (Value::Object(a), Value::Object(b)) => {
            let names: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            for name in names {
                if a.get(name) != b.get(name) {
                    column.push('/');
                    column.push_str(name);
                    return below(a.get(name), b.get(name), column);
                }
            }
        }
        (Value::Array(a), Value::Array(b)) => {
            for position in 0..a.len().max(b.len()) {
                if a.get(position) != b.get(position) {
                    column.push_str(&format!("/{position}"));
                    return below(a.get(position), b.get(position), column);
                }
            }
        }
        _ => {}
    }
    (Some(left), Some(right))
}

fn below<'a>(
    left: Option<&'a Value>,
    right: Option<&'a Value>,
    column: &mut String,
) -> (Option<&'a Value>, Option<&'a Value>) {
    match (left, right) {
        (Some(left), Some(right)) => descend(left, right, column),
        other => other,
    }
}

/// Types of the events that the case left in the outboxes.
pub fn event_types(case: &CaseRecord) -> BTreeSet<String> {
    let rows = case.rows.iter().flatten();
    rows.filter_map(|row| match row.table.as_str() {
        "outbox" => Some(envelope_of(&row.row).get("type")?.as_str()?.to_owned()),
        "audit_outbox" => Some(AUDIT_RECORDED.to_owned()),
        _ => None,
    })
    .collect()
}

/// What each operation brought about: the status, of a refusal with its kind; and of a change the types
/// of the events that tell of it.
pub fn operation_effects(case: &CaseRecord) -> BTreeSet<(String, String)> {
    let mut pairs = BTreeSet::new();
    let mut events = events_by_subject(case);
    for exchange in &case.exchanges {
        let operation = operation(&exchange.call);
        pairs.insert((operation.clone(), outcome(exchange)));
        let is_change = !exchange.call.starts_with("GET ") && exchange.status < 300;
        for kind in is_change
            .then(|| taken(exchange, &mut events))
            .into_iter()
            .flatten()
        {
            pairs.insert((operation.clone(), kind));
        }
    }
    let left = events.into_values().flatten();
    pairs.extend(left.map(|(_, kind)| (IN_THE_BACKGROUND.to_owned(), kind)));
    pairs
}

type Events = BTreeMap<String, Vec<(u64, String)>>;

/// Version and type of each event on `task-events` and `task-recurrence`, by what it is about.
fn events_by_subject(case: &CaseRecord) -> Events {
    let mut events = Events::new();
    for row in case
        .rows
        .iter()
        .flatten()
        .filter(|row| row.table == "outbox")
    {
        let envelope = envelope_of(&row.row);
        let text = |pointer: &str| envelope.pointer(pointer).and_then(Value::as_str);
        let version = row
            .row
            .get("task_version")
            .and_then(Value::as_u64)
            .unwrap_or(0);
        if let (Some(subject), Some(kind)) = (text("/subject"), text("/type")) {
            let of_subject = events.entry(subject.to_owned()).or_default();
            of_subject.push((version, kind.to_owned()));
        }
    }
    events
}

/// Takes the events that an answer tells of: of what it shows those of its version, of a series that it
/// names the beginning, and of what is gone those of its end.
fn taken(exchange: &Exchange, events: &mut Events) -> Vec<String> {
    let body = &exchange.body;
    let mut kinds = Vec::new();
    let mut take = |subject: &str, is_meant: &dyn Fn(u64, &str) -> bool| {
        if let Some(of_subject) = events.get_mut(subject) {
            let meant = of_subject.extract_if(.., |(version, kind)| is_meant(*version, kind));
            kinds.extend(meant.map(|(_, kind)| kind));
        }
    };
    if let (Some(id), Some(shown)) = (body["id"].as_str(), body["version"].as_u64()) {
        take(id, &|version, _| version == shown);
    }
    if let Some(series) = body
        .pointer("/occurrence/series_id")
        .and_then(Value::as_str)
    {
        take(series, &|version, _| version == 1);
    }
    if exchange.call.starts_with("DELETE ") {
        for id in exchange.call.split('/').filter(|part| is_id(part)) {
            take(id, &|_, kind| kind.ends_with(".deleted"));
        }
    }
    kinds
}

fn outcome(exchange: &Exchange) -> String {
    let kind = exchange.body.get("type").and_then(Value::as_str);
    match kind.filter(|_| exchange.status >= 400) {
        Some(kind) => format!("{} {kind}", exchange.status),
        None => exchange.status.to_string(),
    }
}

/// Method and path with `{id}` for each id, without the query.
pub fn operation(call: &str) -> String {
    let path = call.split('?').next().unwrap_or(call);
    let parts: Vec<&str> = path
        .split('/')
        .map(|part| if is_id(part) { "{id}" } else { part })
        .collect();
    parts.join("/")
}

fn is_id(part: &str) -> bool {
    uuid::Uuid::try_parse(part).is_ok()
}

pub(super) fn envelope_of(row: &Value) -> Value {
    match row.get("envelope") {
        Some(Value::String(text)) => serde_json::from_str(text).unwrap_or(Value::Null),
        Some(envelope) => envelope.clone(),
        None => Value::Null,
    }
}

#[cfg(test)]
#[path = "case_compare_tests.rs"]
mod tests;
