use std::fmt::Write;

use super::{FOLDER, Requirement, SECTIONS, Status, Table};

/// The table as Markdown, a section a family, in the order of the requirements.
pub(crate) fn render(table: &Table) -> String {
    let mut out = format!(
        "# What proves what\n\n\
         <!-- Written by `cargo xtask proofs --write` from {FOLDER}/. -->\n\n\
         *proved*: the named tests and scenarios show the whole requirement. *partly*: they show some \
         of it, and the last column says what is missing. *not yet*: nothing shows it.\n\n"
    );
    let count = |status: Status| {
        let lines = table.lines.iter();
        lines
            .filter(|line| line.requirement.status == status)
            .count()
    };
    push(
        &mut out,
        format_args!(
            "{} requirements: {} proved, {} partly, {} not yet.\n",
            table.lines.len(),
            count(Status::Proved),
            count(Status::Partly),
            count(Status::NotYet),
        ),
    );
    for section in &SECTIONS {
        push(
            &mut out,
            format_args!(
                "\n## {}\n\n| ID | requirement | status | proofs | missing |\n|---|---|---|---|---|\n",
                section.title
            ),
        );
        for id in section.ids() {
            let mut lines = table.lines.iter();
            if let Some(line) = lines.find(|line| line.requirement.id == id) {
                push(&mut out, format_args!("{}\n", row(&line.requirement)));
            }
        }
    }
    out
}

fn row(requirement: &Requirement) -> String {
    let proofs: Vec<String> = requirement
        .proofs
        .iter()
        .map(|proof| format!("`{proof}`"))
        .collect();
    format!(
        "| {} | {} | {} | {} | {} |",
        requirement.id,
        cell(&requirement.what),
        requirement.status,
        proofs.join("<br>"),
        cell(&requirement.note),
    )
}

/// A bar would end the cell.
fn cell(text: &str) -> String {
    text.trim().replace('|', "\\|")
}

fn push(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a `String` has no way to fail.
    let _ = out.write_fmt(text);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proofs::{Line, Proof, Section};

    fn line(number: usize, requirement: Requirement) -> Line {
        Line {
            section: Section::of(&requirement.id).expect("a requirement"),
            number,
            requirement,
        }
    }

    #[test]
    fn rows_follow_the_order_of_the_requirements_and_escape_bars() {
        let second = Requirement {
            id: "SC-002".to_owned(),
            what: "a | b".to_owned(),
            status: Status::Partly,
            proofs: vec![Proof::Scenario("publish-latency".to_owned())],
            note: "only one broker".to_owned(),
        };
        let first = Requirement {
            id: "SC-001".to_owned(),
            what: "same".to_owned(),
            status: Status::NotYet,
            proofs: Vec::new(),
            note: String::new(),
        };
        let rendered = render(&Table {
            lines: vec![line(3, second), line(9, first)],
        });
        let rows: Vec<&str> = rendered
            .lines()
            .filter(|line| line.starts_with("| SC-"))
            .collect();
        assert_eq!(
            rows,
            [
                "| SC-001 | same | not yet |  |  |",
                "| SC-002 | a \\| b | partly | `scenario:publish-latency` | only one broker |",
            ]
        );
        assert!(rendered.contains("2 requirements: 0 proved, 1 partly, 1 not yet."));
    }
}
