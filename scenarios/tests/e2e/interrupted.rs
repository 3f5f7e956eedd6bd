//! A run that the user ends in the middle of a load. It has no verdict, and must not make one up: what
//! the load had offered until then is known, or nothing is judged.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::tempdir;

use crate::evidence::{fresh_evidence, read_report};
use crate::family::{command_line, descendants};
use crate::gauntlet::{command, stderr, stdout};
use crate::machine::{alone, beside_others};
use crate::processes::await_that;

/// The load's thread sleeps before each send and gives way for each answer: after so many times it has
/// offered some, and the shortest load has more to come.
const AT_WORK: u64 = 40;
/// The system is built, and a stack starts.
const BEGUN_WITHIN: Duration = Duration::from_mins(5);

#[test]
fn an_interrupt_in_the_middle_of_a_load_invents_nothing_and_ends_with_the_harness_s_code() {
    let _alone = alone();
    let folder = fresh_evidence("interrupted");
    let run = &["run", "consumer-crash", "burst-1000", "--stack", "light"];
    let run = in_mid_load(command(run).arg("--reports").arg(&folder));
    send(run.id(), Signal::SIGINT);
    let output = run.wait_with_output().expect("it ends");
    let said = format!("{}\n{}", stderr(&output), stdout(&output));
    assert_eq!(output.status.code(), Some(3), "{said}");

    let report = read_report(&folder);
    assert_eq!(report["run"]["broken"], "interrupted", "{said}");
    let scenarios = report["scenarios"].as_array().expect("scenarios");
    assert_eq!(scenarios.len(), 2, "{said}");
    for scenario in scenarios {
        assert_eq!(scenario["outcome"]["state"], "aborted", "{scenario:#}");
        for finding in scenario["findings"].as_array().expect("findings") {
            assert_ne!(finding["asked"]["verdict"], "fail", "{finding:#}");
            assert_ne!(finding["ours"]["verdict"], "fail", "{finding:#}");
        }
    }
    // Judged, and that on what the load had offered: not merely left alone.
    let invented = finding(&scenarios[0]["findings"], "nothing-invented");
    assert_eq!(invented["asked"]["verdict"], "pass", "{said}");
    assert!(invented["examined"].as_u64() > Some(0), "{invented:#}");
    // The evidence is where the report says, seen from the report's own folder.
    let ledger = scenarios[0]["evidence"][0].as_str().expect("a ledger");
    assert!(folder.join("latest").join(ledger).is_file(), "{ledger}");
}

#[test]
fn a_service_that_dies_in_the_middle_of_a_load_aborts_the_scenario_and_is_named() {
    let _beside_others = beside_others();
    let folder = fresh_evidence("service-dies");
    let run = &["run", "consumer-crash", "--stack", "light"];
    let mut run = command(run);
    let run = in_mid_load(
        run.args(["--provider", "process", "--reports"])
            .arg(&folder),
    );
    let redis = descendants(run.id())
        .into_iter()
        .find(|pid| command_line(*pid).contains("redis-server"));
    send(redis.expect("the broker"), Signal::SIGKILL);
    let output = run.wait_with_output().expect("it ends");
    let said = format!("{}\n{}", stderr(&output), stdout(&output));
    assert_eq!(output.status.code(), Some(2), "{said}");

    let scenario = &read_report(&folder)["scenarios"][0];
    assert_eq!(scenario["outcome"]["state"], "aborted", "{scenario:#}");
    let reason = scenario["outcome"]["reason"].as_str().expect("a reason");
    assert!(
        reason.contains("redis ended unasked (killed by SIGKILL)"),
        "{reason}"
    );
}

/// The run's entry in the registry is planted so that it cannot be removed.
#[test]
fn a_clean_up_that_fails_costs_neither_the_verdict_nor_the_evidence() {
    let _alone = alone();
    let (folder, home) = (fresh_evidence("clean-up"), tempdir().expect("a folder"));
    let run = &["run", "burst-1000", "--stack", "light", "--reports"];
    let mut run = command(run);
    let run = in_mid_load(run.arg(&folder).env("XDG_STATE_HOME", home.path()));
    let entries = fs::read_dir(home.path().join("gauntlet/runs")).expect("the registry");
    let entry = entries.flatten().next().expect("the run").path();
    fs::rename(&entry, home.path().join("away")).expect("moved");
    fs::write(&entry, "in the way").expect("written");
    let output = run.wait_with_output().expect("it ends");
    let said = format!("{}\n{}", stderr(&output), stdout(&output));
    assert_eq!(output.status.code(), Some(3), "{said}");

    let report = read_report(&folder);
    let broken = report["run"]["broken"].as_str().expect("a reason");
    assert!(broken.contains("registry"), "{broken}");
    let scenario = &report["scenarios"][0];
    assert_eq!(scenario["outcome"]["state"], "judged", "{scenario:#}");
    let lost = finding(&scenario["findings"], "nothing-lost");
    assert_eq!(lost["asked"]["verdict"], "pass", "{lost:#}");
    let ledger = scenario["evidence"][0].as_str().expect("a ledger");
    assert!(folder.join("latest").join(ledger).is_file(), "{ledger}");
}

/// Starts a run and waits until it offers a load.
fn in_mid_load(run: &mut Command) -> Child {
    let run = run
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("gauntlet can be executed");
    await_that("a load", BEGUN_WITHIN, || is_offering(run.id()));
    run
}

fn send(pid: u32, signal: Signal) {
    let pid = i32::try_from(pid).expect("a process id");
    kill(Pid::from_raw(pid), signal).expect("it runs");
}

fn finding<'a>(findings: &'a serde_json::Value, check: &str) -> &'a serde_json::Value {
    let findings = findings.as_array().expect("findings");
    let found = findings.iter().find(|finding| finding["check"] == check);
    found.expect(check)
}

fn is_offering(pid: u32) -> bool {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).into_iter();
    let mut threads = threads.flatten().flatten();
    threads.any(|thread| rests_of_load(&thread.path()).is_some_and(|rests| rests >= AT_WORK))
}

/// How often the thread gave up the processor by itself, if it is the one that offers a load.
fn rests_of_load(thread: &Path) -> Option<u64> {
    let name = fs::read_to_string(thread.join("comm")).ok()?;
    if name.trim() != "loadgen" {
        return None;
    }
    let status = fs::read_to_string(thread.join("status")).ok()?;
    let rests = status
        .lines()
        .find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"))?;
    rests.trim().parse().ok()
}
