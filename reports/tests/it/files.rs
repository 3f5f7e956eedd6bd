//! Reports on disk: what is written reads back, and what is not ours is refused.

use std::fs;
use std::path::PathBuf;

use gauntlet_reports::render::ReadErrorKind;
use gauntlet_reports::{Report, read, write_all};

use crate::fixture;

/// An empty folder of the test's own, below the target folder.
fn folder(test: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(test);
    if folder.exists() {
        fs::remove_dir_all(&folder).expect("an old folder can be removed");
    }
    folder
}

#[test]
fn a_report_reads_back_as_it_was() {
    let dir = folder("round-trip");
    let report = fixture::report();
    let written = write_all(&report, &dir).expect("writes");
    assert_eq!(read(&written.json).expect("reads"), report);
    let mut names: Vec<String> = fs::read_dir(&dir)
        .expect("lists")
        .map(|entry| {
            entry
                .expect("lists")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    names.sort();
    assert_eq!(
        names,
        ["junit.xml", "report.html", "report.json", "report.md"]
    );
}

#[test]
fn writing_again_replaces() {
    let dir = folder("replace");
    let mut report = fixture::report();
    write_all(&report, &dir).expect("writes");
    report.run.seed = 2;
    let written = write_all(&report, &dir).expect("writes again");
    assert_eq!(read(&written.json).expect("reads").run.seed, 2);
}

#[test]
fn the_schema_comes_first() {
    let json = gauntlet_reports::render::render_json(&fixture::report()).expect("renders");
    assert!(
        json.starts_with("{\n  \"schema\": \"gauntlet.report/1\","),
        "{}",
        &json[..60]
    );
}

#[test]
fn a_number_that_is_none_survives_as_none() {
    let dir = folder("not-a-number");
    let mut report = fixture::report();
    report.scenarios[0].figures[0].value = f64::NAN;
    report.scenarios[0].findings[0].measured = Some(fixture::quantity(f64::INFINITY, "s"));
    let written = write_all(&report, &dir).expect("writes");
    let back = read(&written.json).expect("reads");
    assert!(back.scenarios[0].figures[0].value.is_nan());
    let measured = back.scenarios[0].findings[0].measured.as_ref();
    assert!(measured.is_some_and(|measured| measured.value.is_nan()));
}

#[test]
fn a_report_without_later_fields_still_reads() {
    let mut json = serde_json::to_value(fixture::report()).expect("serialises");
    let run = json["run"].as_object_mut().expect("is an object");
    for later in ["allowed_not_run", "broken"] {
        run.remove(later).expect(later);
    }
    let report: Report = serde_json::from_value(json).expect("reads");
    assert!(report.run.allowed_not_run.is_empty());
    assert_eq!(report.run.broken, None);
}

/// The report as it was before runs had providers by name.
#[test]
fn a_report_without_the_list_of_providers_reads_as_a_run_with_one() {
    let mut json = serde_json::to_value(fixture::report()).expect("serialises");
    json["run"]
        .as_object_mut()
        .and_then(|run| run.remove("providers"))
        .expect("is written");
    let written = json["scenarios"].as_array_mut().into_iter().flatten();
    for entry in written {
        let provider = entry.as_object_mut().and_then(|one| one.remove("provider"));
        provider.expect("is written");
    }
    for entry in json["components"].as_array_mut().into_iter().flatten() {
        let provider = entry.as_object_mut().and_then(|one| one.remove("provider"));
        provider.expect("is written");
    }
    let report: Report = serde_json::from_value(json).expect("reads");
    assert_eq!(report.run.providers, fixture::report().run.providers);
    assert_eq!(report.provider_of(&report.scenarios[0]), "process");
    assert_eq!(report.runner_of(&report.components[0]), "process");
    assert_eq!(report.compared_providers(), ["process"]);
}

#[test]
fn readers_of_one_provider_a_run_find_it_where_it_was() {
    let one = serde_json::to_value(fixture::report()).expect("serialises");
    assert_eq!(one["run"]["provider"], "process");
    let reason = "no container engine answers; children of the harness need none";
    assert_eq!(one["run"]["provider_reason"], reason);
    let both = serde_json::to_value(fixture::both()).expect("serialises");
    assert_eq!(both["run"]["provider"], "process, containers");
    let reasons = "process: asked for by --provider; containers: asked for by --provider; Docker 20.10 answers";
    assert_eq!(both["run"]["provider_reason"], reasons);
    let report: Report = serde_json::from_value(both).expect("reads");
    assert_eq!(report, fixture::both());
}

fn refusal(test: &str, content: &str) -> (ReadErrorKind, String) {
    let dir = folder(test);
    fs::create_dir_all(&dir).expect("creates");
    let path = dir.join("report.json");
    fs::write(&path, content).expect("writes");
    let error = read(&path).expect_err("is refused");
    (
        error.kind.clone(),
        error
            .to_string()
            .replace(&dir.display().to_string(), "<dir>"),
    )
}

#[test]
fn another_schema_is_refused_before_its_shape_is_looked_at() {
    let (kind, message) = refusal("later", r#"{"schema": "gauntlet.report/2", "runs": []}"#);
    assert_eq!(
        kind,
        ReadErrorKind::UnknownSchema {
            found: Some("gauntlet.report/2".to_owned())
        }
    );
    insta::assert_snapshot!(message);
}

#[test]
fn a_file_without_schema_is_refused() {
    let (kind, message) = refusal("none", "{}");
    assert_eq!(kind, ReadErrorKind::UnknownSchema { found: None });
    insta::assert_snapshot!(message);
}

#[test]
fn what_is_no_report_is_refused() {
    assert_eq!(refusal("text", "not json").0, ReadErrorKind::Malformed);
    let shapeless = r#"{"schema": "gauntlet.report/1", "run": 4}"#;
    assert_eq!(refusal("shapeless", shapeless).0, ReadErrorKind::Malformed);
    let missing = read(&folder("missing").join("report.json")).expect_err("is refused");
    assert_eq!(missing.kind, ReadErrorKind::Io);
}
