//! The role `recurring` and the api role together: what a user sees of their work.

use std::sync::Arc;

use async_trait::async_trait;
use axum::body::Bytes;
use gauntlet_contract::task::Page;
use gauntlet_contract::{Envelope, EventType, Task};
use gauntlet_ports::invocation::{Answer, CallContext, Target};
use gauntlet_ports::{Delivery, Handler as _, Invoker, PortError, Secret, Settle};
use gauntlet_services::recurring::{RecurringHandler, SchedulePass, ScheduleSettings, SeriesApi};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::recurring_support::{State, WITHIN, cut_short, pause};
use crate::support::{Api, SERVICE_TOKEN};

/// Calls the api in this process.
#[derive(Clone)]
struct Direct(Arc<Api>);

#[async_trait]
impl Invoker for Direct {
    async fn invoke(
        &self,
        target: &Target,
        body: Bytes,
        context: &CallContext,
    ) -> Result<Answer, PortError> {
        pause().await;
        let path = format!("/{}", target.path());
        let mut call = self.0.call(target.method().clone(), &path);
        call = match &context.bearer {
            Some(token) => call.with_token(token.reveal()),
            None => call.without_token(),
        };
        if let Some(key) = &context.idempotency_key {
            call = call.header("idempotency-key", key);
        }
        if let Some(traceparent) = &context.traceparent {
            call = call.header("traceparent", traceparent);
        }
        let answer = call
            .header("content-type", "application/json")
            .send(body)
            .await;
        pause().await;
        Ok(Answer {
            status: answer.status,
            retry_after: None,
            body: answer.text().into(),
        })
    }
}

impl Direct {
    fn new() -> Self {
        Self(Arc::new(Api::new()))
    }

    fn client(&self) -> SeriesApi {
        let token = Secret::new(SERVICE_TOKEN).unwrap();
        SeriesApi::new(Arc::new(self.clone()), "api", token, SeriesApi::DEADLINE)
    }

    fn handler(&self, state: &State) -> RecurringHandler {
        RecurringHandler::new(Arc::new(state.clone()), self.client())
    }

    /// What happened to instances that were settled, as the topic `task-recurrence` tells it.
    fn settlements(&self) -> Vec<Delivery> {
        let is_settlement = |event: &Envelope| event.kind == EventType::InstanceSettled;
        let events = self.0.store.events().into_iter().filter(is_settlement);
        events
            .map(|envelope| Delivery {
                envelope,
                attempt: 1,
            })
            .collect()
    }

    /// The numbers of a task's series, in their order.
    async fn numbers(&self, task: &Task) -> Vec<u32> {
        let path = format!("/api/tasks/{}/instances?limit=100", task.id);
        let page: Page<Task> = self.0.read(&path).await;
        let occurrences = page.items.iter().map(|task| task.occurrence.unwrap());
        occurrences.map(|occurrence| occurrence.number).collect()
    }

    async fn complete(&self, task: &Task) {
        let path = format!("/api/tasks/{}/complete", task.id);
        let answer = self.0.patch(&path, &json!({"completed": true})).await;
        assert!(answer.status.is_success(), "{}", answer.text());
    }

    /// A task of a daily series that was first due so many days ago.
    async fn daily(&self, mode: &str, days_ago: i64) -> Task {
        let due = Timestamp::now() - SignedDuration::from_hours(24 * days_ago);
        let recurrence = json!({"rule": {"frequency": "daily"}, "mode": mode});
        let body = json!({"title": "water plants", "due_date": due, "recurrence": recurrence});
        self.0.made("/api/tasks", &body).await
    }
}

#[tokio::test]
async fn whoever_completes_an_instance_finds_the_next_one_however_often_it_is_told() {
    let api = Direct::new();
    let handler = api.handler(&State::default());
    let task = api.daily("on_completion", 3).await;
    api.complete(&task).await;
    let settlements = api.settlements();
    assert_eq!(settlements.len(), 1);
    for _ in 0..3 {
        assert_eq!(handler.handle(&settlements).await, [Settle::Done]);
    }
    assert_eq!(api.numbers(&task).await, [1, 2]);
}

#[tokio::test]
async fn a_crash_at_any_point_leaves_a_user_with_one_next_instance() {
    for polls in 0.. {
        let api = Direct::new();
        let state = State::default();
        let task = api.daily("on_completion", 3).await;
        api.complete(&task).await;
        let settlements = api.settlements();
        let ended = cut_short(api.handler(&state).handle(&settlements), polls).await;
        let settled = api.handler(&state).handle(&settlements).await;
        assert_eq!(settled, [Settle::Done], "cut short at poll {polls}");
        assert_eq!(
            api.numbers(&task).await,
            [1, 2],
            "cut short at poll {polls}"
        );
        if ended.is_some() {
            assert!(polls > 4, "there were only {polls} points");
            break;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_on_schedule_series_far_behind_has_every_occurrence_after_one_pass() {
    let api = Direct::new();
    let task = api.daily("on_schedule", 40).await;
    let state = Arc::new(State::default());
    let pass = SchedulePass::new(api.client(), state, ScheduleSettings::default()).unwrap();
    let status = pass.status();
    let stop = CancellationToken::new();
    let passing = pass.run(stop.clone());
    let finished = async {
        while status.last_pass().is_none() {
            pause().await;
        }
        stop.cancel();
    };
    let both = async { tokio::join!(passing, finished) };
    tokio::time::timeout(WITHIN, both).await.unwrap();
    // The last of them is due tomorrow: of those that have fallen due none lacks its successor.
    assert_eq!(api.numbers(&task).await, (1..=42).collect::<Vec<_>>());
}
