//! What a harness leaves behind that is killed by SIGKILL: nothing.

use std::path::PathBuf;
use std::sync::Arc;

use gauntlet_harness::provider::process::ProcessProvider;
use gauntlet_harness::provider::{HttpProbe, Provider, ServiceId, ServiceSpec, StopSignal, sweep};

use crate::bench::{SOON, launcher, open_run, state_in};
use crate::victim::{Victim, directory};

const CHILDREN: usize = 3;

#[tokio::test]
async fn children_of_a_killed_harness_end_and_its_files_are_swept() {
    let dir = tempfile::tempdir().unwrap();
    let mut harness = Victim::play("parent_death::a_harness_with_children", dir.path());
    let children = harness.pids(CHILDREN).await;
    let state = state_in(dir.path());
    assert_eq!(
        sweep(&state).await.unwrap().runs,
        [],
        "a living run is left alone"
    );

    harness.kill();
    children.end().await;

    let temp = PathBuf::from(std::fs::read_to_string(dir.path().join("temp")).unwrap());
    assert!(temp.is_dir());
    let report = sweep(&state).await.unwrap();
    assert_eq!(report.runs.len(), 1);
    assert_eq!(report.runs[0].killed, [], "the kernel had ended them");
    assert_eq!(report.runs[0].removed.as_ref(), Some(&temp));
    assert!(!temp.exists());
    assert_eq!(sweep(&state).await.unwrap().runs, []);
}

/// Plays the harness that is killed. Does nothing unless the test above started it.
#[tokio::test]
#[ignore = "run by another test, as a process of its own"]
async fn a_harness_with_children() {
    let Some(dir) = directory() else {
        return;
    };
    let run = open_run(&state_in(&dir), &dir);
    std::fs::write(dir.join("temp"), run.temp().as_os_str().as_encoded_bytes()).unwrap();
    let provider = ProcessProvider::new(launcher());
    let mut children = Vec::new();
    for number in 0..CHILDREN {
        let spec = ServiceSpec {
            id: ServiceId::shared(&format!("child-{number}")),
            program: "/bin/sh".into(),
            package: None,
            args: vec!["-c".into(), "echo $$ >> pids; exec sleep 1000".into()],
            env: Vec::new(),
            working_dir: dir.clone(),
            run_as: None,
            endpoints: Vec::new(),
            readiness: Arc::new(HttpProbe::new("http://127.0.0.1:9/")),
            ready_within: SOON,
            stop_signal: StopSignal::Term,
            provenance: None,
        };
        children.push(provider.start(spec, &run).await.unwrap());
    }
    // Until the test kills this process.
    std::future::pending::<()>().await;
}
