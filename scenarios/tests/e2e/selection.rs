//! What a stack runs on, where an engine does not answer. Where one does, `containers` has the tests.

use std::path::Path;
use std::process::Output;

use tempfile::tempdir;

use crate::gauntlet::{PROVIDER, as_is, stderr};

const HARNESS_FAILURE: Option<i32> = Some(3);

/// Where no engine listens.
fn no_engine(home: &Path) -> String {
    format!("unix://{}", home.join("engine.sock").display())
}

/// Runs with these arguments where no engine answers and no component can be had, so that nothing is
/// fetched or started.
fn without_engine(named: Option<&str>, args: &[&str]) -> Output {
    let home = tempdir().expect("a folder");
    let mut command = as_is(args);
    match named {
        Some(provider) => command.env(PROVIDER, provider),
        None => command.env_remove(PROVIDER),
    };
    command
        .env("DOCKER_HOST", no_engine(home.path()))
        .env("GAUNTLET_HOME", home.path())
        .env("PATH", "")
        .output()
        .expect("gauntlet can be executed")
}

#[test]
fn containers_that_were_asked_for_and_cannot_be_had_end_the_command_with_the_mend() {
    let asked: [(Option<&str>, &[&str]); 5] = [
        (None, &["run", "burst-1000", "--provider", "containers"]),
        (None, &["run", "--provider", "process,containers"]),
        (None, &["up", "--provider", "containers"]),
        (Some("containers"), &["run", "burst-1000"]),
        (Some("containers"), &["up"]),
    ];
    for (named, args) in asked {
        let output = without_engine(named, args);
        let said = stderr(&output);
        assert_eq!(output.status.code(), HARNESS_FAILURE, "{args:?}: {said}");
        assert!(
            said.contains("failed to reach a container engine"),
            "{args:?}: {said}"
        );
        let mend = "name its socket in DOCKER_HOST, or use --provider process";
        assert!(said.contains(mend), "{args:?}: {said}");
        // Not after the components were looked for in vain, and not on processes instead.
        assert!(!said.contains("redis"), "{args:?}: {said}");
    }
}

#[test]
fn an_engine_that_does_not_answer_leaves_processes_and_the_reason() {
    let output = without_engine(None, &["run", "burst-1000"]);
    let said = stderr(&output);
    let told = "on process: not containers: failed to reach a container engine: ";
    assert!(said.lines().any(|line| line.starts_with(told)), "{said}");
    assert!(said.contains("lacks redis"), "{said}");
}

#[test]
fn what_is_named_is_not_explained_by_an_engine_that_nobody_asked() {
    let said = stderr(&without_engine(Some("process"), &["run", "burst-1000"]));
    assert!(said.contains("on process: asked for"), "{said}");
    assert!(!said.contains("engine"), "{said}");
}

#[test]
fn an_argument_wins_over_the_environment() {
    let args = ["run", "burst-1000", "--provider", "process"];
    let said = stderr(&without_engine(Some("containers"), &args));
    assert!(said.contains("on process: asked for"), "{said}");
}

#[test]
fn a_provider_that_there_is_not_is_refused_with_those_that_there_are() {
    let asked: [(Option<&str>, &[&str]); 2] = [
        (Some("podman"), &["run"]),
        (None, &["up", "--provider", "podman"]),
    ];
    for (named, args) in asked {
        let output = without_engine(named, args);
        let said = stderr(&output);
        assert_eq!(output.status.code(), HARNESS_FAILURE, "{said}");
        assert!(
            said.contains("podman") && said.contains("process, containers"),
            "{said}"
        );
    }
}

#[test]
fn a_provider_that_is_named_twice_is_refused() {
    let output = without_engine(None, &["run", "--provider", "process,process"]);
    assert_eq!(output.status.code(), HARNESS_FAILURE);
    assert!(stderr(&output).contains("twice"), "{}", stderr(&output));
}

#[cfg(feature = "e2e")]
#[test]
fn the_report_says_that_it_was_processes_and_why() {
    use crate::evidence::{fresh_evidence, providers, read_report};

    let _beside_others = crate::machine::beside_others();
    let (folder, home) = (fresh_evidence("no-engine"), tempdir().expect("a folder"));
    let output = as_is(&["run", "burst-1000", "--stack", "light", "--reports"])
        .arg(&folder)
        .env_remove(PROVIDER)
        .env("DOCKER_HOST", no_engine(home.path()))
        .output()
        .expect("gauntlet can be executed");
    // Whether the burst was in time is not what this is about.
    let is_judged = matches!(output.status.code(), Some(0..=2));
    assert!(is_judged, "{}", stderr(&output));
    let report = read_report(&folder);
    assert_eq!(providers(&report), ["process"]);
    let reason = report["run"]["providers"][0]["reason"].as_str();
    let told = "not containers: failed to reach a container engine: ";
    assert!(reason.expect("a reason").starts_with(told), "{reason:?}");
    assert_eq!(report["scenarios"][0]["provider"], "process");
}
