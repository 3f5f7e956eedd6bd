//! What ties requests, events and spans together: the header `traceparent` (W3C) and its two ids.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What all spans of one request share; never zero. Reads and writes as 32 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct TraceId(u128);

/// A span within its trace; never zero. Reads and writes as 16 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct SpanId(u64);

/// The text or the number is no id: not of its length, not hexadecimal in lower case, or zero.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("failed to read {0:?} as an id of a trace or a span")]
pub struct NoTraceId(String);

/// Who a request or an event says that it comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TraceContext {
    pub trace_id: TraceId,
    pub span_id: SpanId,
}

impl TraceId {
    /// None for zero, which is no id.
    pub fn new(id: u128) -> Option<Self> {
        (id != 0).then_some(Self(id))
    }

    pub(super) fn bits(self) -> u128 {
        self.0
    }

    fn read(text: &str) -> Option<Self> {
        let hex = hexadecimal(text, 32)?;
        Self::new(u128::from_str_radix(hex, 16).ok()?)
    }
}

impl SpanId {
    /// None for zero, which is no id.
    pub fn new(id: u64) -> Option<Self> {
        (id != 0).then_some(Self(id))
    }

    fn read(text: &str) -> Option<Self> {
        let hex = hexadecimal(text, 16)?;
        Self::new(u64::from_str_radix(hex, 16).ok()?)
    }
}

impl TraceContext {
    /// As the header `traceparent` has it, recorded by whoever sends it.
    pub fn header(self) -> String {
        format!("00-{}-{}-01", self.trace_id, self.span_id)
    }

    /// Reads a `traceparent` of version 00; none for what is malformed.
    pub fn read(text: &str) -> Option<Self> {
        let mut parts = text.split('-');
        let version = parts.next()?;
        let context = Self {
            trace_id: TraceId::read(parts.next()?)?,
            span_id: SpanId::read(parts.next()?)?,
        };
        hexadecimal(parts.next()?, 2)?;
        (version == "00" && parts.next().is_none()).then_some(context)
    }
}

fn hexadecimal(text: &str, digits: usize) -> Option<&str> {
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    (text.len() == digits && text.bytes().all(is_digit)).then_some(text)
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Display for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl From<TraceId> for String {
    fn from(id: TraceId) -> Self {
        id.to_string()
    }
}

impl From<SpanId> for String {
    fn from(id: SpanId) -> Self {
        id.to_string()
    }
}

impl TryFrom<String> for TraceId {
    type Error = NoTraceId;

    fn try_from(text: String) -> Result<Self, NoTraceId> {
        Self::read(&text).ok_or(NoTraceId(text))
    }
}

impl TryFrom<String> for SpanId {
    type Error = NoTraceId;

    fn try_from(text: String) -> Result<Self, NoTraceId> {
        Self::read(&text).ok_or(NoTraceId(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_header_reads_back() {
        let context = TraceContext::read(HEADER).unwrap();
        assert_eq!(context.header(), HEADER);
        let json = serde_json::to_string(&context).unwrap();
        assert!(
            json.contains("\"4bf92f3577b34da6a3ce929d0e0e4736\""),
            "{json}"
        );
        assert_eq!(
            serde_json::from_str::<TraceContext>(&json).unwrap(),
            context
        );
        assert_eq!(
            TraceContext::read(&HEADER.replace("-01", "-00")),
            Some(context)
        );
    }

    #[test]
    fn planted_malformed_headers_and_ids_are_none() {
        for bad in [
            HEADER.replace("00-4b", "01-4b"),
            HEADER.replace("4bf9", "4BF9"),
            HEADER.replace("-00f067aa0ba902b7-", "-0000000000000000-"),
            HEADER.replace("4bf92f3577b34da6a3ce929d0e0e4736", &"0".repeat(32)),
            format!("{HEADER}-00"),
            HEADER.trim_end_matches("-01").to_owned(),
            String::new(),
        ] {
            assert_eq!(TraceContext::read(&bad), None, "{bad}");
        }
        assert!(serde_json::from_str::<SpanId>("\"f067aa0ba902b7\"").is_err());
        assert_eq!((TraceId::new(0), SpanId::new(0)), (None, None));
    }
}
