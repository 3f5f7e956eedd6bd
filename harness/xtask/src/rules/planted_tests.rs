//! A check, and a rule of this crate, is only worth its planted violation.

use crate::violation::Violation;
use crate::workspace::{Source, Workspace};

/// Start of the name of a test that plants a violation.
const PREFIX: &str = "planted_";
const CHECKS: &str = "harness/src/check";
const RULES: &str = "harness/xtask/src/rules";

pub(super) fn check(workspace: &Workspace) -> Vec<Violation> {
    let judges = workspace
        .sources
        .iter()
        .filter(|source| is_judge(source) && planted(source).next().is_none());
    judges
        .map(|source| Violation {
            path: source.path.clone(),
            line: 1,
            what: format!("has no test named {PREFIX}…"),
            why: "a check that was never seen to fail proves nothing when it passes",
            mend: "add a unit test that plants what it must find".to_owned(),
        })
        .collect()
}

/// A file that implements `Check`, or that holds a rule.
fn is_judge(source: &Source) -> bool {
    let in_checks = crate::workspace::is_under(&source.path, CHECKS)
        && !source.lines_with_sequence(&["Check", "for"]).is_empty();
    let in_rules = crate::workspace::is_under(&source.path, RULES)
        && source
            .functions
            .iter()
            .any(|function| function.path.ends_with("::check"));
    in_checks || in_rules
}

fn planted(source: &Source) -> impl Iterator<Item = &str> {
    let tests = source.functions.iter().filter(|function| function.is_test);
    tests
        .map(|function| function.name.as_str())
        .filter(|name| name.starts_with(PREFIX))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHECK: &str = "struct Order; impl Check for Order {}";

    #[test]
    fn planted_check_without_its_violation_is_found() {
        let workspace = Workspace::of_source("harness/src/check/order.rs", CHECK);
        assert_eq!(check(&workspace).len(), 1);
        // A function of that name which is no test does not count.
        let text = format!("{CHECK}\nfn planted_disorder() {{}}");
        assert_eq!(
            check(&Workspace::of_source("harness/src/check/order.rs", &text)).len(),
            1
        );
    }

    #[test]
    fn a_check_with_one_and_a_helper_without_pass() {
        let text = format!("{CHECK}\nmod tests {{ #[test] fn planted_disorder() {{}} }}");
        assert!(check(&Workspace::of_source("harness/src/check/order.rs", &text)).is_empty());
        let helper = "pub struct Window;";
        assert!(check(&Workspace::of_source("harness/src/check/window.rs", helper)).is_empty());
    }
}
