use reqwest::StatusCode;
use serde_json::{Value, json};
use testcontainers_dapr::{Daprd, Placement, Scheduler, ports};

use crate::engine::{Bench, Outcome, url};

#[tokio::test]
async fn a_sidecar_schedules_a_job_and_finds_the_placement_service() -> Outcome {
    let bench = Bench::new().await?;
    let scheduler = bench.start("scheduler", Scheduler::default()).await?;
    let placement = bench.start("placement", Placement::default()).await?;
    for health in [
        url(&scheduler, ports::HEALTHZ).await?,
        url(&placement, ports::HEALTHZ).await?,
    ] {
        let answer = bench.http.get(format!("{health}/healthz")).send().await?;
        assert_eq!(answer.status(), StatusCode::OK);
    }

    let image = Daprd::new("orders")
        .with_scheduler(format!("{}:{}", bench.host("scheduler"), ports::SCHEDULER))
        .with_placement(format!("{}:{}", bench.host("placement"), ports::PLACEMENT));
    let sidecar = bench.start("daprd", image).await?;
    let api = url(&sidecar, ports::HTTP).await?;

    let jobs = format!("{api}/v1.0-alpha1/jobs/remind");
    let job = json!({ "dueTime": "1h", "data": "pay" });
    let accepted = bench.http.post(&jobs).json(&job).send().await?;
    assert_eq!(accepted.status(), StatusCode::NO_CONTENT);
    let kept: Value = bench.http.get(&jobs).send().await?.json().await?;
    assert_eq!(kept["dueTime"], "1h");

    let metadata = bench
        .http
        .get(format!("{api}/v1.0/metadata"))
        .send()
        .await?;
    let metadata: Value = metadata.json().await?;
    let actors = &metadata["actorRuntime"];
    assert_eq!(actors["placement"], "placement: connected", "{metadata}");
    Ok(())
}
