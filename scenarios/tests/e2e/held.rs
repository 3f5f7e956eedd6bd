//! Stacks that are up, starting or dead, as `up`, `status` and `down` deal with them. No component is
//! started: a stand-in holds the stack, or a start gets no further than a fetch that never ends.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Output, Stdio};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::{TempDir, tempdir};

use crate::gauntlet::{command, run_in, stderr, stdout, tool};
use crate::processes::{await_that, lives};
use crate::stand_in::{StandIn, answer_once, folder_of};

const PASS: Option<i32> = Some(0);
const FAIL: Option<i32> = Some(1);
const OPEN: Option<i32> = Some(2);
const HARNESS_FAILURE: Option<i32> = Some(3);
/// The promise to users.
const GONE_WITHIN: Duration = Duration::from_secs(2);
/// Generous, because the machine may be compiling beside the tests.
const SOON: Duration = Duration::from_secs(30);

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

/// A home in which `up` gets as far as fetching the first component, which goes on for ever.
struct EndlessStart {
    home: TempDir,
}

impl EndlessStart {
    fn new() -> Self {
        let home = tempdir().expect("a folder");
        let pids = home.path().join("pids");
        let script = format!(
            "PATH=/usr/bin:/bin\nsetsid sleep 1000 & echo $! >> {pids}\n\
             echo $$ >> {pids}\nwait\n",
            pids = pids.display()
        );
        let bin = home.path().join("bin");
        tool(&bin, "pip3", &script);
        // Asked for before anything is fetched, and not run.
        tool(&bin, "mvn", "exit 1");
        Self { home }
    }

    fn path(&self) -> &Path {
        self.home.path()
    }

    /// Runs `up` until it fetches; answers the command and the fetch's processes.
    fn begin(&self) -> (Child, Vec<u32>) {
        let up = command(&["up", "--stack", "light"])
            .env("GAUNTLET_HOME", self.path())
            .env("PATH", self.path().join("bin"))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("gauntlet can be executed");
        await_that("the fetch", SOON, || self.pids().len() == 2);
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

/// The folder that a command's words name as that of the logs.
fn named_logs(said: &str) -> PathBuf {
    let named = said
        .lines()
        .find_map(|line| line.split("its logs: ").nth(1));
    PathBuf::from(named.unwrap_or_else(|| panic!("no logs are named: {said}")))
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
    let _deaf = StandIn::up(home.path(), "up-1", &json!([]));
    let _hearing = StandIn::up(home.path(), "up-2", &json!([]));
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
    let mut paused = StandIn::up(home.path(), "up-1", &json!([]));
    let other = StandIn::up(home.path(), "up-2", &json!([]));
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
    let logs = named_logs(&stderr(&up));
    assert!(logs.join("holder.log").is_file(), "{}", stderr(&up));
}

#[test]
fn a_dead_holders_logs_stay_where_the_clean_up_says() {
    for next in [&["status"][..], &["down"], &["logs", "kafka"]] {
        let home = tempdir().expect("a folder");
        let holder = StandIn::up(home.path(), "up-1", &json!([]));
        let folder = folder_of(home.path(), "up-1");
        fs::create_dir(folder.join("logs")).expect("a folder");
        for log in ["holder.log", "logs/kafka.log"] {
            fs::write(folder.join(log), "why it died").expect("a log");
        }
        holder.die();
        let output = run_in(home.path(), next);
        let logs = named_logs(&stderr(&output));
        let kept = fs::read_to_string(logs.join("logs/kafka.log")).expect("a log");
        assert_eq!(kept, "why it died", "{next:?}");
        assert_eq!(folders(home.path()), [""; 0], "{next:?}");
    }
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
