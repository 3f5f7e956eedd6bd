//! Due dates as clients write them.

use std::fmt;
use std::str::FromStr;

use jiff::{Timestamp, civil};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A point in time, or a local time that gets its meaning from the time zone beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DueDate {
    /// RFC 3339 with an offset, such as `2026-11-30T16:00:00Z`.
    Instant(Timestamp),
    /// Without an offset, such as `2026-11-30T17:00`.
    Local(civil::DateTime),
}

/// Neither of the two forms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotADueDate;

impl fmt::Display for NotADueDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("must be like 2026-11-30T16:00:00Z, or like 2026-11-30T17:00 for local time")
    }
}

impl std::error::Error for NotADueDate {}

impl FromStr for DueDate {
    type Err = NotADueDate;

    fn from_str(text: &str) -> Result<Self, NotADueDate> {
        if let Ok(instant) = text.parse() {
            return Ok(Self::Instant(instant));
        }
        // A date alone would parse as its midnight, which is hardly what "due on that day" means.
        // And a zone or offset in the text would be passed over, though it was meant.
        let is_plain = |c: char| c.is_ascii_digit() || "-:.Tt ".contains(c);
        if !text.contains(['T', 't', ' ']) || !text.chars().all(is_plain) {
            return Err(NotADueDate);
        }
        text.parse().map(Self::Local).map_err(|_| NotADueDate)
    }
}

impl fmt::Display for DueDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DueDate::Instant(instant) => instant.fmt(f),
            DueDate::Local(local) => local.fmt(f),
        }
    }
}

impl Serialize for DueDate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for DueDate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
