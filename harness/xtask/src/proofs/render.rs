use std::fmt::Write;

use super::{Requirement, SECTIONS, SOURCE, Status, Table};

/// The table as Markdown, a section a family, in the order of the requirements.
pub(crate) fn render(table: &Table) -> String {
    let mut out = format!(
        "# What proves what\n\n\
         <!-- Written by `cargo xtask proofs --write` from {SOURCE}. -->\n\n\
         *proved*: the named tests and scenarios show the whole requirement. *partly*: they show some \
         of it, and the last column says what is missing. *not yet*: nothing shows it.\n\n"
    );
    let count = |status: Status| {
        let lines = table.requirements.iter();
        lines.filter(|line| line.status == status).count()
    };
    push(
        &mut out,
        format_args!(
            "{} requirements: {} proved, {} partly, {} not yet.\n",
            table.requirements.len(),
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
            if let Some(line) = table.requirements.iter().find(|line| line.id == id) {
                push(&mut out, format_args!("{}\n", row(line)));
            }
        }
    }
    out
}

fn row(line: &Requirement) -> String {
    let proofs: Vec<String> = line
        .proofs
        .iter()
        .map(|proof| format!("`{proof}`"))
        .collect();
    format!(
        "| {} | {} | {} | {} | {} |",
        line.id,
        cell(&line.what),
        line.status,
        proofs.join("<br>"),
        cell(&line.note),
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

    #[test]
    fn rows_follow_the_order_of_the_requirements_and_escape_bars() {
        let text = "
            [[requirement]]
            id = \"SC-002\"
            what = \"a | b\"
            status = \"partly\"
            proofs = [\"scenario:publish-latency\"]
            note = \"only one broker\"
            [[requirement]]
            id = \"SC-001\"
            what = \"same\"
            status = \"not yet\"
        ";
        let rendered = render(&Table::parse(text).expect("valid"));
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
