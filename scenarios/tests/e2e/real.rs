//! Everything that needs real components. One stack at a time: two cores carry a stack and its load, and
//! two of them at once would measure each other.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Lines};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Output, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use serde_json::Value;
use tempfile::tempdir;

use crate::family::{command_line, descendants, living};
use crate::gauntlet::{command, stderr, stdout};
use crate::processes::{await_that, lives};

static ONE_STACK: Mutex<()> = Mutex::new(());
/// What was started dies with its parent, by a signal of the kernel.
const DEAD_WITHIN: Duration = Duration::from_secs(2);
/// The system drains, the components stop in good order, and what was recorded is judged.
const ENDED_WITHIN: Duration = Duration::from_mins(1);

/// Half of what `consumer-crash` offers: a run of which less was acknowledged shows little.
const OFFERED_AT_LEAST: u64 = 1_000;

pub(crate) fn alone() -> MutexGuard<'static, ()> {
    ONE_STACK.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Evidence of each test stays for a look afterwards.
pub(crate) fn evidence(test: &str) -> PathBuf {
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
    // What took how long is told on the terminal and in the summary for people.
    assert!(said.contains("services ready; slowest: kafka "), "{said}");
    let summary = fs::read_to_string(folder.join("latest/report.md")).expect("a summary");
    assert!(summary.contains("| kafka: ready | "), "{summary}");
    for finding in findings {
        assert_eq!(finding["asked"]["verdict"], "pass", "{finding:#}");
    }
}

pub(crate) fn read_report(folder: &Path) -> Value {
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
    // What is read below is what these two wrote.
    let _ = fs::remove_dir_all(&folder);
    let start = || {
        command(&["run", "consumer-crash", "--quiet", "--reports"])
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
    let mut run = UnderLoad::begin("killed");
    let family = run.family();
    run.harness.kill().expect("SIGKILL");
    run.harness.wait().expect("it ends");
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
    let mut run = UnderLoad::begin("interrupted-under-load");
    let family = run.family();
    // A terminal's Ctrl-C goes to the whole foreground group.
    let group = i32::try_from(run.harness.id()).expect("a process id");
    killpg(Pid::from_raw(group), Signal::SIGINT).expect("SIGINT");
    let harness = run.harness.id();
    await_that("the end of the run", ENDED_WITHIN, || !lives(harness));
    let code = run.harness.wait().expect("it ends").code();
    assert_eq!(living(&family), BTreeSet::new());
    assert_eq!(code, Some(3));
    let reports = fs::read_dir(run.folder.join("runs")).expect("runs");
    for report in reports.flatten() {
        let data = format!("gauntlet-{}", report.file_name().to_string_lossy());
        assert_eq!(temporary_files(&data), [""; 0]);
    }
}

/// A run of the full stack in the midst of its load.
struct UnderLoad {
    harness: Child,
    folder: PathBuf,
    /// Open, so that the harness can go on printing.
    _stderr: Lines<BufReader<ChildStderr>>,
}

impl UnderLoad {
    fn begin(test: &str) -> Self {
        let folder = evidence(test);
        let _ = fs::remove_dir_all(&folder);
        let mut harness = command(&["run", "sidecar-memory", "--reports"])
            .arg(&folder)
            .process_group(0)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("gauntlet can be executed");
        let mut lines = BufReader::new(harness.stderr.take().expect("piped")).lines();
        let mut said = String::new();
        // How far the load is, which is told while there is one.
        while !said.contains(" offered, ") {
            let line = lines.next().unwrap_or_else(|| panic!("no load:\n{said}"));
            said.push_str(&line.expect("UTF-8"));
            said.push('\n');
        }
        Self {
            harness,
            folder,
            _stderr: lines,
        }
    }

    /// All processes of the run but the harness itself. There are those that only load brings about.
    fn family(&self) -> BTreeSet<u32> {
        let family = descendants(self.harness.id());
        let lines: Vec<String> = family.iter().copied().map(command_line).collect();
        let count = |what: &str| lines.iter().filter(|line| line.contains(what)).count();
        assert_eq!(count("/daprd "), 2, "{lines:#?}");
        assert!(count("kafka.Kafka") > 0, "{lines:#?}");
        // Sessions of the services, children of a child.
        assert!(count("postgres: ") > 2, "{lines:#?}");
        family
    }
}

impl Drop for UnderLoad {
    fn drop(&mut self) {
        // Of a test that failed; harmless otherwise.
        let _ = self.harness.kill();
        let _ = self.harness.wait();
    }
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
