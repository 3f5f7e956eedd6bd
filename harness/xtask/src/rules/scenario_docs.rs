//! A scenario's file opens with its claim and with what a pass does not show.

use crate::violation::Violation;
use crate::workspace::{Source, Workspace};

const CATALOGUE: &str = "scenarios/src/catalogue";
/// What the opening must say, in any case.
const SAYS: [&str; 2] = ["claim", "not show"];

pub(super) fn check(workspace: &Workspace) -> Vec<Violation> {
    let scenarios = workspace
        .sources_under(CATALOGUE)
        .filter(|source| !source.lines_with_sequence(&["Scenario", "for"]).is_empty());
    scenarios
        .flat_map(|source| {
            missing(source).into_iter().map(|phrase| Violation {
                path: source.path.clone(),
                line: 1,
                what: format!("its opening does not say \"{phrase}\""),
                why: "a pass is only worth what a reader knows it covers",
                mend: "open the file with `//!` lines: the claim in the user's words, and what a pass \
                       does not show"
                    .to_owned(),
            })
        })
        .collect()
}

fn missing(source: &Source) -> Vec<&'static str> {
    let opening = source.module_docs().replace('\n', " ").to_lowercase();
    SAYS.into_iter()
        .filter(|phrase| !opening.contains(phrase))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATH: &str = "scenarios/src/catalogue/burst.rs";

    #[test]
    fn planted_silent_scenario_is_found() {
        let text = "//! Claim: it is quick.\nimpl Scenario for Burst {}";
        let found = check(&Workspace::of_source(PATH, text));
        assert_eq!(found.len(), 1);
        assert!(found[0].what.contains("not show"));
    }

    #[test]
    fn planted_phrase_in_an_ordinary_comment_does_not_count() {
        let text = "impl Scenario for Burst {}\n// The claim, and what it does not show.\n";
        assert_eq!(check(&Workspace::of_source(PATH, text)).len(), 2);
    }

    #[test]
    fn a_scenario_that_says_both_passes() {
        let text = "//! Claim: it is quick.\n//! Does not\n//! show: that it lasts.\nimpl Scenario for Burst {}";
        assert!(check(&Workspace::of_source(PATH, text)).is_empty());
    }
}
