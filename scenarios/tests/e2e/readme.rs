//! The README's lines for the task system do what it says, word for word.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use serde_json::Value;

use crate::gauntlet::{stderr, stdout, tool};
use crate::held_stack::HeldStack;
use crate::machine::beside_others;
use crate::processes::await_that;

/// Two hops through the broker and a question between services; the machine may be busy.
const NEXT_INSTANCE_WITHIN: Duration = Duration::from_secs(30);

/// The shell lines under a heading.
fn lines_under(heading: &str) -> String {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
    let readme = fs::read_to_string(readme).expect("the README");
    let section = readme.split(heading).nth(1).expect("the section");
    let block = section.split("```sh\n").nth(1).expect("its lines");
    block.split("```").next().expect("their end").to_owned()
}

/// Runs a script as a person in a checkout would whose `cargo gauntlet` is the program under test.
fn shell(held: &HeldStack, script: &str) -> Output {
    let bin = held.home().join("bin");
    let gauntlet = env!("CARGO_BIN_EXE_gauntlet");
    tool(&bin, "cargo", &format!("shift\nexec {gauntlet} \"$@\"\n"));
    let path = std::env::var("PATH").expect("a PATH");
    Command::new("bash")
        .args(["-euo", "pipefail", "-c", script])
        .env("PATH", format!("{}:{path}", bin.display()))
        .env("XDG_STATE_HOME", held.home())
        .output()
        .expect("bash can be executed")
}

#[test]
fn the_readmes_lines_for_the_task_system_work() {
    let _beside_others = beside_others();
    let held = HeldStack::up("process");
    let lines = lines_under("### The task system");
    let first = shell(&held, &lines);
    assert!(
        first.status.success(),
        "{}\n{}",
        stdout(&first),
        stderr(&first)
    );

    // The series goes on by itself.
    let ask = "TASK=$(call \"$API/api/tasks/search?q=plants&sort=created_at&order=asc\" | id)\n\
               call \"$API/api/tasks/$TASK/instances\"";
    let preamble: String = lines
        .lines()
        .take_while(|line| !line.starts_with("# A tag"))
        .map(|line| format!("{line}\n"))
        .collect();
    await_that("the next instance", NEXT_INSTANCE_WITHIN, || {
        let answer = shell(&held, &format!("{preamble}{ask}"));
        let page: Value = serde_json::from_slice(&answer.stdout).unwrap_or_default();
        let items = page["items"].as_array().map_or(&[][..], Vec::as_slice);
        items.len() == 2 && items[1]["tags"] == items[0]["tags"]
    });
    held.down();
}
