//! What a container cannot do, and what it is called.

use super::engine::Things;
use crate::bench::{Bench, OBEDIENT};

async fn words_of(bench: &Bench, script: &str) -> String {
    let service = bench.shell("prisoner", script).await;
    service.ended().await;
    std::fs::read_to_string(service.logs()).unwrap()
}

#[tokio::test]
async fn its_root_file_system_is_read_only_and_its_scratch_space_is_not() {
    let bench = Bench::on_containers().await;
    let script = "export LC_ALL=C; touch /here; touch /etc/here; touch /usr/here; \
                  touch /tmp/here && echo scratch";
    let words = words_of(&bench, script).await;
    assert_eq!(words.matches("Read-only file system").count(), 3, "{words}");
    assert!(words.contains("scratch"), "{words}");
    bench.close().await;
}

#[tokio::test]
async fn it_is_not_root_and_cannot_become_it() {
    let bench = Bench::on_containers().await;
    let script = "id -u; grep -E '^(CapEff|CapBnd|NoNewPrivs):' /proc/self/status | cut -f 2";
    let words = words_of(&bench, script).await;
    let words: Vec<&str> = words.lines().collect();
    let none = "0000000000000000";
    assert_ne!(words[0], "0");
    assert_eq!(words[1..], [none, none, "1"]);
    bench.close().await;
}

#[tokio::test]
async fn everything_carries_the_runs_id() {
    let bench = Bench::on_containers().await;
    let service = bench.ready_shell("labelled", OBEDIENT).await;
    let things = Things::of_run(bench.run.run_id()).await;
    assert_eq!(things.count().await, (1, 1, 0));
    let labels = things.containers().await[0]
        .config
        .clone()
        .unwrap()
        .labels
        .unwrap();
    assert_eq!(labels["gauntlet.run"], bench.run.run_id());
    assert_eq!(labels["gauntlet.service"], service.id().as_str());
    let labels = things.networks().await[0].labels.clone().unwrap();
    assert_eq!(labels["gauntlet.run"], bench.run.run_id());
    bench.close().await;
}
