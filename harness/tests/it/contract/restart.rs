use std::fmt::Write;

use gauntlet_harness::provider::{Exit, Signal, Stopped};

use super::trials::on_every_provider;
use crate::bench::{Bench, OBEDIENT, SOON, until_gone};
use crate::parts;

on_every_provider! {
    #[test] fn a_killed_service_is_ready_again_at_the_same_endpoint;
    #[test] fn a_service_that_runs_is_stopped_first;
    #[test] fn a_pause_does_not_outlast_its_life;
    #[test] fn the_log_goes_on_without_a_lost_or_doubled_line;
    #[test] fn the_end_of_a_later_life_is_noticed_too;
}

async fn a_killed_service_is_ready_again_at_the_same_endpoint(bench: &Bench) {
    let (spec, port) = bench.listener("phoenix");
    let service = bench.start(spec).await.unwrap();
    service.ready(SOON).await.unwrap();
    let (endpoints, first) = (service.endpoints().to_vec(), service.pid().unwrap());
    service.signal(Signal::Kill).await.unwrap();
    assert_eq!(service.ended().await, Exit::Signal(9));
    service.restart().await.unwrap();
    assert_eq!(service.exit(), None);
    service.ready(SOON).await.unwrap();
    assert_eq!(service.endpoints(), endpoints);
    assert_ne!(service.pid().unwrap(), first);
    parts::call(&format!("127.0.0.1:{port}")).await.unwrap();
    assert_eq!(bench.run.unexpected_exits(), [], "the kill was ordered");
    assert_eq!(service.stop(SOON).await.unwrap(), Stopped::InGoodOrder);
}

async fn a_service_that_runs_is_stopped_first(bench: &Bench) {
    let script = format!("echo $$ >> starts; {OBEDIENT}");
    let service = bench.ready_shell("again", &script).await;
    let first = service.pid().unwrap();
    bench.forget_ready("again");
    service.restart().await.unwrap();
    until_gone(&[first]).await;
    service.ready(SOON).await.unwrap();
    let starts = std::fs::read_to_string(bench.path("starts")).unwrap();
    assert_eq!(starts.lines().count(), 2);
    assert_eq!(bench.run.unexpected_exits(), [], "the stop was ordered");
    service.stop(SOON).await.unwrap();
}

async fn a_pause_does_not_outlast_its_life(bench: &Bench) {
    let service = bench.ready_shell("paused", OBEDIENT).await;
    service.signal(Signal::Pause).await.unwrap();
    service.signal(Signal::Kill).await.unwrap();
    service.ended().await;
    // In vain: nothing of it is left to be paused.
    service.signal(Signal::Pause).await.unwrap();
    bench.forget_ready("paused");
    service.restart().await.unwrap();
    service.ready(SOON).await.unwrap();
    assert_eq!(service.stop(SOON).await.unwrap(), Stopped::InGoodOrder);
}

/// Every second life ends by itself, right after its last word, and the others are killed.
async fn the_log_goes_on_without_a_lost_or_doubled_line(bench: &Bench) {
    const LIVES: u32 = 6;
    const LINES: u32 = 400;
    /// Engines keep a line of more than 16 KiB in pieces.
    const LONG: usize = 40_000;
    let script = format!(
        "echo >> lives; life=$(wc -l < lives); line=0; \
         while [ $line -lt {LINES} ]; do line=$((line + 1)); echo $life.$line; done; \
         head -c {LONG} /dev/zero | tr '\\0' x; echo; \
         [ $((life % 2)) = 0 ] && exit 0; {OBEDIENT}"
    );
    let mut expected = String::new();
    let service = bench.shell("talker", &script).await;
    for life in 1..=LIVES {
        if life > 1 {
            service.restart().await.unwrap();
        }
        for line in 1..=LINES {
            writeln!(expected, "{life}.{line}").unwrap();
        }
        writeln!(expected, "{}", "x".repeat(LONG)).unwrap();
        if life % 2 == 1 {
            service.ready(SOON).await.unwrap();
            bench.forget_ready("talker");
            service.signal(Signal::Kill).await.unwrap();
        }
        tokio::time::timeout(SOON, service.ended()).await.unwrap();
        // Who hears of the end finds the last words in the log.
        let log = std::fs::read_to_string(service.logs()).unwrap();
        assert!(
            log == expected,
            "life {life}: {} lines and {} bytes, not {} and {}",
            log.lines().count(),
            log.len(),
            expected.lines().count(),
            expected.len()
        );
    }
}

async fn the_end_of_a_later_life_is_noticed_too(bench: &Bench) {
    let script = format!("if [ -e lived ]; then echo enough; exit 5; fi; touch lived; {OBEDIENT}");
    let service = bench.ready_shell("mortal", &script).await;
    service.restart().await.unwrap();
    let seen = tokio::time::timeout(SOON, bench.run.until_unexpected_exit())
        .await
        .unwrap();
    assert_eq!(seen.exit, Exit::Code(5));
    assert_eq!(seen.last_output, ["enough"]);
}
