//! What of a case's record may rightly differ between two lanes, and the record without it.
//!
//! Ids are the system's, and so are times, cursors and whatever tells how often something was tried. All
//! else has to be the same to the last character.

use serde_json::{Map, Value};

use super::case_ids::Ids;
use super::case_times::{ranked, time_named};
use super::case_trace::Traced;
use super::cases::{CaseRecord, EffectRow, Exchange};

/// How a column is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Treatment {
    /// Not at all.
    LeftOut,
    /// Whether there is a value.
    Presence,
    /// By its order among the times of the same row or item.
    Relation,
    /// By where in the case the same id stood first.
    Numbered,
    /// Without the lane's prefix.
    Unprefixed,
    /// By the case's request that began the trace; not at all where no request of the case's did.
    Traced,
}

/// A column that is not compared as it is.
#[derive(Clone, Copy, Debug)]
pub struct MaskedColumn {
    pub column: &'static str,
    pub treatment: Treatment,
    pub because: &'static str,
}

const fn masked(column: &'static str, treatment: Treatment, because: &'static str) -> MaskedColumn {
    MaskedColumn {
        column,
        treatment,
        because,
    }
}

const CLOCK: &str = "the system's clock sets it";
const DELIVERY: &str = "it tells of a delivery and not of its effect";
const COUNTER: &str = "it counts the rows of all users of the lane";

/// Every column, header and query field that is masked. What is not here is compared as it is.
pub const MASKED: &[MaskedColumn] = &[
    masked("every UUID", Treatment::Numbered, "the system draws it"),
    masked("created_at", Treatment::Relation, CLOCK),
    masked("updated_at", Treatment::Relation, CLOCK),
    masked("completed_at", Treatment::Relation, CLOCK),
    masked("ended_at", Treatment::Relation, CLOCK),
    masked("settled_at", Treatment::Relation, CLOCK),
    masked("occurred_at", Treatment::Relation, CLOCK),
    masked("recorded_at", Treatment::Relation, CLOCK),
    masked("time", Treatment::Relation, CLOCK),
    masked("inserted_at", Treatment::LeftOut, DELIVERY),
    masked("publish_started_at", Treatment::LeftOut, DELIVERY),
    masked("publish_micros", Treatment::LeftOut, DELIVERY),
    masked("attempts", Treatment::LeftOut, DELIVERY),
    masked("sent_at", Treatment::Presence, DELIVERY),
    masked("seq", Treatment::LeftOut, COUNTER),
    masked("shard", Treatment::LeftOut, "it follows from the id"),
    masked(
        "traceparent",
        Treatment::Traced,
        "a sidecar takes part in the trace, and draws spans",
    ),
    masked(
        "fingerprint",
        Treatment::Presence,
        "ids are part of what it is a digest of",
    ),
    masked("topic", Treatment::Unprefixed, "lanes share a broker"),
    masked("next_cursor", Treatment::Presence, "it is opaque"),
    masked("query field cursor", Treatment::LeftOut, "it is opaque"),
    masked("query field created_from", Treatment::LeftOut, CLOCK),
    masked("query field created_to", Treatment::LeftOut, CLOCK),
    masked("query field from", Treatment::LeftOut, CLOCK),
    masked("query field to", Treatment::LeftOut, CLOCK),
];

/// An answer or a row, with nothing in it that may differ.
#[derive(Clone, Debug, PartialEq)]
pub struct MaskedLine {
    /// Which answer or row: `answer 2: POST /api/tasks`, `outbox 1: todo.task.created`.
    pub place: String,
    pub value: Value,
}

impl MaskedLine {
    /// The table that a row is of; none for an answer.
    pub fn table(&self) -> Option<&str> {
        let (_, what) = self.place.strip_prefix("row ")?.split_once(": ")?;
        what.split(' ').next()
    }
}

/// Tables in the order in which their rows are compared. The last two are none: messages of a topic, and the
/// events that a role keeps in its state.
const TABLES: [&str; 9] = [
    "tasks",
    "labels",
    "series",
    "outbox",
    "audit_log",
    "audit_outbox",
    "keyed_answers",
    "audit-logs",
    "state",
];

/// Answers in their order, then the rows: of each entity by version, and between entities in the order
/// in which the case met them. Between entities nothing is promised.
pub fn mask(case: &CaseRecord) -> Vec<MaskedLine> {
    let mut ids = Ids::of_users(&case.users);
    let mut lines: Vec<MaskedLine> = case
        .exchanges
        .iter()
        .enumerate()
        .map(|(position, exchange)| answer(position, exchange, &mut ids))
        .collect();
    let mut rows: Vec<(SortKey, &EffectRow)> = case
        .rows
        .iter()
        .flatten()
        .map(|row| (sort_key(row, &ids), row))
        .collect();
    rows.sort_by(|(a, _), (b, _)| a.cmp(b));
    for (position, (key, row)) in rows.into_iter().enumerate() {
        lines.push(MaskedLine {
            place: format!("row {}: {}{}", position + 1, row.table, key.kind_in_words()),
            value: document(&row.row, &mut ids),
        });
    }
    lines
}

fn answer(position: usize, exchange: &Exchange, ids: &mut Ids) -> MaskedLine {
    let call = ids.numbered(&without_moving_fields(&exchange.call));
    let headers: Map<String, Value> = exchange
        .headers
        .iter()
        .map(|(name, value)| (name.clone(), Value::String(ids.numbered(value))))
        .collect();
    let mut value = Map::new();
    value.insert("status".to_owned(), exchange.status.into());
    value.insert("headers".to_owned(), Value::Object(headers));
    value.insert("body".to_owned(), body(&exchange.body, ids));
    MaskedLine {
        place: format!("answer {}: {call}", position + 1),
        value: Value::Object(value),
    }
}

/// The items of a page stand for themselves. Lines of a trail that several entities share come in any order
/// among these.
fn body(body: &Value, ids: &mut Ids) -> Value {
    let Some(items) = body.get("items").and_then(Value::as_array) else {
        return document(body, ids);
    };
    let mut items: Vec<&Value> = items.iter().collect();
    if items.iter().all(|item| item.get("event_id").is_some()) {
        items.sort_by_key(|item| (ids.place_of(item.get("entity_id")), version(item)));
    }
    let items = items.into_iter().map(|item| document(item, ids)).collect();
    let mut page = Map::new();
    page.insert("items".to_owned(), Value::Array(items));
    for (name, value) in body.as_object().into_iter().flatten() {
        if name != "items" {
            page.insert(
                name.clone(),
                column(name, value, &[], ids).unwrap_or(Value::Null),
            );
        }
    }
    Value::Object(page)
}

/// A row or an item: its times are compared with each other, and with no others.
fn document(value: &Value, ids: &mut Ids) -> Value {
    let value = opened(value);
    let times = ranked(&value);
    masked_value(&value, &times, ids)
}

/// Envelopes are kept as text, and so are answers under their keys.
fn opened(row: &Value) -> Value {
    let mut row = row.clone();
    for column in ["envelope", "body"] {
        if let Some(text) = row.get_mut(column)
            && let Some(parsed) = text
                .as_str()
                .and_then(|text| serde_json::from_str(text).ok())
        {
            *text = parsed;
        }
    }
    row
}

/// The request that began a trace. One that nobody of the case began is a sidecar's own, which direct mode has
/// not; what is no trace at all stays to be seen.
fn traced(value: &Value, ids: &Ids) -> Option<Value> {
    match value.as_str().map(Traced::read) {
        Some(Some(traced)) => ids.request_of(traced).map(Value::String),
        Some(None) => Some(value.clone()),
        None => None,
    }
}

fn masked_value(value: &Value, times: &[jiff::Timestamp], ids: &mut Ids) -> Value {
    match value {
        Value::Object(fields) => {
            let kept = fields
                .iter()
                .filter_map(|(name, value)| Some((name.clone(), column(name, value, times, ids)?)));
            Value::Object(kept.collect())
        }
        Value::Array(values) => {
            let values = values.iter().map(|value| masked_value(value, times, ids));
            Value::Array(values.collect())
        }
        Value::String(text) => Value::String(ids.numbered(text)),
        other => other.clone(),
    }
}

/// None for a column that is left out.
fn column(name: &str, value: &Value, times: &[jiff::Timestamp], ids: &mut Ids) -> Option<Value> {
    let rule = MASKED.iter().find(|rule| rule.column == name);
    match rule.map(|rule| rule.treatment) {
        Some(Treatment::LeftOut) => None,
        Some(Treatment::Presence) => Some(match value {
            Value::Null => Value::Null,
            _ => Value::String("given".to_owned()),
        }),
        Some(Treatment::Relation) => Some(time_named(value, times)),
        Some(Treatment::Traced) => traced(value, ids),
        Some(Treatment::Unprefixed) => Some(match value.as_str() {
            Some(topic) => Value::String(topic.rsplit('.').next().unwrap_or(topic).to_owned()),
            None => value.clone(),
        }),
        Some(Treatment::Numbered) | None => Some(masked_value(value, times, ids)),
    }
}

/// Fields of a query that hold what the system had answered before.
fn without_moving_fields(call: &str) -> String {
    let Some((path, query)) = call.split_once('?') else {
        return call.to_owned();
    };
    let fields: Vec<String> = query
        .split('&')
        .map(|field| match field.split_once('=') {
            Some((name, _)) if is_moving(name) => format!("{name}=…"),
            _ => field.to_owned(),
        })
        .collect();
    format!("{path}?{}", fields.join("&"))
}

fn is_moving(field: &str) -> bool {
    let names = MASKED
        .iter()
        .filter_map(|rule| rule.column.strip_prefix("query field "));
    names.into_iter().any(|name| name == field)
}

fn version(row: &Value) -> u64 {
    let version = row.get("version").or_else(|| row.get("task_version"));
    version.and_then(Value::as_u64).unwrap_or(0)
}

/// What rows are put in order by; what the case never met comes last, by its content.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct SortKey {
    table: usize,
    entity: usize,
    version: u64,
    kind: String,
    content: String,
}

impl SortKey {
    fn kind_in_words(&self) -> String {
        if self.kind.is_empty() {
            String::new()
        } else {
            format!(" {}", self.kind)
        }
    }
}

fn sort_key(row: &EffectRow, ids: &Ids) -> SortKey {
    let opened = opened(&row.row);
    let entity = ["entity_id", "task_id", "id"]
        .iter()
        .find_map(|name| opened.get(name));
    let kind = opened
        .pointer("/envelope/type")
        .or_else(|| opened.get("action"));
    let mut without_ids = ids.clone();
    without_ids.leave_unknown();
    SortKey {
        table: TABLES
            .iter()
            .position(|table| *table == row.table)
            .unwrap_or(TABLES.len()),
        entity: ids.place_of(entity),
        version: version(&opened),
        kind: kind.and_then(Value::as_str).unwrap_or_default().to_owned(),
        content: document(&opened, &mut without_ids).to_string(),
    }
}

#[cfg(test)]
#[path = "case_mask_tests.rs"]
mod tests;
