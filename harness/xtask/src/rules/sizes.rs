//! Files stay below 500 lines and functions below 70.

use crate::violation::Violation;
use crate::workspace::Workspace;

const FILE_LINES: usize = 500;
const FUNCTION_LINES: usize = 70;
/// Files that a person writes and reads; lock files, sums and snapshots are neither.
const WRITTEN_BY_HAND: [&str; 8] = [
    ".rs", ".toml", ".yaml", ".sh", ".sql", ".js", ".css", ".jinja",
];

pub(super) fn check(workspace: &Workspace) -> Vec<Violation> {
    let files = workspace.files.iter().filter_map(|file| {
        let lines = file.text.lines().count();
        let by_hand = WRITTEN_BY_HAND.iter().any(|end| file.path.ends_with(end));
        (by_hand && lines > FILE_LINES).then(|| Violation {
            path: file.path.clone(),
            line: FILE_LINES + 1,
            what: format!("{lines} lines, more than {FILE_LINES}"),
            why: "a file that long has more than one subject",
            mend: "split it by subject".to_owned(),
        })
    });
    let functions = workspace.sources.iter().flat_map(|source| {
        let long = source
            .functions
            .iter()
            .filter(|it| it.lines > FUNCTION_LINES);
        long.map(|function| Violation {
            path: source.path.clone(),
            line: function.line,
            what: format!(
                "fn {} has {} lines, more than {FUNCTION_LINES}",
                function.name, function.lines
            ),
            why: "a function that long cannot be held in mind",
            mend: "name its parts as functions".to_owned(),
        })
    });
    files.chain(functions).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planted_long_file_is_found() {
        let at_limit = "// a line\n".repeat(FILE_LINES);
        assert!(check(&Workspace::of_file("a.rs", &at_limit)).is_empty());
        let over = "// a line\n".repeat(FILE_LINES + 1);
        assert_eq!(check(&Workspace::of_file("a.rs", &over)).len(), 1);
    }

    #[test]
    fn planted_long_function_is_found_and_its_docs_do_not_count() {
        let body = |lines: usize| {
            format!(
                "/// Docs.\n#[inline]\nfn f() {{\n{}}}\n",
                "f();\n".repeat(lines)
            )
        };
        let at_limit = body(FUNCTION_LINES - 2);
        assert!(check(&Workspace::of_source("a.rs", &at_limit)).is_empty());
        let found = check(&Workspace::of_source("a.rs", &body(FUNCTION_LINES - 1)));
        assert_eq!(found[0].what, "fn f has 71 lines, more than 70");
        assert_eq!(found[0].line, 3);
    }
}
