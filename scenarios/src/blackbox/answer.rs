use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;

use gauntlet_contract::problem::CONTENT_TYPE as PROBLEM_JSON;
use serde_json::Value;

use super::surprise::{Checked, Surprise};

/// Longest body in a surprise, in characters.
const SHOWN_CHARS: usize = 400;

/// The answer to one request. Each of its methods says what the answer has to be, and hands it on.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) call: String,
    pub(super) status: u16,
    /// Names in lower case.
    pub(super) headers: BTreeMap<String, String>,
    pub(super) body: Value,
}

impl Answer {
    pub(super) fn status(self, expected: u16) -> Checked<Self> {
        if self.status == expected {
            return Ok(self);
        }
        Err(self.surprise(format!("not status {expected}")))
    }

    /// Any status of success, where the requirements leave open which.
    pub(super) fn succeeded(self) -> Checked<Self> {
        if (200..300).contains(&self.status) {
            return Ok(self);
        }
        Err(self.surprise("not a success"))
    }

    pub(super) fn header(self, name: &str, expected: &str) -> Checked<Self> {
        match self.headers.get(name) {
            Some(value) if value == expected => Ok(self),
            Some(value) => Err(self.surprise(format!("header {name} is {value}, not {expected}"))),
            None => Err(self.surprise(format!("header {name} is not there"))),
        }
    }

    /// The header is there, whatever it says.
    pub(super) fn has_header(self, name: &str) -> Checked<Self> {
        if self.headers.contains_key(name) {
            return Ok(self);
        }
        Err(self.surprise(format!("header {name} is not there")))
    }

    pub(super) fn without_header(self, name: &str) -> Checked<Self> {
        match self.headers.get(name) {
            None => Ok(self),
            Some(value) => Err(self.surprise(format!("header {name} is there: {value}"))),
        }
    }

    /// The header is a list with all of these in it.
    pub(super) fn header_lists(self, name: &str, expected: &[&str]) -> Checked<Self> {
        let listed = self
            .headers
            .get(name)
            .map(String::as_str)
            .unwrap_or_default();
        let listed: BTreeSet<&str> = listed.split(',').map(str::trim).collect();
        match expected.iter().find(|entry| !listed.contains(**entry)) {
            None => Ok(self),
            Some(missing) => Err(self.surprise(format!("header {name} does not list {missing}"))),
        }
    }

    /// The value at a JSON pointer.
    pub(super) fn field(self, pointer: &str, expected: impl Into<Value>) -> Checked<Self> {
        let expected = expected.into();
        match self.body.pointer(pointer) {
            Some(value) if *value == expected => Ok(self),
            Some(value) => Err(self.surprise(format!("{pointer} is {value}, not {expected}"))),
            None => Err(self.surprise(format!("{pointer} is not there"))),
        }
    }

    /// There is a value at a JSON pointer, whichever.
    pub(super) fn given(self, pointer: &str) -> Checked<Self> {
        match self.body.pointer(pointer) {
            Some(value) if !value.is_null() => Ok(self),
            _ => Err(self.surprise(format!("{pointer} is not given"))),
        }
    }

    /// Two JSON pointers lead to equal values.
    pub(super) fn equal(self, one: &str, other: &str) -> Checked<Self> {
        let (a, b) = (self.body.pointer(one), self.body.pointer(other));
        if a.is_some() && a == b {
            return Ok(self);
        }
        Err(self.surprise(format!("{one} and {other} are not equal")))
    }

    /// The whole body.
    pub(super) fn is(self, expected: &Value) -> Checked<Self> {
        if self.body == *expected {
            return Ok(self);
        }
        Err(self.surprise(format!("the body is not {}", shortened(expected))))
    }

    /// No body at all.
    pub(super) fn empty(self) -> Checked<Self> {
        if self.body.is_null() {
            return Ok(self);
        }
        Err(self.surprise("the body is not empty"))
    }

    /// A problem (RFC 9457) of this status and kind, the last part of its `type`.
    pub(super) fn problem(self, status: u16, kind: &str) -> Checked<Self> {
        let answer = self
            .status(status)?
            .header("content-type", PROBLEM_JSON)?
            .field("/type", format!("/problems/{kind}"))?
            .field("/status", status)?
            .given("/title")?;
        answer.given("/detail")
    }

    /// 422 with just these fields at fault, in any order.
    pub(super) fn refuses(self, fields: &[&str]) -> Checked<Self> {
        let answer = self.problem(422, "invalid")?;
        let errors = answer.body["errors"].as_array();
        let told: BTreeSet<&str> = errors
            .into_iter()
            .flatten()
            .filter_map(|error| error["field"].as_str())
            .collect();
        let expected: BTreeSet<&str> = fields.iter().copied().collect();
        if told == expected {
            return Ok(answer);
        }
        Err(answer.surprise(format!("blames {told:?}, not {expected:?}")))
    }

    /// A page with just these titles, or names, in this order.
    pub(super) fn titles(self, expected: &[&str]) -> Checked<Self> {
        let told: Vec<&str> = self.items().filter_map(title).collect();
        if told == expected && self.items().count() == expected.len() {
            return Ok(self);
        }
        let told = format!("lists {told:?}, not {expected:?}");
        Err(self.surprise(told))
    }

    /// A page with just these titles, in any order.
    pub(super) fn titles_in_any_order(self, expected: &[&str]) -> Checked<Self> {
        let mut told: Vec<&str> = self.items().filter_map(title).collect();
        let mut sorted = expected.to_vec();
        told.sort_unstable();
        sorted.sort_unstable();
        if told == sorted {
            return Ok(self);
        }
        let told = format!("lists {told:?}, not {sorted:?}");
        Err(self.surprise(told))
    }

    /// A page with so many items.
    pub(super) fn count(self, expected: usize) -> Checked<Self> {
        let told = self.items().count();
        if told == expected && self.body["items"].is_array() {
            return Ok(self);
        }
        Err(self.surprise(format!("lists {told}, not {expected}")))
    }

    /// The text at a JSON pointer.
    pub(super) fn text(&self, pointer: &str) -> Checked<String> {
        let text = self.body.pointer(pointer).and_then(Value::as_str);
        text.map(str::to_owned)
            .ok_or_else(|| self.surprise(format!("{pointer} is no text")))
    }

    pub(super) fn id(&self) -> Checked<String> {
        self.text("/id")
    }

    pub(super) fn items(&self) -> impl Iterator<Item = &Value> {
        self.body["items"].as_array().into_iter().flatten()
    }

    /// The values of one field of all items, in their order.
    pub(super) fn column(&self, field: &str) -> Vec<Value> {
        self.items().map(|item| item[field].clone()).collect()
    }

    /// The values of one field of all items have to be these.
    pub(super) fn columns(self, field: &str, expected: &[Value]) -> Checked<Self> {
        let told = self.column(field);
        if told == expected {
            return Ok(self);
        }
        Err(self.surprise(format!(
            "{field} of the items is {told:?}, not {expected:?}"
        )))
    }

    pub(super) fn surprise(&self, what: impl Display) -> Surprise {
        let what = format!("{what}; answered {} {}", self.status, shortened(&self.body));
        Surprise::new(&self.call, what)
    }
}

fn title(item: &Value) -> Option<&str> {
    item.get("title").or_else(|| item.get("name"))?.as_str()
}

fn shortened(body: &Value) -> String {
    let text = body.to_string();
    match text.char_indices().nth(SHOWN_CHARS) {
        Some((end, _)) => format!("{} …", &text[..end]),
        None => text,
    }
}
