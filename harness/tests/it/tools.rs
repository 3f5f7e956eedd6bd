//! The tools that a harness runs, such as compilers and package clients, and what they start themselves.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::thread;

use gauntlet_harness::component::system::SystemSource;
use gauntlet_harness::store::{
    Cancel, ComponentId, Manifest, Silent, Store, StoreConfig, StoreErrorKind,
};

use crate::bench::launcher;
use crate::victim::{Victim, directory};

/// Itself, a child, and a child that has left its group and its session.
const FAMILY: usize = 3;

/// A tool of that name that never comes to an end.
fn endless_tool(dir: &Path, name: &str) {
    let pids = dir.join("pids");
    let body = format!(
        "sleep 1000 & echo $! >> {pids}\nsetsid sleep 1000 & echo $! >> {pids}\n\
         echo $$ >> {pids}\nwait\n",
        pids = pids.display()
    );
    tool(dir, name, &body);
}

fn tool(dir: &Path, name: &str, body: &str) {
    let script = format!("#!/bin/sh\nPATH=/usr/bin:/bin\n{body}");
    let bin = dir.join("bin");
    fs::create_dir(&bin).unwrap();
    fs::write(bin.join(name), script).unwrap();
    fs::set_permissions(bin.join(name), fs::Permissions::from_mode(0o755)).unwrap();
}

async fn a_tool_and_its_children_end_with_the_harness(tool: &str, part: &str) {
    let dir = tempfile::tempdir().unwrap();
    endless_tool(dir.path(), tool);
    let mut harness = Victim::play(part, dir.path());
    let family = harness.pids(FAMILY).await;
    harness.kill();
    family.end().await;
}

#[tokio::test]
async fn a_package_client_and_its_children_end_with_a_killed_harness() {
    a_tool_and_its_children_end_with_the_harness("pip3", "tools::a_harness_that_fetches").await;
}

#[tokio::test]
async fn a_build_and_its_compilers_end_with_a_killed_harness() {
    a_tool_and_its_children_end_with_the_harness("cargo", "tools::a_harness_that_builds").await;
}

#[test]
fn planted_stop_ends_a_fetch_and_leaves_no_scratch_space() {
    let dir = tempfile::tempdir().unwrap();
    let begun = dir.path().join("begun");
    nix::unistd::mkfifo(&begun, nix::sys::stat::Mode::S_IRWXU).unwrap();
    tool(
        dir.path(),
        "pip3",
        &format!("echo begun > {}\nsleep 1000\n", begun.display()),
    );
    let store = store_that_finds_tools_in(dir.path());
    let error = thread::scope(|scope| {
        let obtaining = scope.spawn(|| store.obtain(ComponentId::Redis, &Silent));
        // It opens the pipe as soon as it runs.
        fs::read_to_string(&begun).unwrap();
        store.canceller().cancel();
        obtaining.join().unwrap().unwrap_err()
    });
    assert_eq!(error.kind(), StoreErrorKind::Cancelled, "{error}");
    let scratch = fs::read_dir(dir.path().join("home/tmp")).unwrap();
    let left: Vec<_> = scratch
        .map(|entry| entry.unwrap().file_name())
        .filter(|name| name != ".sweep")
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

/// Plays the harness that is killed. Does nothing unless a test above started it.
#[test]
#[ignore = "run by another test, as a process of its own"]
fn a_harness_that_fetches() {
    let Some(dir) = directory() else {
        return;
    };
    let store = store_that_finds_tools_in(&dir);
    store.obtain(ComponentId::Redis, &Silent).unwrap();
}

fn store_that_finds_tools_in(dir: &Path) -> Store {
    let store = Store::open(StoreConfig {
        home: dir.join("home"),
        // And nowhere else: a Redis that is installed would be taken.
        search_path: vec![dir.join("bin")],
        given: [].into(),
        java_home: None,
        manifest: Manifest::embedded().unwrap(),
        shim: launcher().shim,
        cancel: Cancel::default(),
    });
    store.unwrap()
}

/// Plays the harness that is killed. Does nothing unless a test above started it.
#[tokio::test]
#[ignore = "run by another test, as a process of its own"]
async fn a_harness_that_builds() {
    if directory().is_none() {
        return;
    }
    SystemSource::Auto
        .obtain(&launcher().shim, &|_| {})
        .await
        .unwrap();
}
