//! Everything that needs real components. One stack at a time: two cores carry a stack and its load, and
//! two of them at once would measure each other.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Output, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::tempdir;

use crate::gauntlet::{command, stderr, stdout};

static ONE_STACK: Mutex<()> = Mutex::new(());
/// What was started dies with its parent, by a signal of the kernel.
const DEAD_WITHIN: Duration = Duration::from_secs(2);
/// From a cold start in the slower build profile.
const READY_WITHIN: Duration = Duration::from_mins(2);

fn alone() -> MutexGuard<'static, ()> {
    ONE_STACK.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Evidence of each test stays for a look afterwards.
fn evidence(test: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(test)
}

/// Runs one scenario by itself. It has to be judged, and to meet what was asked.
fn run_scenario(name: &str) {
    let _alone = alone();
    let folder = evidence(name);
    let output = command(&["run", name, "--reports"])
        .arg(&folder)
        .output()
        .expect("gauntlet can be executed");
    let said = format!("{}\n{}", stderr(&output), stdout(&output));
    assert_eq!(output.status.code(), Some(0), "{said}");
    let report = read_report(&folder);
    let findings = report["scenarios"][0]["findings"]
        .as_array()
        .expect("findings");
    assert!(!findings.is_empty(), "{said}");
    for finding in findings {
        assert_eq!(finding["asked"]["verdict"], "pass", "{finding:#}");
    }
}

fn read_report(folder: &Path) -> Value {
    let text = fs::read_to_string(folder.join("latest/report.json")).expect("a report");
    serde_json::from_str(&text).expect("JSON")
}

#[test]
fn burst_1000() {
    run_scenario("burst-1000");
}

#[test]
fn publish_latency() {
    run_scenario("publish-latency");
}

#[test]
fn sidecar_memory() {
    run_scenario("sidecar-memory");
}

#[test]
fn consumer_crash() {
    run_scenario("consumer-crash");
}

#[test]
fn the_light_stack_runs_what_it_can_and_names_what_is_missing() {
    let _alone = alone();
    let folder = evidence("light");
    let output = command(&["run", "--stack", "light", "--reports"])
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
}

#[test]
fn two_runs_at_once_do_not_disturb_each_other() {
    let _alone = alone();
    let folder = evidence("two-at-once");
    let start = || {
        command(&[
            "run",
            "consumer-crash",
            "--stack",
            "light",
            "--quiet",
            "--reports",
        ])
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
        // Two loads on two cores may well be late; what must not happen is a fail or a failure.
        assert!(matches!(output.status.code(), Some(0 | 2)), "{said}");
    }
    for report in fs::read_dir(folder.join("runs")).expect("runs").flatten() {
        let text = fs::read_to_string(report.path().join("report.json")).expect("a report");
        let report: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(
            report["scenarios"][0]["outcome"]["state"], "judged",
            "{report:#}"
        );
    }
}

#[test]
fn sigkill_of_the_harness_leaves_no_child_alive() {
    let _alone = alone();
    let folder = evidence("killed");
    let _ = fs::remove_dir_all(&folder);
    let mut harness = command(&["run", "sidecar-memory", "--reports"])
        .arg(&folder)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("gauntlet can be executed");
    let family = await_family(&mut harness, "daprd");
    harness.kill().expect("SIGKILL");
    harness.wait().expect("it ends");
    let killed = Instant::now();
    while !living(&family).is_empty() {
        assert!(
            killed.elapsed() < DEAD_WITHIN,
            "still alive: {:?}",
            living(&family)
        );
        std::thread::yield_now();
    }
}

#[test]
fn up_leaves_a_stack_that_works_and_down_leaves_nothing() {
    let _alone = alone();
    let home = tempdir().expect("a folder");
    let gauntlet = |args: &[&str]| -> Output {
        command(args)
            .env("XDG_STATE_HOME", home.path())
            .output()
            .expect("gauntlet can be executed")
    };
    let up = gauntlet(&["up", "--stack", "light"]);
    assert!(up.status.success(), "{}", stderr(&up));
    let status = gauntlet(&["status", "--json"]);
    let stacks: Value = serde_json::from_slice(&status.stdout).expect("JSON");
    let services = stacks[0]["services"].as_array().expect("services").clone();
    assert!(status.status.success(), "{stacks:#}");
    assert!(services.len() >= 4, "{stacks:#}");

    let created = curl_line(&stdout(&up), "/api/tasks");
    assert!(created.contains("\"version\":1"), "{created}");

    let logs = gauntlet(&["logs", "postgres"]);
    assert!(
        stdout(&logs).contains("ready to accept connections"),
        "{}",
        stdout(&logs)
    );

    let pids: BTreeSet<u32> = services
        .iter()
        .filter_map(|service| u32::try_from(service["pid"].as_u64()?).ok())
        .collect();
    assert_eq!(living(&pids), pids);
    let down = gauntlet(&["down"]);
    assert!(down.status.success(), "{}", stderr(&down));
    assert_eq!(living(&pids), BTreeSet::new());
    assert!(stdout(&gauntlet(&["status"])).contains("no stack is up"));
}

/// Carries out the curl line that `up` printed, as a person would paste it.
fn curl_line(printed: &str, path: &str) -> String {
    let start = printed
        .lines()
        .position(|line| line.contains("curl") && line.contains(path))
        .expect("a curl line");
    let line: Vec<&str> = printed.lines().skip(start).take(2).collect();
    let output = std::process::Command::new("sh")
        .args(["-c", &line.join("\n")])
        .output()
        .expect("a shell");
    stdout(&output)
}

/// Waits until the harness has a child whose command line names `program`; answers all children.
fn await_family(harness: &mut Child, program: &str) -> BTreeSet<u32> {
    let started = Instant::now();
    loop {
        let children = children_of(harness.id());
        let named = |pid: &u32| {
            let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            String::from_utf8_lossy(&line).contains(program)
        };
        if children.iter().any(named) {
            return children;
        }
        assert!(started.elapsed() < READY_WITHIN, "{program} did not start");
        assert!(
            harness.try_wait().expect("a child").is_none(),
            "the harness ended"
        );
        std::thread::yield_now();
    }
}

fn children_of(parent: u32) -> BTreeSet<u32> {
    processes()
        .filter(|pid| stat(*pid).is_some_and(|(ppid, _)| ppid == parent))
        .collect()
}

/// Those of the processes that run; a zombie is dead and waits for its parent to look.
fn living(pids: &BTreeSet<u32>) -> BTreeSet<u32> {
    let runs = |pid: &&u32| stat(**pid).is_some_and(|(_, state)| state != 'Z' && state != 'X');
    pids.iter().filter(runs).copied().collect()
}

fn processes() -> impl Iterator<Item = u32> {
    let entries = fs::read_dir("/proc").expect("/proc").flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// Parent and state of a process, by the fields behind its parenthesised name.
fn stat(pid: u32) -> Option<(u32, char)> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut fields = text[text.rfind(')')? + 1..].split_whitespace();
    let state = fields.next()?.chars().next()?;
    Some((fields.next()?.parse().ok()?, state))
}
