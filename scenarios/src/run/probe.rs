//! Asks building blocks, and records what came of it.

use std::time::Duration;

use gauntlet_contract::config::Role;
use gauntlet_contract::{TaskId, Topic};
use gauntlet_harness::ledger::{Block, Moment, ProbeKind, ProbeRecord, StoredRow};
use gauntlet_harness::observe::{
    Answer, RedisKeysObserver, SidecarAnswer, SidecarApi, SidecarQuestion, TablesObserver, counter,
    until,
};
use gauntlet_harness::provider::Instance;
use gauntlet_harness::stack::{Beside, Ended, Lane, StandingBeside, StateBackend};
use serde_json::json;
use uuid::{Builder, Uuid};

use super::{Run, state_prefix};
use crate::scenario::Abort;

const DURING: &str = "ask a building block";
/// Retries that a sidecar made by a policy.
const ACTIVATIONS: &str = "dapr_resiliency_activations_total";
/// An event that is delivered at once is marked within some 20 ms.
const MARKED_WITHIN: Duration = Duration::from_secs(30);
/// The keys of what recurring has done with begin so, behind what its store puts in front.
const MARK: &str = "inbox:recurring:";

/// A line of a block's table.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    pub block: Block,
    pub kind: ProbeKind,
    pub name: &'static str,
    /// What has to come of it, in words.
    pub expected: &'static str,
}

impl Case {
    pub const fn sound(block: Block, name: &'static str, expected: &'static str) -> Self {
        Self {
            block,
            kind: ProbeKind::Conformance,
            name,
            expected,
        }
    }

    pub const fn twin(block: Block, name: &'static str, expected: &'static str) -> Self {
        Self {
            kind: ProbeKind::FailingTwin,
            ..Self::sound(block, name, expected)
        }
    }
}

/// A sidecar that is asked.
#[derive(Debug)]
pub struct DaprNode {
    api: SidecarApi,
    metrics: String,
}

impl DaprNode {
    pub async fn ask(&self, question: SidecarQuestion<'_>) -> Result<SidecarAnswer, Abort> {
        let answer = self.api.ask(question).await;
        answer.map_err(Abort::during(DURING))
    }

    /// Asks until `decide` is content. What it was content with, or the last status.
    pub async fn ask_until<T>(
        &self,
        what: &str,
        within: Duration,
        question: SidecarQuestion<'_>,
        decide: impl FnMut(SidecarAnswer) -> Answer<T>,
    ) -> Result<T, String> {
        let asked = until(what, within, || self.api.ask(question.clone()), decide).await;
        asked.map_err(|waited| waited.last)
    }

    /// How often it has tried again by a retry policy.
    pub async fn retries(&self) -> Result<u64, Abort> {
        let retries = counter(&self.metrics, ACTIVATIONS, &[("policy", "retry")]).await;
        retries.map_err(Abort::during(DURING))
    }
}

/// Status and body in one.
pub fn said(answer: &SidecarAnswer) -> String {
    format!("{} {}", answer.status, answer.body)
        .trim_end()
        .to_owned()
}

impl Run {
    /// Records what came of a case. `felt` shows no secret.
    pub fn note(
        &mut self,
        lane: &Lane,
        case: &Case,
        got: impl Into<String>,
        felt: impl Into<String>,
    ) -> Result<(), Abort> {
        let record = ProbeRecord {
            block: case.block,
            kind: case.kind,
            case: case.name.to_owned(),
            expected: case.expected.to_owned(),
            got: got.into(),
            felt: felt.into(),
        };
        self.lane_mut(lane)?.record.probes.push(record);
        Ok(())
    }

    /// A role's own sidecar.
    pub fn sidecar(&self, lane: &Lane, role: Role) -> Result<DaprNode, Abort> {
        let sidecar = self.running(lane)?.sidecar(role);
        node(sidecar.map_err(Abort::during(DURING))?.as_ref())
    }

    /// A sidecar beside the lane's own.
    pub async fn beside(&self, lane: &Lane, beside: Beside) -> Result<StandingBeside, Abort> {
        let standing = self.running(lane)?.stand_beside(beside).await;
        standing.map_err(Abort::during("start a sidecar beside the lane's"))
    }

    /// What a process of a role answers at a path: status and body.
    pub async fn app_answer(&self, lane: &Lane, role: Role, path: &str) -> Result<String, Abort> {
        let url = format!("{}{path}", self.running(lane)?.url(role));
        let client = reqwest::Client::builder().no_proxy().build();
        let client = client.map_err(Abort::during(DURING))?;
        let answer = client
            .get(url)
            .send()
            .await
            .map_err(Abort::during(DURING))?;
        Ok(answer.status().as_u16().to_string())
    }

    /// Where the lane's api is for its other services.
    pub fn api_of_peers(&self, lane: &Lane) -> Result<String, Abort> {
        Ok(self.running(lane)?.peers_url(Role::Api))
    }

    pub async fn sidecar_end(&self, lane: &Lane, beside: Beside) -> Result<Ended, Abort> {
        let ended = self.running(lane)?.sidecar_end(beside).await;
        ended.map_err(Abort::during("see a sidecar refuse its start"))
    }

    /// How another process of the recurring role ends, that lacks a variable or is told of this sidecar.
    pub async fn recurring_end(
        &self,
        lane: &Lane,
        sidecar: Option<&StandingBeside>,
        without: Option<&str>,
    ) -> Result<Ended, Abort> {
        let running = self.running(lane)?;
        let ended = running.app_end(Role::Recurring, sidecar, without).await;
        ended.map_err(Abort::during("see a role refuse its start"))
    }

    /// Starts what keeps the lane's state again, with its state in another backend.
    pub async fn exchange_state(&mut self, lane: &Lane, state: StateBackend) -> Result<(), Abort> {
        self.phase(lane, format!("state to {}", state.as_str()));
        let exchanged = self.stack.exchange_state(lane.name(), state).await;
        exchanged.map_err(Abort::during("exchange the state store"))
    }

    /// Events that recurring has marked as done or counted, as each store has them.
    pub async fn marks(&self, lane: &Lane) -> Result<Marks, Abort> {
        let running = self.running(lane)?;
        let tables = TablesObserver::new(running.database_url()).map_err(Abort::during(DURING))?;
        let rows = tables.read(Moment::After).await;
        tables.close().await;
        let prefix = state_prefix(lane);
        let redis = RedisKeysObserver::new(running.redis_url(), prefix.as_str());
        let redis = redis
            .map_err(Abort::during(DURING))?
            .read(Moment::After)
            .await;
        Ok(Marks::among(
            &rows.map_err(Abort::during(DURING))?,
            &redis.map_err(Abort::during(DURING))?,
        ))
    }

    /// Waits until a store has so many of them, and answers where they are; also where it never has.
    pub async fn marked(
        &self,
        lane: &Lane,
        marks: u64,
        state: StateBackend,
    ) -> Result<Marks, Abort> {
        self.marks_until(lane, |found| found.of(state) >= marks)
            .await
    }

    /// Waits until some store has a mark of the event; where none ever has, the marks show it.
    pub async fn marked_event(&self, lane: &Lane, event: Uuid) -> Result<(), Abort> {
        let is_there = |found: &Marks| !found.of_event(event).is_empty();
        self.marks_until(lane, is_there).await.map(drop)
    }

    async fn marks_until(
        &self,
        lane: &Lane,
        is_met: impl Fn(&Marks) -> bool,
    ) -> Result<Marks, Abort> {
        let decide = |found: Marks| {
            if is_met(&found) {
                Answer::Met(found)
            } else {
                Answer::NotYet(found.to_string())
            }
        };
        let ask = || self.marks(lane);
        match until("the marks of events", MARKED_WITHIN, ask, decide).await {
            Ok(found) => Ok(found),
            Err(_) => self.marks(lane).await,
        }
    }

    /// How many entries a sidecar of recurring has under this key, in Postgres and in Redis.
    pub async fn entries(&self, lane: &Lane, key: &str) -> Result<(usize, usize), Abort> {
        let running = self.running(lane)?;
        let tables = TablesObserver::new(running.database_url()).map_err(Abort::during(DURING))?;
        let rows = tables.read(Moment::After).await;
        tables.close().await;
        let whole = format!("recurring||{key}");
        let redis = RedisKeysObserver::new(running.redis_url(), whole.as_str());
        let redis = redis
            .map_err(Abort::during(DURING))?
            .read(Moment::After)
            .await;
        let rows = rows.map_err(Abort::during(DURING))?;
        let in_postgres = rows
            .iter()
            .filter(|row| row.place == "dapr_state" && row.key == whole);
        Ok((
            in_postgres.count(),
            redis.map_err(Abort::during(DURING))?.len(),
        ))
    }

    /// Has an event that no handler can handle published to the topic of a lane, by a lane's sidecar, and
    /// answers its id.
    pub async fn poison(&mut self, by: &Lane, lane: &Lane) -> Result<Uuid, Abort> {
        let topic = lane.topic(Topic::TaskRecurrence);
        let (id, task) = (self.random_id(), TaskId(self.random_id()));
        let event = json!({
            "specversion": "1.0", "id": id, "source": "/todo/api",
            "type": "todo.recurrence.settled", "subject": task, "time": "2026-01-02T03:04:06Z",
            "datacontenttype": "application/json", "partitionkey": task,
            // No instance has this number.
            "data": {"series_id": self.random_id(), "number": 0, "task_id": task,
                     "user_id": self.random_id(), "settled_at": "2026-01-02T03:04:06Z"},
        });
        let path = format!("publish/pubsub/{}", topic.as_str());
        let question =
            SidecarQuestion::post(&path, event).content_type("application/cloudevents+json");
        let answer = self.sidecar(by, Role::Api)?.ask(question).await?;
        if answer.status != 204 {
            return Err(Abort::because("publish a poison event", said(&answer)));
        }
        self.lane_mut(lane)?.record.poison.push(id);
        Ok(id)
    }

    /// How often the event lies among the dead letters that were read.
    pub fn parked(&mut self, lane: &Lane, event: Uuid) -> Result<usize, Abort> {
        let letters = self.lane_mut(lane)?.record.dead_letters.iter();
        Ok(letters.filter(|it| it.event_id == Some(event)).count())
    }

    fn random_id(&mut self) -> Uuid {
        let halves = [self.random(0..u64::MAX), self.random(0..u64::MAX)];
        let bytes = (u128::from(halves[0]) << 64 | u128::from(halves[1])).to_be_bytes();
        Builder::from_random_bytes(bytes).into_uuid()
    }
}

fn node(sidecar: &dyn Instance) -> Result<DaprNode, Abort> {
    let url = |name: &str| {
        let mut endpoints = sidecar.endpoints().iter();
        let found = endpoints.find(|endpoint| endpoint.name == name);
        let found = found.map(|endpoint| endpoint.url.clone());
        found.ok_or_else(|| Abort::because(DURING, format!("{} has no {name}", sidecar.id())))
    };
    Ok(DaprNode {
        api: SidecarApi::new(&url("http")?).map_err(Abort::during(DURING))?,
        metrics: url("metrics")?,
    })
}

impl TryFrom<&StandingBeside> for DaprNode {
    type Error = Abort;

    fn try_from(standing: &StandingBeside) -> Result<Self, Abort> {
        node(standing.instance.as_ref())
    }
}

/// Marks of events, by the store that has them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marks {
    /// Each with its place and its key.
    found: Vec<(StateBackend, String)>,
}

impl Marks {
    fn among(rows: &[StoredRow], redis: &[StoredRow]) -> Self {
        let marks = |rows: &[StoredRow], state| -> Vec<(StateBackend, String)> {
            let marks = rows.iter().filter(|row| row.key.contains(MARK));
            marks.map(|row| (state, row.key.clone())).collect()
        };
        let mut found = marks(rows, StateBackend::Postgres);
        found.extend(marks(redis, StateBackend::Redis));
        Self { found }
    }

    pub fn of_event(&self, event: Uuid) -> Vec<StateBackend> {
        let event = event.to_string();
        let found = self.found.iter().filter(|(_, key)| key.ends_with(&event));
        found.map(|(state, _)| *state).collect()
    }

    fn of(&self, state: StateBackend) -> u64 {
        self.found.iter().filter(|(it, _)| *it == state).count() as u64
    }
}

impl std::fmt::Display for Marks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [postgres, redis] = [StateBackend::Postgres, StateBackend::Redis].map(|it| self.of(it));
        write!(f, "{postgres} in postgres, {redis} in redis")
    }
}
