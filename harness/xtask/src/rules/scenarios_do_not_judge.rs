//! A scenario makes things happen and leaves the judging to checks: it neither asserts nor panics.

use std::collections::BTreeSet;

use crate::violation::Violation;
use crate::workspace::{Source, Workspace};

const CATALOGUE: &str = "scenarios/src/catalogue";

const SEQUENCES: [&[&str]; 8] = [
    &["assert", "!"],
    &["assert_eq", "!"],
    &["assert_ne", "!"],
    &["panic", "!"],
    &["unreachable", "!"],
    &[".", "unwrap", "("],
    &[".", "expect", "("],
    &["process", "::", "exit"],
];

pub(super) fn check(workspace: &Workspace) -> Vec<Violation> {
    workspace
        .sources_under(CATALOGUE)
        .flat_map(|source| {
            judging(source).into_iter().map(|line| Violation {
                path: source.path.clone(),
                line,
                what: "judges while it drives".to_owned(),
                why: "a panic is neither a pass nor a fail, and it hides what was recorded",
                mend: "record it and let a check judge it, or return an Abort".to_owned(),
            })
        })
        .collect()
}

fn judging(source: &Source) -> BTreeSet<usize> {
    SEQUENCES
        .iter()
        .flat_map(|sequence| source.lines_with_sequence(sequence))
        .filter(|line| !source.is_test_line(*line) && !source.is_const_line(*line))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATH: &str = "scenarios/src/catalogue/burst.rs";

    #[test]
    fn planted_assertions_are_found() {
        let planted = [
            "async fn drive() { assert_eq!(sent, 1000); }",
            "async fn drive() { run.start().await.unwrap(); }",
            "async fn drive() { panic!(\"lost\"); }",
        ];
        for text in planted {
            assert_eq!(
                check(&Workspace::of_source(PATH, text)).len(),
                1,
                "missed: {text}"
            );
        }
    }

    #[test]
    fn tests_and_constants_may_assert_and_drive_may_return() {
        let text = "async fn drive() -> R { run.start().await?; Ok(()) }\n\
                    const fn rate(n: u32) -> u32 { assert!(n > 0); n }\n\
                    #[cfg(test)]\nmod tests { fn f() { assert!(true); } }";
        assert!(check(&Workspace::of_source(PATH, text)).is_empty());
    }
}
