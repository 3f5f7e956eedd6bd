//! Every requirement has a line that names what proves it, or says honestly that nothing does yet.

use std::collections::BTreeSet;

use crate::proofs::{self, Known, Proof, RENDERED, Requirement, SOURCE, Status, Table};
use crate::violation::Violation;
use crate::workspace::Workspace;

const WHY: &str = "a requirement that nobody is accountable for is one that nobody meets";

pub(super) fn check(workspace: &Workspace) -> Vec<Violation> {
    let Some(file) = workspace.file(SOURCE) else {
        return vec![violation(1, "is missing".to_owned(), "write it".to_owned())];
    };
    let table = match Table::parse(&file.text) {
        Ok(table) => table,
        Err(error) => {
            let mend = "make it valid".to_owned();
            return vec![violation(1, format!("does not parse: {error}"), mend)];
        }
    };
    let known = Known::of(workspace);
    let mut violations = ids(&table);
    violations.extend(disagreements(&table, &known));
    for requirement in &table.requirements {
        let line = file.line_of(&format!("id = \"{}\"", requirement.id));
        let mut objections = status(requirement);
        objections.extend(
            requirement
                .proofs
                .iter()
                .filter_map(|proof| objection(&known, proof)),
        );
        violations.extend(
            objections
                .into_iter()
                .map(|(what, mend)| violation(line, format!("{}: {what}", requirement.id), mend)),
        );
    }
    let rendered = workspace.file(RENDERED).map(|file| file.text.as_str());
    if rendered != Some(proofs::render(&table).as_str()) {
        violations.push(Violation {
            path: RENDERED.to_owned(),
            ..violation(
                1,
                format!("is not what {SOURCE} says"),
                "run `cargo xtask proofs --write`".to_owned(),
            )
        });
    }
    violations
}

fn violation(line: usize, what: String, mend: String) -> Violation {
    Violation {
        path: SOURCE.to_owned(),
        line,
        what,
        why: WHY,
        mend,
    }
}

/// Each required id once, and no other.
fn ids(table: &Table) -> Vec<Violation> {
    let required = proofs::required_ids();
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    let mut violations = Vec::new();
    for requirement in &table.requirements {
        let id = requirement.id.as_str();
        if !seen.insert(id) {
            violations.push(violation(
                1,
                format!("{id} has two lines"),
                "keep one".to_owned(),
            ));
        }
        if !required.iter().any(|known| known == id) {
            violations.push(violation(
                1,
                format!("{id} is no requirement"),
                "take it out".to_owned(),
            ));
        }
    }
    let missing = required.iter().filter(|id| !seen.contains(id.as_str()));
    violations.extend(missing.map(|id| {
        let mend = "add a line, `not yet` if that is the truth".to_owned();
        violation(1, format!("{id} has no line"), mend)
    }));
    violations
}

type Objection = (String, String);

fn status(requirement: &Requirement) -> Vec<Objection> {
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
    objection
        .map(|(what, mend)| (what.to_owned(), mend.to_owned()))
        .into_iter()
        .collect()
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

/// What a scenario says it judges, and what this table says proves it, are the same thing.
fn disagreements(table: &Table, known: &Known) -> Vec<Violation> {
    let names = |id: &str, requirement: &str| {
        let mut lines = table
            .requirements
            .iter()
            .filter(|line| line.id == requirement);
        lines.any(|line| line.proofs.contains(&Proof::Scenario(id.to_owned())))
    };
    let mut violations = Vec::new();
    for (id, requirements) in &known.scenarios {
        let silent = requirements
            .iter()
            .filter(|requirement| !names(id, requirement));
        violations.extend(silent.map(|requirement| {
            let what =
                format!("scenario {id} says that it judges {requirement}, its line does not");
            violation(
                1,
                what,
                format!("add `scenario:{id}` to {requirement}, or take it out there"),
            )
        }));
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::{Member, Source, TextFile};

    fn workspace(lines: &str) -> Workspace {
        let missing: Vec<String> = proofs::required_ids()
            .iter()
            .filter(|id| !lines.contains(&format!("id = \"{id}\"")))
            .map(|id| {
                let status = match id.as_str() {
                    "SC-005" => "status = \"proved\"\nproofs = [\"scenario:burst-1000\"]",
                    _ => "status = \"not yet\"",
                };
                format!("[[requirement]]\nid = \"{id}\"\nwhat = \"w\"\n{status}\n")
            })
            .collect();
        let text = format!("{lines}{}", missing.concat());
        let mut workspace = Workspace::of_file(SOURCE, &text);
        if let Ok(table) = Table::parse(&text) {
            workspace.files.push(TextFile {
                path: RENDERED.to_owned(),
                text: proofs::render(&table),
            });
        }
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

    fn line(status: &str, proofs: &str, note: &str) -> String {
        format!(
            "[[requirement]]\nid = \"E1\"\nwhat = \"w\"\nstatus = \"{status}\"\nproofs = [{proofs}]\nnote = \"{note}\"\n"
        )
    }

    #[test]
    fn an_honest_table_passes() {
        assert_eq!(check(&workspace("")), []);
        let proved = line(
            "proved",
            "\"test:contract::event::tests::golden\", \"scenario:burst-1000\"",
            "",
        );
        assert_eq!(check(&workspace(&proved)), []);
    }

    #[test]
    fn planted_claims_without_substance_are_found() {
        let planted = [
            line("proved", "", ""),
            line("partly", "\"scenario:burst-1000\"", ""),
            line("not yet", "\"scenario:burst-1000\"", ""),
            line("proved", "\"scenario:burst-2000\"", ""),
            line("proved", "\"test:contract::event::tests::helper\"", ""),
            line("proved", "\"test:contract::elsewhere::golden\"", ""),
            line("proved", "\"hearsay\"", ""),
        ];
        for text in planted {
            assert!(!check(&workspace(&text)).is_empty(), "missed in: {text}");
        }
    }

    #[test]
    fn planted_gaps_in_the_ids_are_found() {
        let mut workspace = workspace("");
        let table = &mut workspace.files[0].text;
        *table = table.replace("id = \"SC-004\"", "id = \"SC-999\"");
        let what: Vec<String> = check(&workspace).into_iter().map(|it| it.what).collect();
        assert!(what.contains(&"SC-999 is no requirement".to_owned()));
        assert!(what.contains(&"SC-004 has no line".to_owned()));
    }

    #[test]
    fn planted_disagreement_with_a_scenario_is_found() {
        let mut workspace = workspace("");
        let text =
            "const M: Meta = Meta { id: \"other\", requirements: &[\"E2\", \"E3\"], needs: N };";
        let source = Source::parse("scenarios/src/catalogue/other.rs", text).expect("parses");
        workspace.sources.push(source);
        let what: Vec<String> = check(&workspace).into_iter().map(|it| it.what).collect();
        assert_eq!(
            what,
            [
                "scenario other says that it judges E2, its line does not",
                "scenario other says that it judges E3, its line does not",
            ]
        );
    }

    #[test]
    fn planted_stale_rendering_is_found() {
        let mut workspace = workspace("");
        workspace.files[1].text.push_str("by hand\n");
        assert_eq!(check(&workspace)[0].path, RENDERED);
    }
}
