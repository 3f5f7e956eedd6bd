//! `gauntlet logs`, on the log of a service that nobody runs.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Duration;

use serde_json::json;
use tempfile::tempdir;

use crate::gauntlet::command;
use crate::processes::{await_that, lives};
use crate::stand_in::StandIn;

/// Generous, because the machine may be compiling beside the tests.
const SOON: Duration = Duration::from_secs(30);

/// A stack that is up, with one service that has logged two lines.
fn with_log(home: &Path) -> (StandIn, PathBuf) {
    let log = home.join("kafka.log");
    fs::write(&log, "first\nsecond\n").expect("a log");
    let services = json!([{
        "id": "kafka", "pid": null, "endpoints": [], "log": log, "health": { "health": "healthy" }
    }]);
    (StandIn::up(home, "up-1", &services), log)
}

fn follow(home: &Path) -> Child {
    command(&["logs", "kafka", "--follow"])
        .env("GAUNTLET_HOME", home)
        .stdout(Stdio::piped())
        .spawn()
        .expect("gauntlet can be executed")
}

#[test]
fn following_ends_with_its_reader_though_the_log_is_silent() {
    let home = tempdir().expect("a folder");
    let (_holder, _log) = with_log(home.path());
    let mut following = follow(home.path());
    let mut lines = BufReader::new(following.stdout.take().expect("piped")).lines();
    assert_eq!(lines.next().expect("a line").expect("UTF-8"), "first");
    drop(lines);
    let pid = following.id();
    await_that("the end of `logs --follow`", SOON, || !lives(pid));
    assert_eq!(following.wait().expect("it ends").code(), Some(0));
}

#[test]
fn following_shows_what_is_added_and_ends_with_the_log() {
    let home = tempdir().expect("a folder");
    let (_holder, log) = with_log(home.path());
    let mut following = follow(home.path());
    let mut lines = BufReader::new(following.stdout.take().expect("piped")).lines();
    let mut next = || lines.next().map(|line| line.expect("UTF-8"));
    assert_eq!(next().as_deref(), Some("first"));
    assert_eq!(next().as_deref(), Some("second"));
    fs::write(&log, "first\nsecond\nthird\n").expect("a log");
    assert_eq!(next().as_deref(), Some("third"));
    fs::remove_file(&log).expect("a log");
    assert_eq!(next(), None);
    assert_eq!(following.wait().expect("it ends").code(), Some(0));
}
