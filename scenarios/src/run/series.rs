//! Series whose first instance is completed, so that the next one comes about through a consumer.

use std::time::Duration;

use gauntlet_contract::UserId;
use gauntlet_harness::stack::Lane;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use uuid::Builder;

use super::Run;
use crate::scenario::Abort;

/// Longer than any run.
const TOKEN_TTL: Duration = Duration::from_hours(25);
/// Longer than the system's own bounds together: it is the one to give up.
const ANSWERED_WITHIN: Duration = Duration::from_secs(30);
/// Some 20 ms where nothing is in the way.
const INSTANCES_WITHIN: Duration = Duration::from_secs(30);
const DURING: &str = "complete series";

/// A user, and the api that is asked in the user's name.
struct Caller {
    http: reqwest::Client,
    api: String,
    token: String,
}

impl Run {
    /// Begins so many series, completes the first instance of each, and waits until the next ones are there.
    pub async fn complete_series(&mut self, lane: &Lane, series: u64) -> Result<(), Abort> {
        self.phase(lane, "completions of series");
        let bits = (self.random(0..u64::MAX), self.random(0..u64::MAX));
        let bytes = ((u128::from(bits.0) << 64) | u128::from(bits.1)).to_be_bytes();
        let user = UserId(Builder::from_random_bytes(bytes).into_uuid());
        let token = self.stack.token_for(user, TOKEN_TTL);
        let running = self.stack.lane(lane.name());
        let http = reqwest::Client::builder()
            .no_proxy()
            .timeout(ANSWERED_WITHIN)
            .build();
        let caller = Caller {
            http: http.map_err(Abort::during(DURING))?,
            api: running.map_err(Abort::during(DURING))?.api_url(),
            token: token.map_err(Abort::during(DURING))?,
        };
        for number in 1..=series {
            let task = caller.begin(number).await?;
            caller.complete(&task).await?;
        }
        let observer = &self.lane_mut(lane)?.observer;
        let came = observer.postgres().await_instances(INSTANCES_WITHIN).await;
        came.map_err(Abort::during(DURING))
    }
}

impl Caller {
    /// Answers the id of the first instance.
    async fn begin(&self, number: u64) -> Result<String, Abort> {
        let body = json!({
            "title": format!("series {number}"),
            "due_date": "2031-05-05T09:00",
            "time_zone": "Europe/Berlin",
            "recurrence": {
                "rule": {"frequency": "weekly", "days": ["mon", "thu"]},
                "mode": "on_completion",
            },
        });
        let created = self.ask(Method::POST, "/api/tasks", &body).await?;
        let id = created["id"].as_str().map(str::to_owned);
        id.ok_or_else(|| Abort::because(DURING, format!("no id in {created}")))
    }

    async fn complete(&self, task: &str) -> Result<(), Abort> {
        let path = format!("/api/tasks/{task}/complete");
        let body = json!({"completed": true});
        self.ask(Method::PATCH, &path, &body).await.map(|_| ())
    }

    async fn ask(&self, method: Method, path: &str, body: &Value) -> Result<Value, Abort> {
        let url = format!("{}{path}", self.api);
        let request = self.http.request(method, url).bearer_auth(&self.token);
        let answer = request.json(body).send().await;
        let answer = answer.map_err(Abort::during(DURING))?;
        let status = answer.status();
        let text = answer.text().await.map_err(Abort::during(DURING))?;
        if !matches!(status, StatusCode::OK | StatusCode::CREATED) {
            return Err(Abort::because(DURING, format!("{path}: {status} {text}")));
        }
        serde_json::from_str(&text).map_err(Abort::during(DURING))
    }
}
