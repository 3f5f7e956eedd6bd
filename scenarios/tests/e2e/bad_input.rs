//! What cannot be carried out says why, what to do, and exits with 3.

use tempfile::tempdir;

use crate::gauntlet::{command, run_in, stderr, stdout, tool};

const HARNESS_FAILURE: Option<i32> = Some(3);

#[test]
fn an_unknown_scenario_is_refused_with_the_known_ones() {
    let home = tempdir().expect("a folder");
    let output = run_in(home.path(), &["run", "burst-1001"]);
    assert_eq!(output.status.code(), HARNESS_FAILURE);
    let said = stderr(&output);
    assert!(
        said.contains("burst-1001") && said.contains("consumer-crash"),
        "{said}"
    );
}

#[test]
fn a_wrong_flag_is_not_taken_for_an_inconclusive_run() {
    let home = tempdir().expect("a folder");
    let output = run_in(home.path(), &["run", "--stak", "light"]);
    assert_eq!(output.status.code(), HARNESS_FAILURE);
    assert!(stderr(&output).contains("--stack"), "{}", stderr(&output));
}

#[test]
fn a_length_of_time_has_to_be_one() {
    let home = tempdir().expect("a folder");
    let output = run_in(home.path(), &["run", "sidecar-memory", "--for", "soon"]);
    assert_eq!(output.status.code(), HARNESS_FAILURE);
    assert!(stderr(&output).contains("60s"), "{}", stderr(&output));
}

#[test]
fn a_stranger_on_the_not_run_list_is_refused_before_anything_starts() {
    let home = tempdir().expect("a folder");
    let output = run_in(home.path(), &["run", "--allow-not-run", "nobody"]);
    assert_eq!(output.status.code(), HARNESS_FAILURE);
    assert!(stderr(&output).contains("nobody"), "{}", stderr(&output));
}

#[test]
fn a_copy_of_the_report_that_cannot_be_written_is_refused_before_anything_starts() {
    let home = tempdir().expect("a folder");
    let copy = home.path().join("none/report.json");
    let output = run_in(
        home.path(),
        &["run", "--json", copy.to_str().expect("UTF-8")],
    );
    assert_eq!(output.status.code(), HARNESS_FAILURE);
    let said = stderr(&output);
    assert!(
        said.contains("to mend") && said.contains("--json"),
        "{said}"
    );
    assert!(!said.contains("components"), "{said}");
}

#[test]
fn components_that_cannot_be_had_are_named_with_the_mend_and_light_is_offered() {
    let home = tempdir().expect("a folder");
    let output = command(&["run", "burst-1000"])
        .env("GAUNTLET_HOME", home.path())
        // Without package clients there is no source left to ask.
        .env("PATH", "")
        .output()
        .expect("gauntlet can be executed");
    assert_eq!(output.status.code(), HARNESS_FAILURE);
    let said = stderr(&output);
    assert!(said.contains("lacks redis, postgres, kafka"), "{said}");
    assert!(said.contains("apt-get install maven"), "{said}");
    assert!(said.contains("--stack light"), "{said}");
}

#[test]
fn a_source_that_fails_is_told_of_at_once_though_another_is_asked_then() {
    let home = tempdir().expect("a folder");
    let bin = home.path().join("bin");
    for client in ["pip3", "mvn"] {
        tool(&bin, client, "exit 1");
    }
    let output = command(&["fetch", "redis"])
        .env("GAUNTLET_HOME", home.path())
        .env("PATH", bin)
        .output()
        .expect("gauntlet can be executed");
    assert_eq!(output.status.code(), HARNESS_FAILURE);
    let said = stderr(&output);
    for source in ["pip: failed to", "maven: failed to"] {
        let told = |line: &str| line.starts_with("  … redis") && line.contains(source);
        assert!(said.lines().any(told), "{source}: {said}");
    }
}

#[test]
fn a_length_that_no_scenario_heeds_is_refused() {
    let home = tempdir().expect("a folder");
    let output = run_in(home.path(), &["run", "burst-1000", "--for", "5m"]);
    assert_eq!(output.status.code(), HARNESS_FAILURE);
    let said = stderr(&output);
    assert!(
        said.contains("no effect") && said.contains("sidecar-memory"),
        "{said}"
    );
}

#[test]
fn a_length_that_some_scenarios_heed_says_which() {
    let home = tempdir().expect("a folder");
    let output = command(&["run", "--for", "5m"])
        .env("GAUNTLET_HOME", home.path())
        // So that there is nothing to run them on.
        .env("PATH", "")
        .output()
        .expect("gauntlet can be executed");
    let said = stderr(&output);
    let told = "--for 5 min 00 s: sidecar-memory; the others have a length of their own";
    assert!(said.contains(told), "{said}");
}

#[test]
fn a_filter_of_the_log_that_makes_no_sense_is_refused() {
    let home = tempdir().expect("a folder");
    let output = command(&["list"])
        .env("GAUNTLET_HOME", home.path())
        .env("RUST_LOG", "gauntlet=loud")
        .output()
        .expect("gauntlet can be executed");
    assert_eq!(output.status.code(), HARNESS_FAILURE);
    let said = stderr(&output);
    assert!(
        said.contains("RUST_LOG") && said.contains("gauntlet=loud") && said.contains("to mend"),
        "{said}"
    );
    assert_eq!(stdout(&output), "");
}

#[test]
fn a_report_that_is_not_there_names_the_command_that_makes_one() {
    let home = tempdir().expect("a folder");
    let path = home.path().join("report.json");
    let output = run_in(home.path(), &["report", path.to_str().expect("UTF-8")]);
    assert_eq!(output.status.code(), HARNESS_FAILURE);
    assert!(
        stderr(&output).contains("gauntlet run"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn without_a_stack_the_commands_that_need_one_say_how_to_get_one() {
    let home = tempdir().expect("a folder");
    let status = run_in(home.path(), &["status"]);
    assert!(
        stdout(&status).contains("gauntlet up"),
        "{}",
        stdout(&status)
    );
    let logs = run_in(home.path(), &["logs", "kafka"]);
    assert_eq!(logs.status.code(), HARNESS_FAILURE);
    assert!(stderr(&logs).contains("gauntlet up"), "{}", stderr(&logs));
    let down = run_in(home.path(), &["down"]);
    assert!(down.status.success());
}

#[test]
fn every_command_has_help() {
    let home = tempdir().expect("a folder");
    let commands = [
        "run",
        "list",
        "up",
        "status",
        "logs",
        "down",
        "fetch",
        "report",
        "completions",
    ];
    for command in commands {
        let output = run_in(home.path(), &[command, "--help"]);
        assert!(output.status.success(), "{command} --help");
        assert!(stdout(&output).contains("Usage:"), "{command} --help");
    }
}

#[test]
fn the_list_says_what_each_scenario_does_not_show() {
    let home = tempdir().expect("a folder");
    let output = run_in(home.path(), &["list", "--json"]);
    let listed: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let scenarios = listed.as_array().expect("a list");
    assert!(!scenarios.is_empty());
    for scenario in scenarios {
        assert!(!scenario["not_shown"].as_array().expect("a list").is_empty());
    }
}

#[test]
fn completions_are_a_script_for_the_shell() {
    let home = tempdir().expect("a folder");
    let output = run_in(home.path(), &["completions", "bash"]);
    assert!(stdout(&output).contains("_gauntlet"), "{}", stdout(&output));
}
