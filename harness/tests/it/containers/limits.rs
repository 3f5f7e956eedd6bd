//! What a container may take.

use std::time::{Duration, Instant};

use gauntlet_harness::provider::{Exit, Limits, until};

use crate::bench::{Bench, SOON};

/// The kernel counts CPU time in ticks of this many per second for user space (`USER_HZ`, proc(5)).
const TICKS_PER_SECOND: f64 = 100.0;
/// Of CPU time: over several of the scheduler's periods, which are 100 ms.
const WORK_SECONDS: f64 = 0.5;

#[tokio::test]
async fn one_that_takes_more_memory_than_its_limit_is_killed() {
    let bench = Bench::on_containers().await;
    // It looks for the end of a line that has none, and keeps what it has seen.
    let mut spec = bench.spec("glutton", "exec tail /dev/zero");
    spec.package.as_mut().unwrap().limits = Limits::memory_mib(32);
    let service = bench.start(spec).await.unwrap();
    let exit = tokio::time::timeout(SOON, service.ended()).await.unwrap();
    assert_eq!(exit, Exit::Signal(9));
    let unexpected = bench.run.unexpected_exits();
    assert_eq!(unexpected.len(), 1, "nobody ordered it");
    let last = unexpected[0].last_output.last().unwrap();
    assert!(last.contains("memory limit"), "{last}");
    bench.close().await;
}

#[tokio::test]
async fn one_that_never_rests_gets_no_more_time_than_its_limit() {
    const CORES: f64 = 0.25;
    let bench = Bench::on_containers().await;
    let mut spec = bench.spec("busy", "while :; do :; done");
    spec.package.as_mut().unwrap().limits.cpus = Some(CORES);
    let service = bench.start(spec).await.unwrap();
    let pid = service.pid().unwrap();
    let (begun, before) = (Instant::now(), cpu_seconds(pid));
    let worked = || {
        let used = cpu_seconds(pid) - before;
        std::future::ready(if used >= WORK_SECONDS {
            Ok(used)
        } else {
            Err(used)
        })
    };
    let (used, _) = until("the work to be done", SOON, worked).await.unwrap();
    let cores = used / begun.elapsed().as_secs_f64();
    // The first period may be half over when the clock is started.
    assert!(cores < CORES * 1.5, "{cores} cores");
    service.stop(Duration::ZERO).await.unwrap();
    bench.close().await;
}

fn cpu_seconds(pid: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    // After the name, which is in brackets, the twelfth and thirteenth field: user and system time.
    let fields = stat.rsplit(") ").next().unwrap();
    let ticks = fields.split(' ').skip(11).take(2);
    ticks
        .map(|ticks| ticks.parse::<f64>().unwrap())
        .sum::<f64>()
        / TICKS_PER_SECOND
}
