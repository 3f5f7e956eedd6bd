//! Versions stand in one place and are exact; every member shares them and the lints.

use toml::{Table, Value};

use crate::violation::Violation;
use crate::workspace::{TextFile, Workspace};

const SECTIONS: [&str; 3] = ["dependencies", "dev-dependencies", "build-dependencies"];

pub(super) fn check(workspace: &Workspace) -> Vec<Violation> {
    let mut violations = Vec::new();
    for file in &workspace.files {
        let is_member = workspace
            .members
            .iter()
            .any(|member| member.manifest() == file.path);
        if file.path != "Cargo.toml" && !is_member {
            continue;
        }
        match file.text.parse::<Table>() {
            Ok(manifest) if is_member => violations.extend(in_member(file, &manifest)),
            Ok(manifest) => violations.extend(in_root(file, &manifest)),
            Err(error) => violations.push(Violation {
                path: file.path.clone(),
                line: 1,
                what: format!("does not parse: {}", error.message()),
                why: "no rule can look at it",
                mend: "make it valid TOML".to_owned(),
            }),
        }
    }
    violations
}

fn in_member(file: &TextFile, manifest: &Table) -> Vec<Violation> {
    let targets = manifest.get("target").and_then(Value::as_table);
    let tables = targets.into_iter().flat_map(Table::values);
    let tables = std::iter::once(manifest).chain(tables.filter_map(Value::as_table));
    let mut violations: Vec<Violation> = tables
        .flat_map(|table| {
            SECTIONS
                .iter()
                .filter_map(|section| table.get(*section)?.as_table())
        })
        .flatten()
        .filter(|(_, value)| !inherits(value))
        .map(|(name, _)| Violation {
            path: file.path.clone(),
            line: file.line_of(&format!("{name} ")),
            what: format!("{name} is not `workspace = true`"),
            why: "two members must not disagree on a version",
            mend: "declare it in [workspace.dependencies] of the root Cargo.toml".to_owned(),
        })
        .collect();
    if !manifest.get("lints").is_some_and(inherits) {
        violations.push(Violation {
            path: file.path.clone(),
            line: 1,
            what: "does not take the workspace's lints".to_owned(),
            why: "a crate without them is held to less than the others",
            mend: "add [lints] workspace = true".to_owned(),
        });
    }
    violations
}

fn inherits(value: &Value) -> bool {
    value.get("workspace").and_then(Value::as_bool) == Some(true)
}

fn in_root(file: &TextFile, manifest: &Table) -> Vec<Violation> {
    let shared = manifest
        .get("workspace")
        .and_then(|workspace| workspace.get("dependencies"))
        .and_then(Value::as_table);
    let loose = shared.into_iter().flatten().filter(|(_, value)| {
        let version = value.as_str().or_else(|| value.get("version")?.as_str());
        let is_ours = value.get("path").is_some();
        !is_ours && !version.is_some_and(is_exact)
    });
    loose
        .map(|(name, _)| Violation {
            path: file.path.clone(),
            line: file.line_of(&format!("{name} = ")),
            what: format!("{name} has no exact version"),
            why: "the same checkout must mean the same code on every machine",
            mend: "write `=x.y.z`".to_owned(),
        })
        .collect()
}

/// `=x.y.z`, all three parts numbers (the last may carry a pre-release).
fn is_exact(version: &str) -> bool {
    let Some(exact) = version.strip_prefix('=') else {
        return false;
    };
    let parts: Vec<&str> = exact.splitn(3, '.').collect();
    parts.len() == 3
        && parts
            .iter()
            .all(|part| part.starts_with(|c: char| c.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::Member;

    fn member(manifest: &str) -> Workspace {
        Workspace {
            members: vec![Member {
                dir: "a".to_owned(),
                ..Member::default()
            }],
            ..Workspace::of_file("a/Cargo.toml", manifest)
        }
    }

    #[test]
    fn planted_version_in_a_member_is_found_in_every_section() {
        let lints = "[lints]\nworkspace = true\n";
        let planted = [
            "[dependencies]\nserde = \"1\"\n",
            "[dev-dependencies]\nserde = { version = \"=1.0.0\" }\n",
            "[target.'cfg(unix)'.dependencies]\nnix = \"1\"\n",
        ];
        for section in planted {
            assert_eq!(
                check(&member(&format!("{section}{lints}"))).len(),
                1,
                "missed: {section}"
            );
        }
        let shared = format!("[dependencies]\nserde = {{ workspace = true }}\n{lints}");
        assert!(check(&member(&shared)).is_empty());
    }

    #[test]
    fn planted_member_without_the_lints_is_found() {
        assert_eq!(check(&member("[package]\nname = \"a\"\n")).len(), 1);
    }

    #[test]
    fn planted_loose_version_in_the_root_is_found() {
        let root = |line: &str| {
            Workspace::of_file("Cargo.toml", &format!("[workspace.dependencies]\n{line}\n"))
        };
        for line in [
            "a = \"1.2.3\"",
            "a = \"=1.2\"",
            "a = { version = \"^1.0.0\" }",
            "a = { git = \"b\" }",
        ] {
            assert_eq!(check(&root(line)).len(), 1, "missed: {line}");
        }
        assert!(check(&root("a = \"=1.2.3\"")).is_empty());
        assert!(check(&root("a = { path = \"a\" }")).is_empty());
    }
}
