//! A check is a pure function of a ledger: no IO, no clock, nothing asynchronous.

use std::collections::BTreeSet;

use crate::violation::Violation;
use crate::workspace::{Source, Workspace};

const CHECKS: &str = "harness/src/check";

const PATHS: [&str; 6] = [
    "std::fs",
    "std::net",
    "std::process",
    "std::env",
    "std::thread",
    "std::io",
];
const CRATES: [&str; 6] = ["tokio", "reqwest", "sqlx", "rdkafka", "redis", "nix"];
const KEYWORDS: [&str; 2] = ["async", "await"];
/// Clocks, whatever they are a function of: `Instant::now`, `Timestamp::now`, `Zoned::now` …
const CLOCK: &[&str] = &["::", "now", "("];

pub(super) fn check(workspace: &Workspace) -> Vec<Violation> {
    workspace
        .sources_under(CHECKS)
        .flat_map(|source| {
            impurities(source).into_iter().map(|(line, what)| Violation {
                path: source.path.clone(),
                line,
                what,
                why: "a verdict must follow from the recorded evidence alone, and again tomorrow",
                mend: "record it in the ledger while the scenario runs, and judge the record".to_owned(),
            })
        })
        .collect()
}

fn impurities(source: &Source) -> BTreeSet<(usize, String)> {
    let mut found = BTreeSet::new();
    for path in PATHS {
        found.extend(
            source
                .lines_naming(path)
                .into_iter()
                .map(|line| (line, format!("names {path}"))),
        );
    }
    for name in CRATES {
        let lines = source.lines_naming_crate(name).into_iter();
        found.extend(lines.map(|line| (line, format!("names {name}"))));
    }
    for keyword in KEYWORDS {
        let lines = source.lines_with_ident(keyword).into_iter();
        found.extend(lines.map(|line| (line, format!("is {keyword}"))));
    }
    let clocks = source.lines_with_sequence(CLOCK).into_iter();
    found.extend(clocks.map(|line| (line, "reads a clock".to_owned())));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planted_impurities_are_found() {
        let planted = [
            "use std::fs;",
            "use tokio::time::Duration;",
            "async fn judge() {}",
            "fn judge() { let _ = jiff::Timestamp::now(); }",
            "fn judge() { std::thread::spawn(|| ()); }",
        ];
        for text in planted {
            let workspace = Workspace::of_source("harness/src/check/order.rs", text);
            assert_eq!(check(&workspace).len(), 1, "missed in: {text}");
        }
    }

    #[test]
    fn a_pure_check_and_an_impure_harness_pass() {
        let pure = "use std::collections::BTreeMap;\nfn judge(now: u64) -> u64 { now }";
        assert!(check(&Workspace::of_source("harness/src/check/order.rs", pure)).is_empty());
        assert!(
            check(&Workspace::of_source(
                "harness/src/stack/up.rs",
                "async fn f() {}"
            ))
            .is_empty()
        );
    }
}
