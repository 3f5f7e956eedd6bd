//! A server that stops for a while must show in the figures: the reason for an open loop.

use std::time::Duration;

use gauntlet_loadgen::arrival::{Arrival, Rate};
use gauntlet_loadgen::client::Client;
use gauntlet_loadgen::{CreateTasks, Generator, Histogram, LoadRecord, Plan};

use crate::api::{Reply, TestApi, user};

const PER_SECOND: u32 = 2_000;
const LASTING: Duration = Duration::from_millis(1_500);
const STALL: Duration = Duration::from_millis(500);

/// A third of the operations are meant to start during the stall.
async fn load_with_a_stall(max_in_flight: usize) -> LoadRecord {
    let api = TestApi::start(Reply::created());
    let target = api.target().max_in_flight(max_in_flight);
    let rate = Rate::try_per_second(PER_SECOND).expect("not zero");
    let plan = Plan::new(
        Arrival::steady(rate, LASTING),
        CreateTasks::new("stall", vec![user()]),
    );
    let load = Generator::new(Client::new(target).expect("a client"), plan)
        .start()
        .expect("started");
    load.offered_at_least(500).await.expect("under way");
    api.stall();
    // The stall itself, not a wait for something.
    tokio::time::sleep(STALL).await;
    api.resume();
    load.finish().await.expect("a record")
}

#[tokio::test]
async fn a_stall_shows_in_the_tail_at_its_full_length() {
    let record = load_with_a_stall(4_096).await;
    let operations = u64::from(PER_SECOND) * 3 / 2;
    assert_eq!(record.tally().acknowledged, operations);
    assert_eq!(record.held_back, 0);

    let p99 = record.latency.percentile(99.0);
    assert!(p99 > STALL.mul_f64(0.9), "{:?}", record.latency);
    // A sixth of the operations was done before the stall.
    assert!(record.latency.percentile(5.0) < STALL / 2);
    // Whatever was meant to start in the stall's first half waited for at least its second half.
    let hit = u64::from(PER_SECOND) / 4;
    let slow = record.latency.count_at_least(STALL / 2);
    assert!(slow > hit * 9 / 10, "{slow} of {hit} were seen to wait");
}

/// With ten requests at most under way only those ten meet the stall. Timed from when they were
/// sent, as a closed loop does it, 99 % of operations never noticed; from when they were meant to
/// start, they did.
#[tokio::test]
async fn a_bound_loop_says_so_and_still_shows_the_stall() {
    let record = load_with_a_stall(10).await;
    let mut from_sending = Histogram::new().expect("bounds");
    for operation in &record.operations {
        from_sending.record_micros(operation.done_micros - operation.sent_micros);
    }
    assert!(from_sending.percentile(99.0) < STALL / 2);
    assert!(record.latency.percentile(99.0) > STALL.mul_f64(0.9));
    assert!(record.held_back >= u64::from(PER_SECOND) / 4);
    assert!(record.lateness.is_beyond_limit());
}
