//! Runs in containers, as the command line starts and ends them. They need an engine that answers and has
//! an image of each component; without one they fail with the engine's own words.

use std::collections::BTreeSet;
use std::fs;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::tempdir;

use crate::engine::{Stranger, Thing, everything, left_by, of_run, present, volumes_of};
use crate::evidence::{fresh_evidence, providers, read_report};
use crate::family::{command_line, descendants};
use crate::gauntlet::{PROVIDER, as_is, command, stderr, stdout};
use crate::held_stack::HeldStack;
use crate::machine::{alone, beside_others};
use crate::under_load::UnderLoad;

/// The promise to users, of a harness that was killed.
const GONE_WITHIN: Duration = Duration::from_secs(10);
/// Three services, each with a sidecar, and Kafka, Postgres, Redis, scheduler and placement.
const OF_A_FULL_STACK: usize = 11;

/// What is in the engine of a run under load, by which its end is measured.
struct Seen {
    run: String,
    before: BTreeSet<Thing>,
    volumes: BTreeSet<String>,
}

impl Seen {
    /// There is a whole stack, or nothing could be left behind.
    fn under_load(run: &UnderLoad, before: BTreeSet<Thing>) -> Self {
        let id = run.id();
        let things = of_run(&id);
        assert!(things.len() > OF_A_FULL_STACK, "{things:#?}");
        Self {
            volumes: volumes_of(&id),
            run: id,
            before,
        }
    }

    fn left(&self) -> Vec<Thing> {
        let mut left = left_by(&self.run, &self.before);
        left.extend(present(&self.volumes));
        left
    }

    /// Each look asks the engine, which takes it a moment.
    fn await_nothing_left(&self) {
        let began = Instant::now();
        loop {
            let left = self.left();
            if left.is_empty() {
                return;
            }
            let waited = began.elapsed();
            assert!(waited < GONE_WITHIN, "left after {waited:?}: {left:#?}");
        }
    }
}

#[test]
fn sigkill_under_load_leaves_the_engine_as_it_was() {
    let _alone = alone();
    let state = tempdir().expect("a folder");
    let before = everything();
    let stranger = Stranger::new("somebody-else");
    let mut run = UnderLoad::begin("containers-killed", "containers", state.path());
    let seen = Seen::under_load(&run, before);
    run.kill();
    seen.await_nothing_left();
    assert!(stranger.is_there());
}

#[test]
fn an_interrupt_under_load_removes_everything_and_says_so() {
    let _alone = alone();
    let state = tempdir().expect("a folder");
    let before = everything();
    let mut run = UnderLoad::begin("containers-interrupted", "containers", state.path());
    let seen = Seen::under_load(&run, before);
    let code = run.interrupt();
    assert_eq!(seen.left(), []);
    assert_eq!(code, Some(3));
    let report = read_report(&run.folder);
    assert_eq!(report["run"]["broken"], "interrupted");
    assert_eq!(providers(&report), ["containers"]);
    let scenario = &report["scenarios"][0];
    assert_eq!(scenario["outcome"]["state"], "aborted", "{scenario:#}");
}

/// Nobody is there to remove anything until somebody starts the next run.
#[test]
fn what_a_killed_run_and_its_killed_reaper_left_goes_at_the_next_start() {
    let _alone = alone();
    let state = tempdir().expect("a folder");
    let before = everything();
    let mut killed = UnderLoad::begin("containers-unreaped", "containers", state.path());
    let seen = Seen::under_load(&killed, before);
    let harness = killed.harness.id();
    let is_reaper = |pid: &u32| command_line(*pid).contains("reap-containers");
    let reapers: Vec<u32> = descendants(harness).into_iter().filter(is_reaper).collect();
    assert!(!reapers.is_empty());
    for reaper in reapers {
        let pid = i32::try_from(reaper).expect("a process id");
        kill(Pid::from_raw(pid), Signal::SIGKILL).expect("it runs");
    }
    killed.kill();
    let left = seen.left();
    assert!(left.len() > OF_A_FULL_STACK, "{left:#?}");

    let folder = fresh_evidence("containers-after-unreaped");
    let run = ["run", "burst-1000", "--stack", "light", "--reports"];
    let next = as_is(&run)
        .arg(&folder)
        .env_remove(PROVIDER)
        .env("XDG_STATE_HOME", state.path())
        .output()
        .expect("gauntlet can be executed");
    let said = stderr(&next);
    assert_eq!(seen.left(), [], "{said}");
    let told = format!("cleaned up after run {}", seen.run);
    let told = said.lines().find(|line| line.starts_with(&told));
    let told = told.unwrap_or_else(|| panic!("not told: {said}"));
    assert!(
        told.contains(&format!(" {OF_A_FULL_STACK} containers removed")),
        "{told}"
    );

    // And it was not in the way of what came next, which is judged by the clock of a busy machine.
    assert!(matches!(next.status.code(), Some(0 | 2)), "{said}");
    let report = read_report(&folder);
    assert_eq!(providers(&report), ["containers"]);
    let reason = report["run"]["providers"][0]["reason"].as_str();
    let found = "a container engine answers";
    assert!(reason.expect("a reason").starts_with(found), "{reason:?}");
}

#[test]
fn up_leaves_a_stack_that_works_and_down_leaves_nothing() {
    let _beside_others = beside_others();
    let before = everything();
    let held = HeldStack::up("containers");
    let stack = held.status();
    let id = stack["run_id"].as_str().expect("an id");
    let services = stack["services"].as_array().expect("services");
    // Each a container, and the network that they are on.
    let things = of_run(id);
    assert!(things.len() > services.len(), "{things:#?}");
    let volumes = volumes_of(id);

    let created = held.curl_line("/api/tasks");
    assert!(created.contains("\"version\":1"), "{created}");

    let logs = stdout(&held.gauntlet(&["logs", "postgres"]));
    assert!(logs.contains("ready to accept connections"), "{logs}");

    held.down();
    assert_eq!(left_by(id, &before), []);
    assert_eq!(present(&volumes), []);
}

#[test]
fn a_run_on_both_puts_them_side_by_side() {
    let _alone = alone();
    let folder = fresh_evidence("both-providers");
    let before = everything();
    let run = ["run", "burst-1000", "--provider", "process,containers"];
    let output = command(&run)
        .arg("--reports")
        .arg(&folder)
        .output()
        .expect("gauntlet can be executed");
    let said = format!("{}\n{}", stderr(&output), stdout(&output));
    // The verdicts are what the scenarios' own tests are about.
    assert!(matches!(output.status.code(), Some(0 | 2)), "{said}");

    let report = read_report(&folder);
    assert_eq!(providers(&report), ["process", "containers"]);
    let scenarios = report["scenarios"].as_array().expect("scenarios");
    let ran: Vec<_> = scenarios.iter().map(|it| &it["provider"]).collect();
    assert_eq!(ran, ["process", "containers"]);
    for scenario in scenarios {
        assert_eq!(scenario["outcome"]["state"], "judged", "{scenario:#}");
        let ledger = scenario["evidence"][0].as_str().expect("a ledger");
        assert!(folder.join("latest").join(ledger).is_file(), "{ledger}");
    }
    let rendered = |name: &str| fs::read_to_string(folder.join("latest").join(name)).expect(name);
    for text in [rendered("report.md"), rendered("report.html")] {
        assert!(text.contains("The providers side by side"), "{text}");
        assert!(text.contains("containers ÷ process"), "{text}");
    }
    let id = report["run"]["id"].as_str().expect("an id");
    assert_eq!(left_by(id, &before), []);
}

#[test]
fn an_image_that_was_named_and_cannot_be_had_is_no_reason_for_processes() {
    let home = tempdir().expect("a folder");
    // Nobody listens there, so that the engine can neither have it nor pull it.
    let image = "localhost:1/none:0";
    let output = as_is(&["run", "burst-1000"])
        .env_remove(PROVIDER)
        .env("GAUNTLET_HOME", home.path())
        .env("GAUNTLET_REDIS_IMAGE", image)
        .output()
        .expect("gauntlet can be executed");
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(3), "{said}");
    let chosen = said.lines().any(|line| line.starts_with("on containers: "));
    assert!(chosen, "{said}");
    assert!(
        said.contains(&format!("failed to pull the image {image}")),
        "{said}"
    );
    assert!(said.contains("set GAUNTLET_REDIS_IMAGE"), "{said}");
}
