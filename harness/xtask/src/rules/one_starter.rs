//! Everything starts the stack through the same code: tests, `up` and every scenario.
//!
//! Who cannot make a process and cannot describe one to the provider has no other way.

use std::collections::BTreeSet;

use crate::policy::{Exception, SPAWNS};
use crate::violation::Violation;
use crate::workspace::{Workspace, is_under};

/// Who has the harness at hand and could start something past the stack.
const OUTSIDE: &str = "scenarios";
/// What it takes to start a component past the stack.
const STARTERS: [&str; 4] = ["ProcessProvider", "ServiceSpec", "Launcher", "OneShot"];
const SPAWN: &[&str] = &["Command", "::", "new"];

pub(super) fn check(workspace: &Workspace) -> Vec<Violation> {
    let mut violations = judge_spawns(workspace, SPAWNS);
    for source in workspace.sources_under(OUTSIDE) {
        for starter in STARTERS {
            violations.extend(source.lines_with_ident(starter).into_iter().map(|line| Violation {
                path: source.path.clone(),
                line,
                what: format!("names {starter}"),
                why: "a second way to start the stack would be judged as if it were the first",
                mend: "go through gauntlet_harness::stack".to_owned(),
            }));
        }
    }
    violations
}

fn judge_spawns(workspace: &Workspace, exceptions: &[Exception]) -> Vec<Violation> {
    let mut violations = Vec::new();
    let mut used: BTreeSet<&str> = BTreeSet::new();
    for source in &workspace.sources {
        let lines = source.lines_with_sequence(SPAWN).into_iter();
        let mut lines = lines.filter(|line| !source.is_test_line(*line)).peekable();
        let exception = exceptions
            .iter()
            .find(|it| it.path == source.path || is_under(&source.path, it.path));
        if let (Some(exception), Some(_)) = (exception, lines.peek()) {
            used.insert(exception.path);
            continue;
        }
        violations.extend(lines.map(|line| Violation {
            path: source.path.clone(),
            line,
            what: "makes a process".to_owned(),
            why: "a child that the provider does not know is a child that outlives the run",
            mend: "start it through the provider, or give SPAWNS in harness/xtask/src/policy.rs a reason"
                .to_owned(),
        }));
    }
    let stale = exceptions.iter().filter(|it| !used.contains(it.path));
    violations.extend(stale.map(|exception| Violation {
        path: exception.path.to_owned(),
        line: 1,
        what: format!("may make processes ({}) and does not", exception.because),
        why: "an exception that nothing needs invites the next one",
        mend: "take it out of SPAWNS in harness/xtask/src/policy.rs".to_owned(),
    }));
    violations
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPAWNER: &str = "fn f() { std::process::Command::new(\"daprd\"); }";

    #[test]
    fn planted_second_starter_is_found() {
        let text = "use gauntlet_harness::{provider::ServiceSpec, stack::Stack};";
        let found = check(&Workspace::of_source("scenarios/src/catalogue/a.rs", text));
        assert!(found.iter().any(|it| it.what == "names ServiceSpec"));
    }

    #[test]
    fn planted_spawn_is_found_and_a_stale_exception_too() {
        let exceptions = [Exception {
            path: "harness/src/provider",
            because: "it supervises what it makes",
        }];
        let inside = Workspace::of_source("harness/src/provider/process.rs", SPAWNER);
        assert!(judge_spawns(&inside, &exceptions).is_empty());
        let outside = Workspace::of_source("scenarios/src/run.rs", SPAWNER);
        assert_eq!(judge_spawns(&outside, &exceptions).len(), 2);
    }

    #[test]
    fn a_test_may_run_the_command_line_it_tests() {
        let workspace = Workspace::of_source("scenarios/tests/it/cli.rs", SPAWNER);
        assert!(judge_spawns(&workspace, &[]).is_empty());
    }
}
