//! Every requirement has a line that names what proves it, or says honestly that nothing does yet.

use std::collections::BTreeSet;

use crate::proofs::{
    self, FOLDER, Known, Line, Proof, RENDERED, Requirement, SECTIONS, Section, Status, Table,
};
use crate::violation::Violation;
use crate::workspace::Workspace;

const WHY: &str = "a requirement that nobody is accountable for is one that nobody meets";

pub(super) fn check(workspace: &Workspace) -> Vec<Violation> {
    let table = match Table::read(workspace) {
        Ok(table) => table,
        // Of half a table, every rule would object to the other half.
        Err(violations) => return violations,
    };
    let known = Known::of(workspace);
    let mut violations = places(&table);
    violations.extend(gaps(&table));
    violations.extend(disagreements(&table, &known));
    for line in &table.lines {
        let requirement = &line.requirement;
        let proofs = requirement.proofs.iter();
        let objections = status(requirement)
            .into_iter()
            .chain(proofs.filter_map(|proof| objection(&known, proof)));
        violations.extend(
            objections.map(|(what, mend)| at(line, format!("{}: {what}", requirement.id), mend)),
        );
    }
    let rendered = workspace.file(RENDERED).map(|file| file.text.as_str());
    if rendered != Some(proofs::render(&table).as_str()) {
        let what = format!("is not what {FOLDER}/ says");
        let mend = "run `cargo xtask proofs --write`".to_owned();
        violations.push(violation(RENDERED.to_owned(), 1, what, mend));
    }
    violations
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

/// A violation on the line of a requirement.
fn at(line: &Line, what: String, mend: String) -> Violation {
    violation(line.section.path(), line.number, what, mend)
}

/// Each line is about a requirement, the first about it, and in the file of its section.
fn places(table: &Table) -> Vec<Violation> {
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    let mut violations = Vec::new();
    for line in &table.lines {
        let id = line.requirement.id.as_str();
        if !seen.insert(id) {
            let what = format!("{id} has two lines");
            violations.push(at(line, what, "keep one".to_owned()));
        }
        match Section::of(id).map(Section::path) {
            None => {
                let what = format!("{id} is no requirement");
                violations.push(at(line, what, "take it out".to_owned()));
            }
            Some(home) if home != line.section.path() => {
                let what = format!("{id} stands in the file of another section");
                violations.push(at(line, what, format!("move it to {home}")));
            }
            Some(_) => {}
        }
    }
    violations
}

/// Requirements that no file has a line for.
fn gaps(table: &Table) -> Vec<Violation> {
    let has_line = |id: &str| table.lines.iter().any(|line| line.requirement.id == id);
    let mut violations = Vec::new();
    for section in &SECTIONS {
        let missing = section.ids().filter(|id| !has_line(id));
        violations.extend(missing.map(|id| {
            let mend = "add a line, `not yet` if that is the truth".to_owned();
            violation(section.path(), 1, format!("{id} has no line"), mend)
        }));
    }
    violations
}

type Objection = (String, String);

fn status(requirement: &Requirement) -> Option<Objection> {
    let has_proof = !requirement.proofs.is_empty();
    let has_note = !requirement.note.trim().is_empty();
    let objection = match requirement.status {
        Status::Proved | Status::Partly if !has_proof => {
            Some(("names no proof", "name one, or say `not yet`"))
        }
        Status::Partly if !has_note => Some((
            "is partly proved and does not say what is missing",
            "say it in `note`",
        )),
        Status::NotYet if has_proof => Some((
            "is `not yet` and names proofs",
            "say `partly` and what is missing",
        )),
        _ => None,
    };
    objection.map(|(what, mend)| (what.to_owned(), mend.to_owned()))
}

fn objection(known: &Known, proof: &Proof) -> Option<Objection> {
    if known.holds(proof) {
        return None;
    }
    let mend = match known.near(proof).as_slice() {
        [] => "`cargo xtask proofs --known` lists what may be named".to_owned(),
        near => format!("perhaps {near:?}"),
    };
    Some((format!("names {proof}, which does not exist"), mend))
}

/// Where a scenario says that it judges a requirement, the requirement's line names the scenario.
fn disagreements(table: &Table, known: &Known) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (id, scenario) in &known.scenarios {
        let proof = Proof::Scenario(id.clone());
        for judged in &scenario.requirements {
            let mut lines = table.lines.iter();
            match lines.find(|line| line.requirement.id == *judged) {
                Some(line) if line.requirement.proofs.contains(&proof) => {}
                Some(line) => {
                    let what =
                        format!("scenario {id} says that it judges {judged}, its line does not");
                    let mend = format!("add `{proof}` to {judged}, or take it out there");
                    violations.push(at(line, what, mend));
                }
                None => {
                    let what = format!("judges {judged}, which has no line");
                    let mend = format!("add a line for it below {FOLDER}/, or take it out here");
                    violations.push(violation(scenario.path.clone(), 1, what, mend));
                }
            }
        }
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::{Member, Source, TextFile};

    /// A workspace whose table is complete, with `line` as the line of E1.
    fn workspace(line: &str) -> Workspace {
        let mut workspace = Workspace::default();
        for section in &SECTIONS {
            let lines: Vec<String> = section
                .ids()
                .map(|id| match id.as_str() {
                    "E1" => line.to_owned(),
                    "SC-005" => row(&id, "proved", "\"scenario:burst-1000\"", ""),
                    _ => row(&id, "not yet", "", ""),
                })
                .collect();
            workspace.files.push(TextFile {
                path: section.path(),
                text: format!("# {}.\n\n{}", section.title, lines.concat()),
            });
        }
        render(&mut workspace);
        workspace.members.push(Member {
            name: "gauntlet-contract".to_owned(),
            dir: "system/contract".to_owned(),
            ..Member::default()
        });
        let sources = [
            (
                "system/contract/src/event.rs",
                "mod tests { #[test] fn golden() {} fn helper() {} }",
            ),
            (
                "scenarios/src/catalogue/burst.rs",
                "const M: Meta = Meta { id: \"burst-1000\" };",
            ),
        ];
        let sources = sources.map(|(path, text)| Source::parse(path, text).expect("parses"));
        workspace.sources.extend(sources);
        workspace
    }

    /// Renders the table anew, so that what a test plants in it is all there is to find.
    fn render(workspace: &mut Workspace) {
        workspace.files.retain(|file| file.path != RENDERED);
        if let Ok(table) = Table::read(workspace) {
            workspace.files.push(TextFile {
                path: RENDERED.to_owned(),
                text: proofs::render(&table),
            });
        }
    }

    fn row(id: &str, status: &str, proofs: &str, note: &str) -> String {
        format!(
            "[[requirement]]\nid = \"{id}\"\nwhat = \"w\"\nstatus = \"{status}\"\nproofs = [{proofs}]\nnote = \"{note}\"\n"
        )
    }

    fn honest() -> Workspace {
        workspace(&row("E1", "not yet", "", ""))
    }

    fn edit(workspace: &mut Workspace, file: &str, change: impl Fn(&str) -> String) {
        let path = format!("{FOLDER}/{file}.toml");
        let mut files = workspace.files.iter_mut();
        let file = files.find(|file| file.path == path).expect("a section");
        file.text = change(&file.text);
        render(workspace);
    }

    /// `path:line: what` of each violation.
    fn found(workspace: &Workspace) -> Vec<String> {
        let violations = check(workspace).into_iter();
        violations
            .map(|it| format!("{}:{}: {}", it.path, it.line, it.what))
            .collect()
    }

    #[test]
    fn an_honest_table_passes() {
        assert_eq!(check(&honest()), []);
        let proofs = "\"test:contract::event::tests::golden\", \"scenario:burst-1000\"";
        assert_eq!(check(&workspace(&row("E1", "proved", proofs, ""))), []);
    }

    #[test]
    fn planted_claims_without_substance_are_found_where_they_stand() {
        let planted = [
            ("proved", ""),
            ("partly", "\"scenario:burst-1000\""),
            ("not yet", "\"scenario:burst-1000\""),
            ("proved", "\"scenario:burst-2000\""),
            ("proved", "\"test:contract::event::tests::helper\""),
            ("proved", "\"test:contract::elsewhere::golden\""),
        ];
        for (status, proofs) in planted {
            let found = found(&workspace(&row("E1", status, proofs, "")));
            let [one] = found.as_slice() else {
                panic!("{found:?} in a line that is {status} by [{proofs}]");
            };
            assert!(
                one.starts_with("scenarios/proofs/events.toml:3: E1: "),
                "{one}"
            );
        }
    }

    #[test]
    fn planted_gaps_in_the_ids_are_found() {
        let mut workspace = honest();
        edit(&mut workspace, "success-criteria", |text| {
            text.replace("id = \"SC-004\"", "id = \"SC-999\"")
        });
        assert_eq!(
            found(&workspace),
            [
                "scenarios/proofs/success-criteria.toml:21: SC-999 is no requirement",
                "scenarios/proofs/success-criteria.toml:1: SC-004 has no line",
            ]
        );
    }

    #[test]
    fn planted_second_line_is_found() {
        let mut workspace = honest();
        let again = row("T13", "not yet", "", "");
        edit(&mut workspace, "tasks", |text| format!("{text}{again}"));
        assert_eq!(
            found(&workspace),
            ["scenarios/proofs/tasks.toml:81: T13 has two lines"]
        );
    }

    #[test]
    fn planted_requirement_in_the_wrong_file_is_found() {
        let mut workspace = honest();
        let moved = row("T13", "not yet", "", "");
        edit(&mut workspace, "tasks", |text| text.replace(&moved, ""));
        edit(&mut workspace, "events", |text| format!("{text}{moved}"));
        assert_eq!(
            found(&workspace),
            ["scenarios/proofs/events.toml:21: T13 stands in the file of another section"]
        );
        assert_eq!(
            check(&workspace)[0].mend,
            "move it to scenarios/proofs/tasks.toml"
        );
    }

    #[test]
    fn planted_gap_in_the_files_is_found() {
        let mut workspace = honest();
        let path = "scenarios/proofs/tasks.toml";
        workspace.files.retain(|file| file.path != path);
        assert_eq!(found(&workspace), [format!("{path}:1: is missing")]);
    }

    #[test]
    fn planted_disagreement_with_a_scenario_is_found() {
        let mut workspace = honest();
        let text =
            "const M: Meta = Meta { id: \"other\", requirements: &[\"E2\", \"E9\"], needs: N };";
        let source = Source::parse("scenarios/src/catalogue/other.rs", text).expect("parses");
        workspace.sources.push(source);
        assert_eq!(
            found(&workspace),
            [
                "scenarios/proofs/events.toml:9: scenario other says that it judges E2, its line does not",
                "scenarios/src/catalogue/other.rs:1: judges E9, which has no line",
            ]
        );
    }

    #[test]
    fn planted_stale_rendering_is_found() {
        let mut workspace = honest();
        let mut files = workspace.files.iter_mut();
        let rendered = files.find(|file| file.path == RENDERED).expect("rendered");
        rendered.text.push_str("by hand\n");
        assert_eq!(check(&workspace)[0].path, RENDERED);
    }
}
