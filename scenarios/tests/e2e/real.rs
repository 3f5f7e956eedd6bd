//! What runs on real components and is about processes, or about no scenario in particular.

use std::collections::BTreeSet;
use std::fs;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::tempdir;

use crate::evidence::{fresh_evidence, read_report};
use crate::family::{command_line, descendants, living};
use crate::gauntlet::{command, stderr, stdout};
use crate::held_stack::HeldStack;
use crate::machine::{alone, beside_others};
use crate::under_load::UnderLoad;

/// What was started dies with its parent, by a signal of the kernel.
const DEAD_WITHIN: Duration = Duration::from_secs(2);

/// Half of what `consumer-crash` offers: a run of which less was acknowledged shows little.
const OFFERED_AT_LEAST: u64 = 1_000;

#[test]
fn the_light_stack_runs_what_it_can_and_names_what_is_missing() {
    let _alone = alone();
    let folder = fresh_evidence("light");
    let run = ["run", "--stack", "light", "--provider", "process"];
    let output = command(&run)
        .arg("--reports")
        .arg(&folder)
        .output()
        .expect("gauntlet can be executed");
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    let report = read_report(&folder);
    let state = |id: &str| {
        let scenarios = report["scenarios"].as_array().expect("scenarios");
        let scenario = scenarios.iter().find(|scenario| scenario["id"] == id);
        scenario.expect(id)["outcome"].clone()
    };
    assert_eq!(state("burst-1000")["state"], "judged");
    assert_eq!(state("consumer-crash")["state"], "judged");
    assert_eq!(state("publish-latency")["needs"], "daprd");
    assert_eq!(state("sidecar-memory")["needs"], "daprd");
    assert_eq!(state("equivalence")["needs"], "daprd");
}

#[test]
fn two_runs_at_once_do_not_disturb_each_other() {
    let _alone = alone();
    // What is read below is what these two wrote.
    let folder = fresh_evidence("two-at-once");
    let run = ["run", "consumer-crash", "--provider", "process", "--quiet"];
    let start = || {
        command(&run)
            .arg("--reports")
            .arg(&folder)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("gauntlet can be executed")
    };
    let both = [start(), start()];
    for run in both {
        let output = run.wait_with_output().expect("it ends");
        let said = format!("{}\n{}", stderr(&output), stdout(&output));
        // Two loads on two cores may well be late, which makes a run inconclusive. What that is not
        // about is looked at below.
        assert!(matches!(output.status.code(), Some(0 | 2)), "{said}");
    }
    let runs: Vec<_> = fs::read_dir(folder.join("runs"))
        .expect("runs")
        .flatten()
        .collect();
    assert_eq!(runs.len(), 2);
    for run in runs {
        let text = fs::read_to_string(run.path().join("report.json")).expect("a report");
        let report: Value = serde_json::from_str(&text).expect("JSON");
        let scenario = &report["scenarios"][0];
        assert_eq!(scenario["outcome"]["state"], "judged", "{report:#}");
        require_undisturbed(scenario);
    }
}

/// Nothing fails, and what does not depend on the generator's punctuality passes.
fn require_undisturbed(scenario: &Value) {
    let findings = scenario["findings"].as_array().expect("findings");
    for finding in findings {
        assert_ne!(finding["asked"]["verdict"], "fail", "{finding:#}");
    }
    let of_check = |check: &str| {
        let of_check: Vec<&Value> = findings
            .iter()
            .filter(|finding| finding["check"] == check)
            .collect();
        assert!(!of_check.is_empty(), "{check} was not judged");
        of_check
    };
    for check in [
        "no-effect-twice",
        "effects-in-order",
        "nothing-invented",
        "content-intact",
        "no-healthy-dead-letter",
    ] {
        for finding in of_check(check) {
            assert_eq!(finding["asked"]["verdict"], "pass", "{finding:#}");
        }
    }
    // A late generator's changes meet tasks that are deleted by then, and what is refused is missing from
    // the plan: inconclusive. Of what was acknowledged, every one has to be there all the same.
    for finding in of_check("nothing-lost") {
        assert_eq!(finding["violations"]["total"], 0, "{finding:#}");
        assert_eq!(finding["examined"], finding["expected"], "{finding:#}");
        assert!(
            finding["examined"].as_u64() >= Some(OFFERED_AT_LEAST),
            "{finding:#}"
        );
    }
}

#[test]
fn sigkill_of_the_harness_leaves_no_child_alive() {
    let _alone = alone();
    let state = tempdir().expect("a folder");
    let mut run = UnderLoad::begin("killed", "process", state.path());
    let family = family(&run);
    run.kill();
    let killed = Instant::now();
    while !living(&family).is_empty() {
        let left: Vec<_> = living(&family).into_iter().map(command_line).collect();
        assert!(killed.elapsed() < DEAD_WITHIN, "still alive: {left:#?}");
        std::thread::yield_now();
    }
}

#[test]
fn an_interrupt_under_load_ends_everything_and_says_so() {
    let _alone = alone();
    let state = tempdir().expect("a folder");
    let mut run = UnderLoad::begin("interrupted-under-load", "process", state.path());
    let family = family(&run);
    let code = run.interrupt();
    assert_eq!(living(&family), BTreeSet::new());
    assert_eq!(code, Some(3));
    assert_eq!(read_report(&run.folder)["run"]["broken"], "interrupted");
    let data = format!("gauntlet-{}", run.id());
    assert_eq!(temporary_files(&data), [""; 0]);
}

/// All processes of the run but the harness itself. There are those that only load brings about.
fn family(run: &UnderLoad) -> BTreeSet<u32> {
    let family = descendants(run.harness.id());
    let lines: Vec<String> = family.iter().copied().map(command_line).collect();
    let count = |what: &str| lines.iter().filter(|line| line.contains(what)).count();
    assert_eq!(count("/daprd "), 3, "{lines:#?}");
    assert!(count("kafka.Kafka") > 0, "{lines:#?}");
    // Sessions of the services, children of a child.
    assert!(count("postgres: ") > 2, "{lines:#?}");
    family
}

/// Names in the folder for temporary files that begin so.
fn temporary_files(prefix: &str) -> Vec<String> {
    let entries = fs::read_dir(std::env::temp_dir()).expect("a folder");
    let names = entries
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned());
    names.filter(|name| name.starts_with(prefix)).collect()
}

#[test]
fn up_leaves_a_stack_that_works_and_down_leaves_nothing() {
    let _beside_others = beside_others();
    let held = HeldStack::up("process");
    let stack = held.status();

    let created = held.curl_line("/api/tasks");
    assert!(created.contains("\"version\":1"), "{created}");

    let logs = stdout(&held.gauntlet(&["logs", "postgres"]));
    assert!(logs.contains("ready to accept connections"), "{logs}");

    let services = stack["services"].as_array().expect("services");
    let pids: BTreeSet<u32> = services
        .iter()
        .filter_map(|service| u32::try_from(service["pid"].as_u64()?).ok())
        .collect();
    assert_eq!(pids.len(), services.len(), "{stack:#}");
    assert_eq!(living(&pids), pids);
    held.down();
    assert_eq!(living(&pids), BTreeSet::new());
}
