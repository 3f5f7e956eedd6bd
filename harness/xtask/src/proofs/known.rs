use std::collections::{BTreeMap, BTreeSet};

use super::Proof;
use crate::workspace::{Source, Workspace};

const CATALOGUE: &str = "scenarios/src/catalogue";

/// Everything that a proof may point at, read from the sources.
#[derive(Debug)]
pub(crate) struct Known {
    /// `contract::envelope::tests::golden_bytes`: the crate, then what the test runner prints.
    pub(crate) tests: BTreeSet<String>,
    /// Each scenario, by its id.
    pub(crate) scenarios: BTreeMap<String, Scenario>,
}

/// What a scenario's source says about it.
#[derive(Debug)]
pub(crate) struct Scenario {
    /// The file that says it, relative to the root.
    pub(crate) path: String,
    /// The requirements that it says it judges.
    pub(crate) requirements: Vec<String>,
}

impl Known {
    pub(crate) fn of(workspace: &Workspace) -> Self {
        let tests = workspace.sources.iter().flat_map(|source| {
            let owner = workspace.owner_of(&source.path);
            let tests = source.functions.iter().filter(|function| function.is_test);
            tests.filter_map(move |function| {
                Some(format!("{}::{}", owner?.short_name(), function.path))
            })
        });
        let scenarios = workspace.sources_under(CATALOGUE).filter_map(|source| {
            let id = field(source, "id").into_iter().next()?;
            let scenario = Scenario {
                path: source.path.clone(),
                requirements: field(source, "requirements"),
            };
            Some((id, scenario))
        });
        Self {
            tests: tests.collect(),
            scenarios: scenarios.collect(),
        }
    }

    pub(crate) fn holds(&self, proof: &Proof) -> bool {
        match proof {
            Proof::Test(name) => self.tests.contains(name),
            Proof::Scenario(id) => self.scenarios.contains_key(id),
        }
    }

    /// Tests with the same last part, as one that was moved has.
    pub(crate) fn near(&self, proof: &Proof) -> Vec<&str> {
        let Proof::Test(name) = proof else {
            return Vec::new();
        };
        let last = name.rsplit("::").next();
        self.tests
            .iter()
            .map(String::as_str)
            .filter(|candidate| candidate.rsplit("::").next() == last)
            .collect()
    }
}

/// The strings of a field of a scenario's description: one of `id: "burst-1000"`, several of
/// `requirements: &["SC-004", "E2"]`.
fn field(source: &Source, name: &str) -> Vec<String> {
    let start = source
        .tokens
        .windows(2)
        .position(|pair| pair[0].text == name && pair[1].text == ":");
    let Some(start) = start else {
        return Vec::new();
    };
    let value = source.tokens[start + 2..]
        .iter()
        .map(|token| token.text.as_str());
    // Up to the comma after a string, or the bracket after a list.
    let mut depth = 0_i32;
    value
        .take_while(|text| {
            depth += match *text {
                "[" => 1,
                "]" => -1,
                _ => 0,
            };
            *text != "}" && !(depth == 0 && *text == ",")
        })
        .filter(|text| text.starts_with('"'))
        .map(|text| text.trim_matches('"').to_owned())
        .collect()
}
