//! Inside `system/`, only a `main.rs` reads the environment.

use std::collections::BTreeSet;

use crate::violation::Violation;
use crate::workspace::{Source, Workspace};

/// Ways to the environment: the standard library's, and the configuration library's.
const WAYS: [&str; 2] = ["std::env", "figment::providers::Env"];
const CALLS: [&str; 4] = ["var", "var_os", "vars", "vars_os"];

pub(super) fn check(workspace: &Workspace) -> Vec<Violation> {
    let elsewhere = workspace
        .sources_under("system")
        .filter(|source| !source.path.ends_with("src/main.rs"));
    elsewhere
        .flat_map(|source| {
            lines_reading_it(source)
                .into_iter()
                .filter(|line| !source.is_test_line(*line))
                .map(|line| Violation {
                    path: source.path.clone(),
                    line,
                    what: "reads the environment".to_owned(),
                    why: "what a process depends on must be visible where it starts",
                    mend: "read it in main.rs and pass the value as configuration".to_owned(),
                })
        })
        .collect()
}

fn lines_reading_it(source: &Source) -> BTreeSet<usize> {
    let named = WAYS.iter().flat_map(|way| source.lines_naming(way));
    let called = CALLS
        .iter()
        .flat_map(|call| source.lines_with_sequence(&["env", "::", call]));
    named.chain(called).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planted_reads_are_found_in_every_spelling() {
        let spellings = [
            "fn f() { std::env::var(\"X\"); }",
            "use std::{env, fs};",
            "use std::env;\nfn f() { env::var_os(\"X\"); }",
            "use figment::{Figment, providers::Env};",
        ];
        for spelling in spellings {
            let workspace = Workspace::of_source("system/services/src/config.rs", spelling);
            assert!(!check(&workspace).is_empty(), "missed in: {spelling}");
        }
    }

    #[test]
    fn main_may_and_tests_may() {
        let text = "fn f() { std::env::var(\"X\"); }";
        assert!(check(&Workspace::of_source("system/services/src/main.rs", text)).is_empty());
        let text = "#[cfg(test)]\nmod tests {\n fn f() { std::env::var(\"X\"); }\n}";
        assert!(check(&Workspace::of_source("system/services/src/config.rs", text)).is_empty());
    }
}
