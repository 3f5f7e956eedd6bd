use std::collections::BTreeSet;
use std::path::Path;

use serde::Deserialize;
use toml::Spanned;

use super::{FOLDER, Line, Requirement, SECTIONS, Section, Table};
use crate::violation::Violation;
use crate::workspace::{TextFile, Workspace, is_under};

const WHY: &str = "half a table says nothing about the other half";

/// A file of the table, as TOML has it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Part {
    #[serde(rename = "requirement")]
    requirements: Vec<Spanned<Requirement>>,
}

impl Table {
    /// Reads the file of every section.
    ///
    /// # Errors
    /// What keeps the table from being read as a whole: a file that is missing or does not parse, and a
    /// file beside them, whose lines nobody would see.
    pub(crate) fn read(workspace: &Workspace) -> Result<Self, Vec<Violation>> {
        let mut lines = Vec::new();
        let mut violations = strangers(workspace);
        for section in &SECTIONS {
            match part(workspace, section) {
                Ok(part) => lines.extend(part),
                Err(violation) => violations.push(violation),
            }
        }
        match violations.as_slice() {
            [] => Ok(Self { lines }),
            _ => Err(violations),
        }
    }
}

fn strangers(workspace: &Workspace) -> Vec<Violation> {
    let expected: BTreeSet<String> = SECTIONS.iter().map(Section::path).collect();
    let files = workspace.files.iter();
    files
        .filter(|file| is_under(&file.path, FOLDER))
        .filter(|file| {
            let extension = Path::new(&file.path).extension();
            extension.is_some_and(|it| it == "toml") && !expected.contains(&file.path)
        })
        .map(|file| {
            let what = "belongs to no section of the table".to_owned();
            let mend = "move its lines to the files of their sections".to_owned();
            violation(file.path.clone(), 1, what, mend)
        })
        .collect()
}

fn part(workspace: &Workspace, section: &'static Section) -> Result<Vec<Line>, Violation> {
    let path = section.path();
    let Some(file) = workspace.file(&path) else {
        let mend = format!("write the requirements of `{}` there", section.title);
        return Err(violation(path, 1, "is missing".to_owned(), mend));
    };
    let part: Part = toml::from_str(&file.text).map_err(|error| {
        let number = error.span().map_or(1, |span| line_at(file, span.start));
        let what = format!("does not parse: {}", error.message());
        violation(path, number, what, "make it valid".to_owned())
    })?;
    let lines = part.requirements.into_iter().map(|requirement| Line {
        section,
        number: line_at(file, requirement.span().start),
        requirement: requirement.into_inner(),
    });
    Ok(lines.collect())
}

/// The line, from 1, that the byte at `offset` lies on.
fn line_at(file: &TextFile, offset: usize) -> usize {
    let before = file.text.bytes().take(offset);
    1 + before.filter(|byte| *byte == b'\n').count()
}

fn violation(path: String, line: usize, what: String, mend: String) -> Violation {
    Violation {
        path,
        line,
        what,
        why: WHY,
        mend,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A table with one requirement a file.
    fn workspace() -> Workspace {
        let files = SECTIONS.iter().map(|section| {
            let id = section.ids().next().expect("no section is empty");
            let row =
                format!("[[requirement]]\nid = \"{id}\"\nwhat = \"w\"\nstatus = \"not yet\"\n");
            TextFile {
                path: section.path(),
                text: format!("# Comment.\n\n{row}"),
            }
        });
        Workspace {
            files: files.collect(),
            ..Workspace::default()
        }
    }

    /// Where the reading fails, and with what.
    fn faults(workspace: &Workspace) -> Vec<(String, usize, String)> {
        let violations = Table::read(workspace).expect_err("a fault is planted");
        let faults = violations.into_iter();
        faults.map(|it| (it.path, it.line, it.what)).collect()
    }

    fn path(file: &str) -> String {
        format!("{FOLDER}/{file}.toml")
    }

    #[test]
    fn files_are_read_in_the_order_of_the_sections() {
        let mut workspace = workspace();
        workspace.files.reverse();
        let table = Table::read(&workspace).expect("a valid table");
        let ids: Vec<&str> = table
            .lines
            .iter()
            .map(|line| line.requirement.id.as_str())
            .collect();
        assert_eq!(ids, ["S1", "T1", "E1", "D1", "SC-001", "H1", "K1"]);
        assert!(table.lines.iter().all(|line| line.number == 3));
    }

    #[test]
    fn a_readme_in_the_folder_is_no_part_of_the_table() {
        let mut workspace = workspace();
        workspace.files.push(TextFile {
            path: format!("{FOLDER}/README.md"),
            text: "How to read these.".to_owned(),
        });
        assert!(Table::read(&workspace).is_ok());
    }

    #[test]
    fn planted_missing_files_are_all_named() {
        let mut workspace = workspace();
        workspace
            .files
            .retain(|file| file.path != path("events") && file.path != path("harness"));
        let missing = |file: &str| (path(file), 1, "is missing".to_owned());
        assert_eq!(faults(&workspace), [missing("events"), missing("harness")]);
    }

    #[test]
    fn planted_extra_file_is_found() {
        let mut workspace = workspace();
        for name in ["extra", "more/tasks"] {
            workspace.files.push(TextFile {
                path: path(name),
                text: String::new(),
            });
        }
        let what = "belongs to no section of the table";
        let extra = |file: &str| (path(file), 1, what.to_owned());
        assert_eq!(faults(&workspace), [extra("extra"), extra("more/tasks")]);
    }

    #[test]
    fn planted_line_that_does_not_parse_is_found_where_it_stands() {
        let mut workspace = workspace();
        let tasks = &mut workspace.files[1];
        tasks.text.push_str("proofs = [\"hearsay\"]\n");
        let what =
            "does not parse: `hearsay` is neither `test:<crate>::<path>` nor `scenario:<id>`";
        assert_eq!(faults(&workspace), [(path("tasks"), 7, what.to_owned())]);
    }
}
