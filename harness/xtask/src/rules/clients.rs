//! Client crates of brokers and databases are named only where [`CLIENTS`] says.

use crate::policy::{CLIENTS, Client};
use crate::violation::Violation;
use crate::workspace::{Source, Workspace, is_under};

const WHY: &str = "a backend is swapped in one place, and the judge looks at stores in one place";

pub(super) fn check(workspace: &Workspace) -> Vec<Violation> {
    let mut violations = Vec::new();
    for client in CLIENTS {
        violations.extend(in_manifests(workspace, client));
        violations.extend(
            workspace
                .sources
                .iter()
                .flat_map(|source| in_source(source, client)),
        );
    }
    violations
}

/// A crate with no folder that may name the client has no use for the dependency either.
fn in_manifests(workspace: &Workspace, client: &Client) -> Vec<Violation> {
    let members = workspace.members.iter().filter(|member| {
        let mut dependencies = member.dependencies.iter().chain(&member.dev_dependencies);
        let depends = dependencies.any(|it| it == client.name);
        let may = client
            .allowed_in
            .iter()
            .any(|allowed| *allowed == member.dir || is_under(allowed, &member.dir));
        depends && !may
    });
    members
        .map(|member| Violation {
            path: member.manifest(),
            line: workspace.line_in(&member.manifest(), client.name),
            what: format!("{} depends on {}", member.name, client.name),
            why: WHY,
            mend: format!("only {:?} may", client.allowed_in),
        })
        .collect()
}

fn in_source(source: &Source, client: &Client) -> Vec<Violation> {
    if client
        .allowed_in
        .iter()
        .any(|dir| is_under(&source.path, dir))
    {
        return Vec::new();
    }
    let lines = source.lines_naming_crate(client.name).into_iter();
    lines
        .map(|line| Violation {
            path: source.path.clone(),
            line,
            what: format!("names {}", client.name),
            why: WHY,
            mend: format!("move it below one of {:?}", client.allowed_in),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::Member;

    #[test]
    fn planted_client_outside_its_folders_is_found() {
        let text = "use rdkafka::Message;\nfn f() { let _ = sqlx::query(\"\"); }\n";
        let found = check(&Workspace::of_source("harness/src/stack/start.rs", text));
        let what: Vec<&str> = found.iter().map(|it| it.what.as_str()).collect();
        assert_eq!(what, ["names rdkafka", "names sqlx"]);
    }

    #[test]
    fn a_local_module_of_the_same_name_is_not_the_client() {
        let text = "use crate::component::redis;\nfn f() { redis::start(); }\n";
        assert!(check(&Workspace::of_source("harness/src/stack/start.rs", text)).is_empty());
        let text = "use redis::Client;\n";
        assert!(
            check(&Workspace::of_source(
                "system/adapters/src/redis/publisher.rs",
                text
            ))
            .is_empty()
        );
    }

    #[test]
    fn planted_dependency_in_a_manifest_is_found() {
        let depends = |dir: &str| Member {
            name: format!("gauntlet-{dir}"),
            dir: dir.to_owned(),
            dependencies: vec!["rdkafka".to_owned()],
            ..Member::default()
        };
        let workspace = Workspace {
            members: vec![depends("scenarios"), depends("harness")],
            ..Workspace::default()
        };
        let found = check(&workspace);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].path, "scenarios/Cargo.toml");
    }
}
