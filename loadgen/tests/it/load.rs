use std::collections::HashSet;
use std::time::Duration;

use gauntlet_loadgen::arrival::{Arrival, Rate};
use gauntlet_loadgen::client::{Client, OperationKind, Outcome};
use gauntlet_loadgen::{
    CreateTasks, Ending, Generator, LoadErrorKind, LoadSummary, Plan, Progress, Script,
};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::api::{Reply, TestApi, user};

/// Longer than any test: a load that would still run then was not stopped.
const ENDLESS: Duration = Duration::from_mins(10);

fn steady(per_second: u32, lasting: Duration) -> Arrival {
    Arrival::steady(Rate::try_per_second(per_second).expect("not zero"), lasting)
}

fn creates(api: &TestApi, arrival: Arrival) -> Generator {
    let plan = Plan::new(arrival, CreateTasks::new("load", vec![user(), user()]));
    Generator::new(api.client(), plan)
}

#[tokio::test]
async fn every_operation_is_offered_once_and_recorded() {
    let api = TestApi::start(Reply::created());
    let arrival = steady(500, Duration::from_millis(400));
    let record = creates(&api, arrival)
        .run(CancellationToken::new())
        .await
        .expect("a record");

    assert_eq!((record.planned, record.offered()), (200, 200));
    assert_eq!(record.ending, Ending::Complete);
    assert_eq!((record.tally().acknowledged, record.held_back), (200, 0));
    assert_eq!(record.latency.count(), 200);
    assert_eq!(record.lateness.histogram().count(), 200);

    let titles: HashSet<_> = api.seen().into_iter().map(|seen| seen.body).collect();
    let users: HashSet<_> = record.operations.iter().map(|op| op.user).collect();
    assert_eq!(users.len(), 2, "dealt to both users");
    let start = record.operations[0].intended_micros;
    for (index, operation) in record.operations.iter().enumerate() {
        assert_eq!(operation.kind, OperationKind::Create);
        assert_eq!(operation.key.as_str(), format!("load-{index:06}"));
        assert!(titles.contains(&format!(r#"{{"title":"{}"}}"#, operation.key)));
        let index = u64::try_from(index).expect("small");
        assert_eq!(operation.intended_micros - start, index * 2_000);
        assert!(operation.intended_micros <= operation.sent_micros);
        assert!(operation.sent_micros < operation.done_micros);
    }
}

#[tokio::test]
async fn a_burst_is_one_moment_on_open_connections() {
    let api = TestApi::start(Reply::created());
    let plan = Plan::new(Arrival::burst(100), CreateTasks::new("burst", vec![user()]));
    let record = Generator::new(api.client(), plan.connected_by(100))
        .run(CancellationToken::new())
        .await
        .expect("a record");

    assert_eq!(record.tally().acknowledged, 100);
    let moments: HashSet<_> = record
        .operations
        .iter()
        .map(|operation| operation.intended_micros)
        .collect();
    assert_eq!(moments.len(), 1);
    assert!((1..=100).contains(&record.peak_in_flight));
    let warm_ups = api
        .seen()
        .iter()
        .filter(|seen| seen.line == "GET /health/live")
        .count();
    assert_eq!(warm_ups, 100);
}

#[tokio::test]
async fn a_scenario_can_act_in_the_middle_of_a_load() {
    let api = TestApi::start(Reply::created());
    let load = creates(&api, steady(500, ENDLESS))
        .start()
        .expect("started");
    let offered = load.offered_at_least(20).await.expect("offered");
    assert!(offered.offered >= 20 && !offered.ended);
    let middle = load.acknowledged_at_least(50).await.expect("acknowledged");
    assert!(middle.acknowledged >= 50 && !middle.p95.is_zero());

    load.stop();
    let record = load.finish().await.expect("a record");
    assert_eq!(record.ending, Ending::Stopped);
    assert!(record.offered() >= 50 && record.offered() < record.planned);
    assert_eq!(record.tally().acknowledged, record.offered());
}

#[tokio::test]
async fn a_wait_that_is_given_up_loses_no_record() {
    let api = TestApi::start(Reply::created());
    let mut load = creates(&api, steady(500, ENDLESS))
        .start()
        .expect("started");
    let progress = load.watch();
    tokio::select! {
        _ = load.ended() => panic!("the load has no end"),
        reached = reaches(progress, 20) => reached,
    }
    load.stop();
    let record = load.ended().await.expect("a record");
    assert!(record.offered() >= 20);
    assert_eq!(record.operations.len() as u64, record.offered());
    let again = load.ended().await.expect_err("it was given away");
    assert_eq!(again.kind, LoadErrorKind::Died);
}

async fn reaches(mut progress: watch::Receiver<Progress>, wanted: u64) {
    let reached = progress.wait_for(|progress| progress.offered >= wanted);
    reached.await.expect("the load runs");
}

#[tokio::test]
async fn waiting_for_what_can_no_longer_happen_is_an_error() {
    let api = TestApi::start(Reply::answer(422, "no"));
    let load = creates(&api, Arrival::burst(10)).start().expect("started");
    let error = load.acknowledged_at_least(1).await.expect_err("all failed");
    assert_eq!(
        error.kind,
        LoadErrorKind::EndedEarly {
            what: "acknowledged",
            wanted: 1,
            reached: 0
        }
    );
    load.offered_at_least(10).await.expect("all were offered");
    load.offered_at_least(11).await.expect_err("one too many");
    assert_eq!(load.progress().failed, 10);
    assert_eq!(load.finish().await.expect("a record").tally().failed, 10);
}

#[tokio::test]
async fn a_load_that_cannot_connect_ahead_says_so() {
    let api = TestApi::start(Reply::HangUp);
    let plan = Plan::new(Arrival::burst(2), CreateTasks::new("load", vec![user()]));
    let load = Generator::new(api.client(), plan.connected_by(2))
        .start()
        .expect("started");
    load.offered_at_least(1).await.expect_err("never offered");
    let error = load.finish().await.expect_err("no connection");
    assert!(
        matches!(error.kind, LoadErrorKind::WarmUp { wanted: 2, .. }),
        "{error}"
    );
}

#[tokio::test]
async fn cancelling_a_run_keeps_what_was_done() {
    let api = TestApi::start(Reply::created());
    let cancel = CancellationToken::new();
    let run = tokio::spawn(creates(&api, steady(200, ENDLESS)).run(cancel.clone()));
    // The server has seen one, so the load is under way.
    while api.seen().is_empty() {
        tokio::task::yield_now().await;
    }
    cancel.cancel();
    let record = run.await.expect("no panic").expect("a record");
    assert_eq!(record.ending, Ending::Stopped);
    assert_eq!(record.offered(), record.tally().acknowledged);
}

#[tokio::test]
async fn a_dropped_load_stops() {
    let api = TestApi::start(Reply::created());
    let load = creates(&api, steady(200, ENDLESS))
        .start()
        .expect("started");
    load.offered_at_least(1).await.expect("offered");
    let mut progress = load.watch();
    drop(load);
    let ended = progress.wait_for(|progress| progress.ended).await;
    ended.expect("a last snapshot");
}

#[tokio::test]
async fn unanswered_operations_count_up_to_their_time_out() {
    let api = TestApi::start(Reply::Silence);
    let timeout = Duration::from_millis(100);
    let client = Client::new(api.target().timeout(timeout)).expect("a client");
    let plan = Plan::new(Arrival::burst(20), CreateTasks::new("load", vec![user()]));
    let record = Generator::new(client, plan)
        .run(CancellationToken::new())
        .await
        .expect("a record");
    assert_eq!(record.tally().unknown, 20);
    assert_eq!(record.latency.count_at_least(timeout), 20);
}

#[tokio::test]
async fn an_exhausted_workload_ends_the_load() {
    let api = TestApi::start(Reply::created());
    let plan = Plan::new(Arrival::burst(5), Script::new(Vec::new()));
    let record = Generator::new(api.client(), plan)
        .run(CancellationToken::new())
        .await
        .expect("a record");
    assert_eq!((record.planned, record.offered()), (5, 0));
    assert_eq!(record.ending, Ending::Complete);
}

#[tokio::test]
async fn records_and_summaries_are_evidence() {
    let api = TestApi::start(Reply::created());
    let record = creates(&api, Arrival::burst(3))
        .run(CancellationToken::new())
        .await
        .expect("a record");

    let line = serde_json::to_value(&record.operations[0]).expect("JSON");
    assert_eq!(line["kind"], "create");
    assert_eq!(line["outcome"], "ok");
    assert_eq!(line["version"], 1);
    let read = serde_json::from_value(line).expect("the same record");
    assert_eq!(record.operations[0], read);
    assert!(matches!(read.outcome, Outcome::Ok { status: 201, .. }));

    let summary = LoadSummary::of(&record, None).expect("a summary");
    let json = serde_json::to_value(&summary).expect("JSON");
    assert_eq!(
        (&json["acknowledged"], &json["offered"]),
        (&3.into(), &3.into())
    );
    assert_eq!(json["arrival"]["shape"], "burst");
}
