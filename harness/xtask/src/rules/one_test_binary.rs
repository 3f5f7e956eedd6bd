//! A crate has at most one integration-test binary: each one is linked anew.

use crate::violation::Violation;
use crate::workspace::Workspace;

pub(super) fn check(workspace: &Workspace) -> Vec<Violation> {
    let many = workspace
        .members
        .iter()
        .filter(|member| member.test_binaries.len() > 1);
    many.map(|member| Violation {
        path: member.manifest(),
        line: 1,
        what: format!("integration-test binaries {:?}", member.test_binaries),
        why: "every binary links the whole graph again, and none shares its helpers",
        mend: "make them modules of one, tests/it/main.rs".to_owned(),
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::Member;

    #[test]
    fn planted_second_binary_is_found() {
        let with = |binaries: &[&str]| Workspace {
            members: vec![Member {
                test_binaries: binaries.iter().map(|it| (*it).to_owned()).collect(),
                ..Member::default()
            }],
            ..Workspace::default()
        };
        assert!(check(&with(&["it"])).is_empty());
        assert_eq!(check(&with(&["it", "e2e"])).len(), 1);
    }
}
