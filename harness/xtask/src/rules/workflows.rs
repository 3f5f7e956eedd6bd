//! A workflow builds and tests by what `.ci/run` has, so that what fails there fails on any machine.

use saphyr::{LoadableYamlNode, MarkedYaml, Scalar, YamlData};

use super::ci_commands::{CI, has_command};
use crate::violation::Violation;
use crate::workspace::{TextFile, Workspace};

const WORKFLOWS: &str = ".github/";
/// How a workflow calls `.ci/run`; the names of groups follow.
const CALL: &str = "bash .ci/run";
/// What makes a command one that builds or tests.
const BUILDERS: [&str; 4] = ["cargo", "bash .ci/", ".ci/", "docker build"];
/// What stands between two commands of a line.
const SEPARATORS: [&str; 4] = ["&&", "||", ";", "|"];

pub(super) fn check(workspace: &Workspace) -> Vec<Violation> {
    let ci = workspace.file(CI).map_or("", |file| file.text.as_str());
    let files = workspace.files.iter().filter(|file| {
        let is_yaml = [".yaml", ".yml"].iter().any(|end| file.path.ends_with(end));
        is_yaml && file.path.starts_with(WORKFLOWS)
    });
    files
        .flat_map(|file| {
            in_file(file, ci)
                .into_iter()
                .map(|(line, what)| violation(&file.path, line, what))
        })
        .collect()
}

fn violation(path: &str, line: usize, what: String) -> Violation {
    Violation {
        path: path.to_owned(),
        line,
        what,
        why: "a command that only a workflow runs cannot be tried before it is pushed",
        mend: format!("make it a step of a group in {CI}, and call `{CALL} GROUP`"),
    }
}

fn in_file(file: &TextFile, ci: &str) -> Vec<(usize, String)> {
    let documents = match MarkedYaml::load_from_str(&file.text) {
        Ok(documents) => documents,
        Err(error) => return vec![(error.marker().line(), format!("does not parse: {error}"))],
    };
    let mut scripts = Vec::new();
    for document in &documents {
        collect_scripts(document, &mut scripts);
    }
    let mut found = Vec::new();
    for (line, script) in scripts {
        let objections = commands(script)
            .iter()
            .filter_map(|command| objection(command, ci))
            .collect::<Vec<_>>();
        found.extend(objections.into_iter().map(|what| (line, what)));
    }
    found
}

/// Every `run: …` below `node`, with its line.
fn collect_scripts<'a>(node: &'a MarkedYaml<'_>, into: &mut Vec<(usize, &'a str)>) {
    match &node.data {
        YamlData::Mapping(entries) => {
            for (key, value) in entries {
                match (text(key), text(value)) {
                    (Some("run"), Some(script)) => into.push((key.span.start.line(), script)),
                    _ => collect_scripts(value, into),
                }
            }
        }
        YamlData::Sequence(items) => {
            for item in items {
                collect_scripts(item, into);
            }
        }
        _ => {}
    }
}

fn text<'a>(node: &'a MarkedYaml<'_>) -> Option<&'a str> {
    match &node.data {
        YamlData::Value(Scalar::String(text)) => Some(text),
        _ => None,
    }
}

/// The commands of a script that build or test. Lines that end in a backslash are one.
fn commands(script: &str) -> Vec<String> {
    let joined = script.replace("\\\n", " ");
    let mut found = Vec::new();
    for line in joined.lines().filter(|line| !line.trim().starts_with('#')) {
        let mut parts = vec![line];
        for separator in SEPARATORS {
            parts = parts
                .into_iter()
                .flat_map(|part| part.split(separator))
                .collect();
        }
        let words = parts
            .iter()
            .map(|part| part.split_whitespace().collect::<Vec<_>>().join(" "));
        found.extend(words.filter(|command| builds(command)));
    }
    found
}

fn builds(command: &str) -> bool {
    BUILDERS.iter().any(|builder| {
        command.strip_prefix(builder).is_some_and(|rest| {
            // `cargo` is a word, `.ci/` a beginning.
            builder.ends_with('/') || rest.is_empty() || rest.starts_with(' ')
        })
    })
}

fn objection(command: &str, ci: &str) -> Option<String> {
    let called = command
        .strip_prefix(CALL)
        .filter(|rest| rest.is_empty() || rest.starts_with(' '));
    let Some(groups) = called else {
        return (!has_command(ci, command))
            .then(|| format!("runs `{command}`, which {CI} does not"));
    };
    groups
        .split_whitespace()
        .find(|group| !has_group(ci, group))
        .map(|group| format!("calls {CI} with `{group}`, which is no group of it"))
}

/// A group is a function of `.ci/run`.
fn has_group(ci: &str, group: &str) -> bool {
    let opening = format!("group_{}() {{", group.replace('-', "_"));
    ci.lines().any(|line| line == opening)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCRIPT: &str = "\
group_lint() {
    step \"format\" cargo fmt --all --check
}
group_e2e_process() {
    step \"job\" scenarios cargo gauntlet run
}
";

    fn found(workflow: &str) -> Vec<(usize, String)> {
        let mut workspace = Workspace::of_file(".github/workflows/ci.yml", workflow);
        workspace.files.push(TextFile {
            path: CI.to_owned(),
            text: SCRIPT.to_owned(),
        });
        let violations = check(&workspace);
        violations
            .into_iter()
            .map(|it| (it.line, it.what))
            .collect()
    }

    fn job(run: &str) -> String {
        format!("jobs:\n  one:\n    steps:\n      - uses: some/action@v1\n      - run: {run}\n")
    }

    #[test]
    fn what_the_script_has_passes() {
        for run in [
            "bash .ci/run",
            "bash .ci/run lint e2e-process",
            "cargo fmt --all --check",
            "cat report.md >>summary",
            "cargonaut --version",
            "|\n          # cargo test\n          mkdir dist\n          bash .ci/run lint",
        ] {
            assert_eq!(found(&job(run)), [], "{run}");
        }
    }

    #[test]
    fn planted_commands_of_a_workflow_alone_are_found() {
        let planted = [
            ("cargo test --workspace", "runs `cargo test --workspace`"),
            (
                "cargo gauntlet run --allow-not-run x",
                "runs `cargo gauntlet run --allow-not-run x`",
            ),
            (
                "|\n          mkdir dist && cargo build \\\n            --release",
                "runs `cargo build --release`",
            ),
            ("bash .ci/engine start", "runs `bash .ci/engine start`"),
            ("docker build .", "runs `docker build .`"),
            ("bash .ci/run lint e2e", "calls .ci/run with `e2e`"),
            ("bash .ci/run $GROUP", "calls .ci/run with `$GROUP`"),
        ];
        for (run, expected) in planted {
            let found = found(&job(run));
            let [(line, what)] = found.as_slice() else {
                panic!("{run}: {found:?}");
            };
            assert!(what.starts_with(expected), "{run}: {what}");
            assert_eq!(*line, 5, "{run}");
        }
    }

    #[test]
    fn planted_broken_workflow_is_found() {
        let found = found("jobs:\n  one: [\n");
        assert!(
            found
                .iter()
                .any(|(_, what)| what.starts_with("does not parse")),
            "{found:?}"
        );
    }
}
