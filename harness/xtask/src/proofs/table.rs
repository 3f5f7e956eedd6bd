use std::fmt;

use serde::Deserialize;
use serde::de::{self, Deserializer};

use super::Section;

/// The table as people read it; written by `cargo xtask proofs --write`.
pub(crate) const RENDERED: &str = "scenarios/PROOFS.md";

/// All files of the table, in the order of the sections.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) lines: Vec<Line>,
}

/// A requirement and where it is written down.
#[derive(Debug)]
pub(crate) struct Line {
    /// The section whose file it stands in, which need not be the one it belongs to.
    pub(crate) section: &'static Section,
    /// Line of that file, from 1, on which it begins.
    pub(crate) number: usize,
    pub(crate) requirement: Requirement,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Requirement {
    pub(crate) id: String,
    /// The requirement in a few words.
    pub(crate) what: String,
    pub(crate) status: Status,
    #[serde(default)]
    pub(crate) proofs: Vec<Proof>,
    /// What is missing, where something is.
    #[serde(default)]
    pub(crate) note: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(crate) enum Status {
    #[serde(rename = "proved")]
    Proved,
    #[serde(rename = "partly")]
    Partly,
    #[serde(rename = "not yet")]
    NotYet,
}

/// What stands behind a requirement: `test:<crate>::<path>` or `scenario:<id>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Proof {
    Test(String),
    Scenario(String),
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Status::Proved => "proved",
            Status::Partly => "partly",
            Status::NotYet => "not yet",
        })
    }
}

impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Proof::Test(name) => write!(f, "test:{name}"),
            Proof::Scenario(name) => write!(f, "scenario:{name}"),
        }
    }
}

impl<'de> Deserialize<'de> for Proof {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match text.split_once(':') {
            Some(("test", name)) => Ok(Proof::Test(name.to_owned())),
            Some(("scenario", name)) => Ok(Proof::Scenario(name.to_owned())),
            _ => Err(de::Error::custom(format!(
                "`{text}` is neither `test:<crate>::<path>` nor `scenario:<id>`"
            ))),
        }
    }
}
