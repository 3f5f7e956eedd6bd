//! Requests that bring a trace of their own, and what a lane's collector has of these and of all others.

use std::convert::Infallible;
use std::future::ready;
use std::time::Duration;

use gauntlet_contract::UserId;
use gauntlet_harness::ledger::{
    ClientTrace, EventTraces, LaneRecord, Ledger, Micros, Operation, OperationKind,
    OperationOutcome, Phase, SpanId, TraceContext, TraceId, TraceIntake, TraceSpan,
};
use gauntlet_harness::observe::{Answer, until};
use gauntlet_harness::stack::Lane;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use uuid::{Builder, Uuid};

use super::Run;
use crate::scenario::Abort;

/// Longer than any run.
const TOKEN_TTL: Duration = Duration::from_hours(25);
/// Longer than the system's own bounds together: it is the one to give up.
const ANSWERED_WITHIN: Duration = Duration::from_secs(30);
/// Some 20 ms where nothing is in the way.
const INSTANCES_WITHIN: Duration = Duration::from_secs(30);
const REQUESTS: &str = "send requests with a trace";
const COLLECT: &str = "collect traces";

/// Requests for each task: its creation, a change of its title, its completion.
pub const REQUESTS_OF_TASK: u64 = 3;

/// A user, and the api that is asked in the user's name.
struct Caller {
    http: reqwest::Client,
    api: String,
    token: String,
    user_id: Uuid,
    /// Names the tasks.
    lane: String,
}

/// One request, and the trace that it brings.
struct Request {
    kind: OperationKind,
    key: String,
    task_id: Option<Uuid>,
    body: Value,
    context: TraceContext,
}

impl Run {
    /// Creates so many tasks, changes and completes them, each request in a trace of the client's own. Every
    /// other one begins a series, which has to go on in the trace of its completion.
    pub async fn send_traced(&mut self, lane: &Lane, tasks: u64) -> Result<(), Abort> {
        let caller = self.caller(lane)?;
        for number in 0..tasks {
            let mut task_id = None;
            for kind in [
                OperationKind::Create,
                OperationKind::Update,
                OperationKind::Complete,
            ] {
                let key = format!("{}-traced-{number}-{}", lane.name(), kind.action());
                let request = Request {
                    kind,
                    body: body(kind, &key, number),
                    key,
                    task_id,
                    context: self.context(),
                };
                let context = request.context;
                let operation = caller.send(request).await?;
                let record = &mut self.lane_mut(lane)?.record;
                if let Some((of, Some(version))) = operation.acknowledged() {
                    task_id = Some(of);
                    record.client_traces.push(ClientTrace {
                        context,
                        task_id: of,
                        version,
                    });
                }
                record.operations.push(operation);
            }
        }
        let observer = &self.lane_mut(lane)?.observer;
        let came = observer.postgres().await_instances(INSTANCES_WITHIN).await;
        came.map_err(Abort::during(REQUESTS))
    }

    /// Takes what the collector of a lane has that has come to rest. Roles and sidecars report in batches: it
    /// waits until the trace of every event is whole, and where one stays broken, no longer than it is told.
    pub async fn collect_traces(&mut self, lane: &Lane, within: Duration) -> Result<(), Abort> {
        self.phase(lane, "traces");
        let record = self.lane_mut(lane)?.record.clone();
        let running = self.stack.lane(lane.name());
        let running = running.map_err(Abort::during(COLLECT))?;
        let collector = running
            .traces()
            .ok_or_else(|| Abort::because(COLLECT, "the topology asked for none"))?;
        let ask = || ready(Ok::<_, Infallible>(collector.collected()));
        let decide = |collected| match broken(&record, collected) {
            0 => Answer::Met(()),
            broken => Answer::NotYet(format!("{broken} broken traces")),
        };
        // A trace that stays broken is for the check to show.
        if let Err(waited) = until("whole traces", within, ask, decide).await {
            tracing::info!(lane = lane.name(), %waited, "traces stay broken");
        }
        let (spans, intake) = collector.collected();
        let record = &mut self.lane_mut(lane)?.record;
        record.spans = spans;
        record.trace_intake = Some(intake);
        Ok(())
    }

    fn caller(&mut self, lane: &Lane) -> Result<Caller, Abort> {
        let user = UserId(Builder::from_random_bytes(self.bits().to_be_bytes()).into_uuid());
        let token = self.stack.token_for(user, TOKEN_TTL);
        let running = self.stack.lane(lane.name());
        let http = reqwest::Client::builder()
            .no_proxy()
            .timeout(ANSWERED_WITHIN)
            .build();
        Ok(Caller {
            http: http.map_err(Abort::during(REQUESTS))?,
            api: running.map_err(Abort::during(REQUESTS))?.api_url(),
            token: token.map_err(Abort::during(REQUESTS))?,
            user_id: user.0,
            lane: lane.name().to_owned(),
        })
    }

    fn context(&mut self) -> TraceContext {
        loop {
            let ids = (
                TraceId::new(self.bits()),
                SpanId::new(self.random(1..u64::MAX)),
            );
            if let (Some(trace_id), Some(span_id)) = ids {
                return TraceContext { trace_id, span_id };
            }
        }
    }

    fn bits(&mut self) -> u128 {
        let halves = (self.random(0..u64::MAX), self.random(0..u64::MAX));
        (u128::from(halves.0) << 64) | u128::from(halves.1)
    }
}

/// How many events' traces are not whole with what came so far.
fn broken(record: &LaneRecord, (spans, intake): (Vec<TraceSpan>, TraceIntake)) -> usize {
    let record = LaneRecord {
        spans,
        trace_intake: Some(intake),
        ..record.clone()
    };
    let ledger = Ledger::new("", vec![record]);
    let broken = ledger.lanes().map(|view| {
        let traces = EventTraces::of(view);
        let events = traces.events().iter();
        events.filter(|event| traces.follow(event).is_err()).count()
    });
    broken.sum()
}

fn body(kind: OperationKind, key: &str, number: u64) -> Value {
    match kind {
        OperationKind::Create if number.is_multiple_of(2) => json!({
            "title": key,
            "due_date": "2031-05-05T09:00",
            "time_zone": "Europe/Berlin",
            "recurrence": {"rule": {"frequency": "daily"}, "mode": "on_completion"},
        }),
        OperationKind::Complete => json!({"completed": true}),
        _ => json!({"title": key}),
    }
}

impl Caller {
    async fn send(&self, request: Request) -> Result<Operation, Abort> {
        let (method, path) = match (request.kind, request.task_id) {
            (OperationKind::Complete, Some(id)) => {
                (Method::PATCH, format!("/api/tasks/{id}/complete"))
            }
            (_, Some(id)) => (Method::PATCH, format!("/api/tasks/{id}")),
            (_, None) => (Method::POST, "/api/tasks".to_owned()),
        };
        let sent_at = Micros::now();
        let sent = self
            .http
            .request(method, format!("{}{path}", self.api))
            .bearer_auth(&self.token)
            .header("traceparent", request.context.header())
            .json(&request.body)
            .send();
        let answer = sent.await.map_err(Abort::during(REQUESTS))?;
        let status = answer.status();
        let text = answer.text().await.map_err(Abort::during(REQUESTS))?;
        if !matches!(status, StatusCode::OK | StatusCode::CREATED) {
            let lane = &self.lane;
            return Err(Abort::because(
                REQUESTS,
                format!("{lane}: {path}: {status} {text}"),
            ));
        }
        let outcome = outcome(&text);
        Ok(Operation {
            key: request.key,
            kind: request.kind,
            task_id: request.task_id,
            user_id: self.user_id,
            phase: Phase::Load,
            block: 0,
            intended_at: sent_at,
            sent_at,
            done_at: Micros::now(),
            outcome: outcome
                .ok_or_else(|| Abort::because(REQUESTS, format!("no task in {text}")))?,
        })
    }
}

fn outcome(answer: &str) -> Option<OperationOutcome> {
    let answer: Value = serde_json::from_str(answer).ok()?;
    Some(OperationOutcome::Ok {
        task_id: Uuid::try_parse(answer["id"].as_str()?).ok()?,
        version: Some(answer["version"].as_u64()?),
    })
}

#[cfg(test)]
mod tests {
    use gauntlet_harness::ledger::sample;

    use super::*;

    #[test]
    fn an_answer_acknowledges_the_task_and_the_version_that_it_names() {
        let id = sample::task_id(1);
        let answer = json!({"id": id, "version": 3, "title": "a"}).to_string();
        let promised = OperationOutcome::Ok {
            task_id: id,
            version: Some(3),
        };
        assert_eq!(outcome(&answer), Some(promised));
        for wrong in ["", "{}", "{\"id\": \"x\", \"version\": 3}"] {
            assert_eq!(outcome(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn planted_events_without_spans_are_all_broken() {
        let record = sample::lane("direct-kafka", 3);
        assert_eq!(broken(&record, Default::default()), 3);
    }

    #[test]
    fn every_other_task_begins_a_series() {
        let begins = |number| body(OperationKind::Create, "a", number)["recurrence"].is_object();
        assert_eq!([0, 1, 2].map(begins), [true, false, true]);
    }
}
