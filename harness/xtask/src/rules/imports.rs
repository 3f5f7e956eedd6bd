//! Workspace crates depend on each other only along the edges of [`EDGES`].

use crate::policy::EDGES;
use crate::violation::Violation;
use crate::workspace::Workspace;

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
        for dependency in &member.dependencies {
            // A crate that names itself switches its own features on for tests.
            let is_foreign = workspace.member(dependency).is_some()
                && *dependency != member.name
                && !edges.to.contains(&dependency.as_str());
            if is_foreign {
                violations.push(Violation {
                    path: member.manifest(),
                    line: workspace.line_in(&member.manifest(), dependency),
                    what: format!("{} imports {dependency}", member.name),
                    why: edges.because,
                    mend: format!("{} may import only {:?}", member.name, edges.to),
                });
            }
        }
    }
    violations
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
    fn planted_crate_without_an_entry_is_found() {
        let workspace = Workspace {
            members: vec![member("gauntlet-newcomer", &[])],
            ..Workspace::default()
        };
        assert!(check(&workspace)[0].what.contains("no line in the table"));
    }
}
