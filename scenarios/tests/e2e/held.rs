//! Stacks that are up, starting or dead, as `up`, `status` and `down` deal with them. No component is
//! started: a stand-in holds the stack, or a start gets no further than a build that never ends.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::{TempDir, tempdir};

use crate::gauntlet::{command, run_in, stderr, stdout};

const PASS: Option<i32> = Some(0);
const FAIL: Option<i32> = Some(1);
const OPEN: Option<i32> = Some(2);
const HARNESS_FAILURE: Option<i32> = Some(3);
/// The promise to users.
const GONE_WITHIN: Duration = Duration::from_secs(2);
/// Generous, because the machine may be compiling beside the tests.
const SOON: Duration = Duration::from_secs(30);

fn await_that(what: &str, within: Duration, holds: impl Fn() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < within, "waited in vain for: {what}");
        thread::yield_now();
    }
}

/// Whether it runs; a zombie is dead and waits for its parent to look.
fn lives(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat
        .rsplit(") ")
        .next()
        .and_then(|rest| rest.chars().next());
    !matches!(state, None | Some('Z' | 'X'))
}

fn folder_of(home: &Path, id: &str) -> PathBuf {
    home.join("state/stacks").join(id)
}

/// The folders of stacks, dead or alive.
fn folders(home: &Path) -> Vec<String> {
    let entries = fs::read_dir(home.join("state/stacks"))
        .into_iter()
        .flatten();
    let folders = entries.flatten().filter(|entry| entry.path().is_dir());
    let mut names: Vec<_> = folders
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

fn status_json(home: &Path) -> (Option<i32>, Value) {
    let output = run_in(home, &["status", "--json"]);
    let stacks = serde_json::from_slice(&output.stdout).expect("JSON");
    (output.status.code(), stacks)
}

/// A process that owns a stack's folder as a holder does, and knows nothing else of it.
struct StandIn {
    process: Child,
}

impl StandIn {
    fn hold(home: &Path, id: &str, phase: &Value) -> Self {
        let folder = folder_of(home, id);
        fs::create_dir_all(&folder).expect("a folder");
        let lock = File::create(folder.join("lock")).expect("a lock");
        lock.lock().expect("locked");
        let process = std::process::Command::new("sleep")
            .arg("1000")
            .stdin(lock)
            .spawn()
            .expect("sleep");
        let record = json!({ "kind": "light", "holder_pid": process.id(), "phase": phase });
        fs::write(folder.join("stack.json"), record.to_string()).expect("a record");
        Self { process }
    }

    fn up(home: &Path, id: &str) -> Self {
        let phase = json!({ "state": "up", "token": "t", "stack": description(id) });
        Self::hold(home, id, &phase)
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        // Of a test that failed; harmless otherwise.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn description(id: &str) -> Value {
    json!({ "run_id": id, "kind": "light", "services": [], "lanes": [] })
}

/// Answers one question as a holder does.
fn answer_once(home: &Path, id: &str) {
    let socket = folder_of(home, id).join("control.sock");
    let listener = UnixListener::bind(socket).expect("a socket");
    let answer = description(id).to_string();
    thread::spawn(move || {
        let (mut asker, _) = listener.accept().expect("a question");
        asker.write_all(answer.as_bytes()).expect("answered");
    });
}

/// A home in which `up` gets as far as building the system, which goes on for ever.
struct EndlessStart {
    home: TempDir,
}

impl EndlessStart {
    fn new() -> Self {
        let home = tempdir().expect("a folder");
        let bin = home.path().join("bin");
        fs::create_dir(&bin).expect("bin");
        let pids = home.path().join("pids");
        let script = format!(
            "#!/bin/sh\nPATH=/usr/bin:/bin\nsetsid sleep 1000 & echo $! >> {pids}\n\
             echo $$ >> {pids}\nwait\n",
            pids = pids.display()
        );
        let cargo = bin.join("cargo");
        fs::write(&cargo, &script).expect("a tool");
        fs::set_permissions(&cargo, fs::Permissions::from_mode(0o755)).expect("mode");
        Self { home }
    }

    fn path(&self) -> &Path {
        self.home.path()
    }

    /// Runs `up` until it builds; answers the command and the build's processes.
    fn begin(&self) -> (Child, Vec<u32>) {
        let up = command(&["up", "--stack", "light"])
            .env("GAUNTLET_HOME", self.path())
            .env("PATH", self.path().join("bin"))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("gauntlet can be executed");
        await_that("the build", SOON, || self.pids().len() == 2);
        (up, self.pids())
    }

    fn pids(&self) -> Vec<u32> {
        let text = fs::read_to_string(self.path().join("pids")).unwrap_or_default();
        text.lines().filter_map(|line| line.parse().ok()).collect()
    }

    fn holder_pid(&self) -> u32 {
        let [id] = folders(self.path()).try_into().expect("one stack");
        let text = fs::read(folder_of(self.path(), &id).join("stack.json")).expect("a record");
        let record: Value = serde_json::from_slice(&text).expect("JSON");
        let pid = record["holder_pid"].as_u64().expect("a process id");
        u32::try_from(pid).expect("a process id")
    }
}

fn await_death(pids: &[u32]) {
    await_that("the end of what was started", GONE_WITHIN, || {
        !pids.iter().any(|pid| lives(*pid))
    });
}

fn end_of(up: Child) -> Output {
    up.wait_with_output().expect("it ends")
}

#[test]
fn a_dead_start_is_cleaned_up_by_whatever_command_comes_next() {
    for next in [&["status"][..], &["down"], &["up", "--stack", "light"]] {
        let home = tempdir().expect("a folder");
        let lockless = folder_of(home.path(), "up-1");
        let unlocked = folder_of(home.path(), "up-2");
        fs::create_dir_all(&lockless).expect("a folder");
        fs::create_dir_all(&unlocked).expect("a folder");
        File::create(unlocked.join("lock")).expect("a lock");
        let output = command(next)
            .env("GAUNTLET_HOME", home.path())
            // So that `up` finds nothing to start.
            .env("PATH", "")
            .output()
            .expect("gauntlet can be executed");
        assert_eq!(
            folders(home.path()),
            [""; 0],
            "{next:?}: {}",
            stderr(&output)
        );
    }
}

#[test]
fn a_holder_that_does_not_answer_is_named_beside_those_that_do() {
    let home = tempdir().expect("a folder");
    let _deaf = StandIn::up(home.path(), "up-1");
    let _hearing = StandIn::up(home.path(), "up-2");
    answer_once(home.path(), "up-2");
    let output = run_in(home.path(), &["status"]);
    let said = stdout(&output);
    assert_eq!(output.status.code(), FAIL, "{said}");
    assert!(said.contains("stack up-1: its holder"), "{said}");
    assert!(said.contains("does not answer"), "{said}");
    assert!(said.contains("`gauntlet down up-1`"), "{said}");
    assert!(said.contains("stack up-2 (light)"), "{said}");

    fs::remove_file(folder_of(home.path(), "up-2").join("control.sock")).expect("a socket");
    answer_once(home.path(), "up-2");
    let (code, stacks) = status_json(home.path());
    assert_eq!(code, FAIL, "{stacks:#}");
    assert_eq!(stacks[0]["state"], "unanswering");
    assert_eq!(stacks[0]["run_id"], "up-1");
    assert_eq!(stacks[1]["state"], "up");
    assert_eq!(stacks[1]["run_id"], "up-2");
    assert!(stacks[1]["services"].is_array(), "{stacks:#}");
}

#[test]
fn down_ends_the_one_that_is_named_even_if_it_is_paused() {
    let home = tempdir().expect("a folder");
    let mut paused = StandIn::up(home.path(), "up-1");
    let other = StandIn::up(home.path(), "up-2");
    let pid = paused.process.id().to_string();
    let stopped = std::process::Command::new("kill")
        .args(["-STOP", &pid])
        .status();
    assert!(stopped.expect("kill").success());
    // Whoever starts a holder is there to wait for it, or has left that to init.
    let reaper = thread::spawn(move || paused.process.wait());
    let down = run_in(home.path(), &["down", "up-1"]);
    assert_eq!(down.status.code(), PASS, "{}", stderr(&down));
    reaper.join().expect("waited").expect("ended");
    assert_eq!(folders(home.path()), ["up-2"]);
    assert!(lives(other.process.id()));
}

#[test]
fn a_starting_stack_is_listed_and_taken_down_with_all_that_it_runs() {
    let start = EndlessStart::new();
    let (up, tools) = start.begin();
    let (code, stacks) = status_json(start.path());
    assert_eq!(code, OPEN, "{stacks:#}");
    assert_eq!(stacks[0]["state"], "starting");
    assert_eq!(stacks[0]["kind"], "light");
    let status = run_in(start.path(), &["status"]);
    assert!(
        stdout(&status).contains("is starting"),
        "{}",
        stdout(&status)
    );

    let down = run_in(start.path(), &["down"]);
    assert_eq!(down.status.code(), PASS, "{}", stderr(&down));
    assert_eq!(folders(start.path()), [""; 0]);
    await_death(&tools);
    let up = end_of(up);
    assert_eq!(up.status.code(), HARNESS_FAILURE);
    assert!(stderr(&up).contains("told to stop"), "{}", stderr(&up));
}

#[test]
fn a_start_whose_command_is_killed_ends_and_leaves_nothing() {
    let start = EndlessStart::new();
    let (mut up, mut processes) = start.begin();
    processes.push(start.holder_pid());
    up.kill().expect("SIGKILL");
    up.wait().expect("it ends");
    await_death(&processes);
    let (code, stacks) = status_json(start.path());
    assert_eq!((code, stacks), (PASS, json!([])));
    assert_eq!(folders(start.path()), [""; 0]);
}

#[test]
fn a_holder_that_is_killed_takes_its_tools_along_and_up_cleans_up() {
    let start = EndlessStart::new();
    let (up, tools) = start.begin();
    let killed = std::process::Command::new("kill")
        .args(["-KILL", &start.holder_pid().to_string()])
        .status();
    assert!(killed.expect("kill").success());
    await_death(&tools);
    let up = end_of(up);
    assert_eq!(up.status.code(), HARNESS_FAILURE);
    assert!(stderr(&up).contains("its holder ended"), "{}", stderr(&up));
    assert_eq!(folders(start.path()), [""; 0]);
}

#[test]
fn a_holder_whose_starter_is_gone_starts_nothing() {
    let home = tempdir().expect("a folder");
    let stranger = "1";
    let hold = [
        "hold",
        "--id",
        "up-1",
        "--stack",
        "light",
        "--starter",
        stranger,
    ];
    let output = run_in(home.path(), &hold);
    assert_eq!(output.status.code(), HARNESS_FAILURE);
    assert!(stderr(&output).contains("is gone"), "{}", stderr(&output));
}
