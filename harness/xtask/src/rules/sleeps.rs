//! Nobody waits for a time where a condition can be awaited.

use std::collections::BTreeSet;

use crate::policy::{Exception, SLEEPS};
use crate::violation::Violation;
use crate::workspace::{Source, Workspace};

const CALLS: [&[&str]; 4] = [
    &["sleep", "("],
    &["sleep_until", "("],
    &["thread", "::", "park_timeout"],
    &["sleep_ms", "("],
];

pub(super) fn check(workspace: &Workspace) -> Vec<Violation> {
    judge(workspace, SLEEPS)
}

fn judge(workspace: &Workspace, exceptions: &[Exception]) -> Vec<Violation> {
    let mut violations = Vec::new();
    let mut used: BTreeSet<&str> = BTreeSet::new();
    for source in &workspace.sources {
        let lines = lines_sleeping(source);
        let exception = exceptions.iter().find(|it| it.path == source.path);
        match exception {
            Some(exception) if !lines.is_empty() => {
                used.insert(exception.path);
            }
            _ => violations.extend(lines.into_iter().map(|line| Violation {
                path: source.path.clone(),
                line,
                what: "sleeps".to_owned(),
                why: "a fixed wait is too long on one machine and too short on the next",
                mend: "await the condition; where time itself is the point, add the file to SLEEPS in \
                       harness/xtask/src/policy.rs with the reason"
                    .to_owned(),
            })),
        }
    }
    let stale = exceptions.iter().filter(|it| !used.contains(it.path));
    violations.extend(stale.map(|exception| Violation {
        path: exception.path.to_owned(),
        line: 1,
        what: format!("may sleep ({}) and does not", exception.because),
        why: "an exception that nothing needs invites the next one",
        mend: "take it out of SLEEPS in harness/xtask/src/policy.rs".to_owned(),
    }));
    violations
}

fn lines_sleeping(source: &Source) -> BTreeSet<usize> {
    CALLS
        .iter()
        .flat_map(|call| source.lines_with_sequence(call))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SLEEPER: &str = "async fn f() { tokio::time::sleep(WAIT).await; }";

    #[test]
    fn planted_sleeps_are_found() {
        let blocking = "fn f() { std::thread::sleep(WAIT); }";
        for text in [SLEEPER, blocking] {
            assert_eq!(judge(&Workspace::of_source("a.rs", text), &[]).len(), 1);
        }
    }

    #[test]
    fn an_exception_holds_for_its_file_only_and_must_be_needed() {
        let exceptions = [Exception {
            path: "pacer.rs",
            because: "it offers load by the clock",
        }];
        assert!(judge(&Workspace::of_source("pacer.rs", SLEEPER), &exceptions).is_empty());
        let found = judge(&Workspace::of_source("other.rs", SLEEPER), &exceptions);
        assert_eq!(
            found.len(),
            2,
            "the sleep, and the exception that nothing needs: {found:?}"
        );
    }
}
