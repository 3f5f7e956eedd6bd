//! Workspace crates depend on each other only along the edges of [`EDGES`], and for their tests also
//! along those of [`TEST_EDGES`].

use crate::policy::{EDGES, Edges, TEST_EDGES};
use crate::violation::Violation;
use crate::workspace::{Member, Workspace};

pub(super) fn check(workspace: &Workspace) -> Vec<Violation> {
    let mut violations = Vec::new();
    for member in &workspace.members {
        let Some(edges) = EDGES.iter().find(|edges| edges.from == member.name) else {
            violations.push(Violation {
                path: member.manifest(),
                line: 1,
                what: format!(
                    "{} has no line in the table of allowed imports",
                    member.name
                ),
                why: "who may know whom is decided, not grown",
                mend: "add it to EDGES in harness/xtask/src/policy.rs with a reason".to_owned(),
            });
            continue;
        };
        let shipped = member.dependencies.iter();
        let shipped = shipped.filter(|import| !edges.to.contains(&import.as_str()));
        let for_tests = member.dev_dependencies.iter();
        let for_tests = for_tests.filter(|import| !may_in_tests(edges, import));
        // A crate that names itself switches its own features on for tests.
        let foreign =
            |import: &&String| workspace.member(import).is_some() && import.as_str() != member.name;
        let refused = shipped.chain(for_tests).filter(foreign);
        violations.extend(refused.map(|import| violation(workspace, member, edges, import)));
    }
    violations
}

fn may_in_tests(edges: &Edges, import: &str) -> bool {
    let beyond = TEST_EDGES.iter().filter(|beyond| beyond.from == edges.from);
    let mut allowed = edges.to.iter().chain(beyond.flat_map(|beyond| beyond.to));
    allowed.any(|allowed| *allowed == import)
}

fn violation(workspace: &Workspace, member: &Member, edges: &Edges, import: &str) -> Violation {
    Violation {
        path: member.manifest(),
        line: workspace.line_in(&member.manifest(), import),
        what: format!("{} imports {import}", member.name),
        why: edges.because,
        mend: format!("{} may import only {:?}", member.name, edges.to),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::Member;

    fn member(name: &str, imports: &[&str]) -> Member {
        Member {
            name: name.to_owned(),
            dir: name.to_owned(),
            dependencies: imports.iter().map(|import| (*import).to_owned()).collect(),
            ..Member::default()
        }
    }

    #[test]
    fn planted_import_of_the_defendant_by_the_judge_is_found() {
        let workspace = Workspace {
            members: vec![
                member(
                    "gauntlet-harness",
                    &["gauntlet-domain", "gauntlet-contract", "serde"],
                ),
                member("gauntlet-domain", &[]),
                member("gauntlet-contract", &[]),
            ],
            ..Workspace::default()
        };
        let found = check(&workspace);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].what, "gauntlet-harness imports gauntlet-domain");
    }

    #[test]
    fn planted_harness_in_what_an_adapter_ships_is_found_and_in_its_tests_it_is_not() {
        let found_with = |adapters: Member| {
            let members = vec![adapters, member("gauntlet-harness", &[])];
            let workspace = Workspace {
                members,
                ..Workspace::default()
            };
            let what = check(&workspace).into_iter().map(|it| it.what);
            what.collect::<Vec<String>>()
        };
        let refused = ["gauntlet-adapters imports gauntlet-harness"];
        let shipped = member("gauntlet-adapters", &["gauntlet-harness"]);
        assert_eq!(found_with(shipped), refused);
        let for_tests = Member {
            dev_dependencies: vec!["gauntlet-harness".to_owned()],
            ..member("gauntlet-adapters", &[])
        };
        assert_eq!(found_with(for_tests.clone()), [""; 0]);
        // Nobody else gets it for tests: the way there is one crate's, not everybody's.
        let by_another = Member {
            name: "gauntlet-services".to_owned(),
            ..for_tests
        };
        let refused = ["gauntlet-services imports gauntlet-harness"];
        assert_eq!(found_with(by_another), refused);
    }

    #[test]
    fn planted_crate_without_an_entry_is_found() {
        let workspace = Workspace {
            members: vec![member("gauntlet-newcomer", &[])],
            ..Workspace::default()
        };
        assert!(check(&workspace)[0].what.contains("no line in the table"));
    }
}
