//! No package registry is named: clients know where theirs is, and machines differ in it.

use crate::policy::REGISTRY_HOSTS;
use crate::violation::Violation;
use crate::workspace::Workspace;

pub(super) fn check(workspace: &Workspace) -> Vec<Violation> {
    let mut violations = Vec::new();
    for file in &workspace.files {
        for (index, line) in file.text.lines().enumerate() {
            for host in REGISTRY_HOSTS {
                let host = host.join(".");
                if line.contains(&host) {
                    violations.push(Violation {
                        path: file.path.clone(),
                        line: index + 1,
                        what: format!("names the registry {}", host.trim_end_matches('/')),
                        why: "a host in the repository ties every checkout to one network",
                        mend: "call the package client by name and version".to_owned(),
                    });
                }
            }
        }
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planted_hosts_are_found() {
        for host in REGISTRY_HOSTS {
            let text = format!("fetch https://{}some/file\n", host.join("."));
            assert!(
                !check(&Workspace::of_file("a.toml", &text)).is_empty(),
                "missed {host:?}"
            );
        }
        assert!(
            check(&Workspace::of_file(
                "a.md",
                "https://github.com/dapr/dapr\n"
            ))
            .is_empty()
        );
    }
}
