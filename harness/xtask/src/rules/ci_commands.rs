//! CI runs the commands that the README promises, word for word.

use crate::violation::Violation;
use crate::workspace::Workspace;

const README: &str = "README.md";
/// What CI runs.
pub(super) const CI: &str = ".ci/run";

pub(super) fn check(workspace: &Workspace) -> Vec<Violation> {
    let Some(readme) = workspace.file(README) else {
        return Vec::new();
    };
    let promised = promised(&readme.text);
    if promised.is_empty() {
        return vec![violation(
            1,
            "promises no command in a first block of `sh`".to_owned(),
        )];
    }
    let ci = workspace.file(CI).map_or("", |file| file.text.as_str());
    promised
        .into_iter()
        .filter(|(_, command)| !has_command(ci, command))
        .map(|(line, command)| {
            violation(
                line,
                format!("promises `{command}`, which {CI} does not run"),
            )
        })
        .collect()
}

/// Whether the text of [`CI`] has a command, word for word.
pub(super) fn has_command(ci: &str, command: &str) -> bool {
    ci.lines()
        .map(str::trim)
        .filter(|line| !line.starts_with('#'))
        // At a line's end, so that no flag can be added.
        .any(|line| line == command || line.ends_with(&format!(" {command}")))
}

fn violation(line: usize, what: String) -> Violation {
    Violation {
        path: README.to_owned(),
        line,
        what,
        why: "a command in the README that nobody runs stops working",
        mend: format!("run it in {CI} exactly as it is worded"),
    }
}

/// The commands of the README's first `sh` block, with their lines; trailing comments are dropped.
fn promised(readme: &str) -> Vec<(usize, String)> {
    readme
        .lines()
        .enumerate()
        .skip_while(|(_, line)| line.trim() != "```sh")
        .skip(1)
        .take_while(|(_, line)| line.trim() != "```")
        .map(|(index, line)| {
            (
                index + 1,
                line.split(" #").next().unwrap_or(line).trim().to_owned(),
            )
        })
        .filter(|(_, command)| !command.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::TextFile;

    const TEXT: &str = "# g\n```sh\ncargo gauntlet run   # judge\ncargo test --features e2e\n```\n";

    fn with_ci(ci: &str) -> Workspace {
        let mut workspace = Workspace::of_file(README, TEXT);
        workspace.files.push(TextFile {
            path: CI.to_owned(),
            text: ci.to_owned(),
        });
        workspace
    }

    #[test]
    fn planted_broken_promises_are_found() {
        let softened = "cargo gauntlet run --allow-not-run x\n# cargo test --features e2e\n";
        let found = check(&with_ci(softened));
        let lines: Vec<usize> = found.iter().map(|it| it.line).collect();
        assert_eq!(lines, [3, 4]);
    }

    #[test]
    fn kept_promises_pass() {
        let ci = "step run cargo gauntlet run\ncargo test --features e2e\n";
        assert!(check(&with_ci(ci)).is_empty());
    }
}
