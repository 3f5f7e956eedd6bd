//! The tools that a harness runs, such as compilers and package clients, and what they start themselves.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use gauntlet_harness::component::system::SystemSource;
use gauntlet_harness::store::{ComponentId, Manifest, Silent, Store, StoreConfig};

use crate::bench::launcher;
use crate::victim::{Victim, directory};

/// Itself, a child, and a child that has left its group and its session.
const FAMILY: usize = 3;

/// A tool of that name that never comes to an end.
fn endless_tool(dir: &Path, name: &str) {
    let pids = dir.join("pids");
    let script = format!(
        "#!/bin/sh\nPATH=/usr/bin:/bin\nsleep 1000 & echo $! >> {pids}\nsetsid sleep 1000 & echo $! >> {pids}\n\
         echo $$ >> {pids}\nwait\n",
        pids = pids.display()
    );
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

/// Plays the harness that is killed. Does nothing unless a test above started it.
#[test]
#[ignore = "run by another test, as a process of its own"]
fn a_harness_that_fetches() {
    let Some(dir) = directory() else {
        return;
    };
    let store = Store::open(StoreConfig {
        home: dir.join("home"),
        // And nowhere else: a Redis that is installed would be taken.
        search_path: vec![dir.join("bin")],
        given: [].into(),
        java_home: None,
        manifest: Manifest::embedded().unwrap(),
        shim: launcher().shim,
    });
    store.unwrap().obtain(ComponentId::Redis, &Silent).unwrap();
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
