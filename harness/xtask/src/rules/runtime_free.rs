//! contract, domain and reports are built without an async runtime, however deep it may hide.

use crate::policy::{RUNTIME_FREE, RUNTIMES};
use crate::violation::Violation;
use crate::workspace::Workspace;

pub(super) fn check(workspace: &Workspace) -> Vec<Violation> {
    let members = RUNTIME_FREE
        .iter()
        .filter_map(|name| workspace.member(name));
    members
        .flat_map(|member| {
            let found = RUNTIMES.iter().filter(|runtime| member.built_with.contains(**runtime));
            found.map(|runtime| Violation {
                path: member.manifest(),
                line: 1,
                what: format!("{} is built with {runtime}", member.name),
                why: "pure code takes time and IO as arguments, so that it can be tested and replayed",
                mend: format!("`cargo tree -p {} -i {runtime} -e normal` shows by which way", member.name),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::Member;

    #[test]
    fn planted_runtime_in_the_domain_is_found_and_elsewhere_is_not() {
        let with_tokio = |name: &str| Member {
            name: name.to_owned(),
            built_with: ["tokio".to_owned()].into(),
            ..Member::default()
        };
        let workspace = Workspace {
            members: vec![
                with_tokio("gauntlet-domain"),
                with_tokio("gauntlet-harness"),
            ],
            ..Workspace::default()
        };
        let found = check(&workspace);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].what, "gauntlet-domain is built with tokio");
    }
}
