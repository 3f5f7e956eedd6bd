//! Nothing unfinished is left behind: no marker comments, no macros that panic in its place.

use crate::violation::Violation;
use crate::workspace::Workspace;

/// Split, so that this file does not hold what it looks for.
const MARKERS: [&str; 4] = [
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("XX", "X"),
    concat!("HA", "CK"),
];
const MACROS: [&str; 3] = ["todo", "unimplemented", "dbg"];

pub(super) fn check(workspace: &Workspace) -> Vec<Violation> {
    let violation = |path: &str, line: usize, what: String| Violation {
        path: path.to_owned(),
        line,
        what,
        why: "what is not done belongs in an issue, where someone looks",
        mend: "do it now or file it".to_owned(),
    };
    let mut violations = Vec::new();
    for file in &workspace.files {
        for (index, line) in file.text.lines().enumerate() {
            let mut words = line.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
            if let Some(marker) = words.find(|word| MARKERS.contains(word)) {
                violations.push(violation(&file.path, index + 1, format!("marked {marker}")));
            }
        }
    }
    for source in &workspace.sources {
        for name in MACROS {
            for line in source.lines_with_sequence(&[name, "!"]) {
                violations.push(violation(&source.path, line, format!("calls {name}!")));
            }
        }
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planted_markers_are_found_as_whole_words() {
        for marker in MARKERS {
            let text = format!("fn f() {{}} // {marker}: later\n");
            assert_eq!(
                check(&Workspace::of_file("a.rs", &text)).len(),
                1,
                "missed {marker}"
            );
            let inside = format!("# A_{marker}S_B and {}\n", marker.to_lowercase());
            assert!(check(&Workspace::of_file("a.md", &inside)).is_empty());
        }
    }

    #[test]
    fn planted_macros_are_found() {
        for name in MACROS {
            let text = format!("fn f() {{ {name}!() }}");
            assert_eq!(
                check(&Workspace::of_source("a.rs", &text)).len(),
                1,
                "missed {name}!"
            );
        }
    }
}
