use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use axum::{Json, Router};
use futures::FutureExt;
use futures::future::join_all;
use gauntlet_contract::TopicName;
use gauntlet_ports::{Ingress, ReadySignal, Secret, Settle, SourceState, SubscriptionSet};
use tokio_util::sync::CancellationToken;

use super::gate::{Gate, admit};
use super::refusals::Refusals;
use super::subscribe::{Answer, Declared, route};
use crate::consume::{Batcher, decode};
use crate::telemetry;

/// Largest delivery: the sidecar's own limit for a body. An event that the broker has let in must
/// reach the decoder, or the server's 413 would be retried for ever.
const DELIVERY_MAX_BYTES: usize = 4 * 1024 * 1024;

/// How the sidecar sees this app's subscriptions.
#[derive(Clone, Debug)]
pub struct DaprIngressSettings {
    /// Name of the pub/sub component; must be the publisher's.
    pub pubsub_name: String,
    /// What the sidecar shows with each delivery: its `APP_API_TOKEN`.
    pub token: Secret,
}

/// Routes for a sidecar to deliver to, and the task that handles what it delivers.
///
/// - `GET /dapr/subscribe` declares the set, and makes the ingress ready. The sidecar reads it once,
///   at its own start: an app that comes back beside a living sidecar is not asked again, and is
///   ready with its first delivery, or when [`DaprSidecar::delivers`](super::DaprSidecar) says so.
/// - `POST /events/<topic>` takes one `CloudEvent` and answers 200 with `SUCCESS`, `RETRY` or `DROP`.
///   A dropped event goes to `<topic>-dlq`, by the sidecar. Bytes that are no envelope of ours
///   are dropped at once, counted, and logged with the reason: they can never be handled. Whoever does
///   not show the sidecar's token in `dapr-api-token` is answered 401, an RFC 9457 problem, and counted:
///   the port may be within others' reach, and what is handled is written down as having happened.
///
/// The router answers only while `run` is polled. After `stop` is cancelled, what had arrived is
/// handled and everything newer is answered with `RETRY`. A subscription's `group` is not used:
/// with Dapr the component's `consumerID` is the group.
pub fn ingress(
    settings: &DaprIngressSettings,
    set: &SubscriptionSet,
    stop: &CancellationToken,
) -> Ingress {
    ingress_telling(&Refusals::default(), settings, set, stop)
}

/// As [`ingress`], and notes there which deliveries are refused.
pub fn ingress_telling(
    refusals: &Refusals,
    settings: &DaprIngressSettings,
    set: &SubscriptionSet,
    stop: &CancellationToken,
) -> Ingress {
    let (ready, state) = ReadySignal::single();
    let declared: Arc<[Declared]> = set
        .iter()
        .map(|subscription| Declared::new(&settings.pubsub_name, &subscription.topic))
        .collect();
    let subscribe = Subscribe {
        declared,
        state: state.clone(),
    };
    let mut router = Router::new().route("/dapr/subscribe", get(declare).with_state(subscribe));
    let mut batchers = Vec::new();
    for subscription in set.iter() {
        let topic = subscription.topic.clone();
        let (batcher, run) = Batcher::new(subscription.clone(), stop.clone());
        batchers.push(run);
        let gate = Gate::new(&settings.token, topic.clone(), refusals.clone());
        let path = route(&topic);
        let delivery = post(deliver).with_state(Delivered {
            topic,
            batcher,
            state: state.clone(),
        });
        router = router.route(&path, delivery.layer(from_fn_with_state(gate, admit)));
    }
    Ingress {
        router: Some(router.layer(DefaultBodyLimit::max(DELIVERY_MAX_BYTES))),
        ready,
        run: join_all(batchers).map(|_ended| Ok(())).boxed(),
    }
}

#[derive(Clone)]
struct Subscribe {
    declared: Arc<[Declared]>,
    state: SourceState,
}

async fn declare(State(subscribe): State<Subscribe>) -> Json<Vec<Declared>> {
    subscribe.state.consuming();
    Json(subscribe.declared.to_vec())
}

#[derive(Clone)]
struct Delivered {
    topic: TopicName,
    batcher: Batcher,
    state: SourceState,
}

async fn deliver(State(route): State<Delivered>, body: Bytes) -> Json<Answer> {
    route.state.consuming();
    let envelope = match decode(&body) {
        Ok(envelope) => envelope,
        Err(reason) => {
            tracing::warn!(topic = %route.topic, reason, "dead-lettered");
            telemetry::undecodable(&route.topic, 1);
            return Json(Answer::DROP);
        }
    };
    let id = envelope.id;
    let settle = route.batcher.submit(envelope).await;
    if let Settle::DeadLetter(reason) = &settle {
        tracing::warn!(topic = %route.topic, event = %id, reason, "dead-lettered");
    }
    Json(Answer::from(&settle))
}

#[cfg(test)]
mod tests {
    use axum::body::{Body, to_bytes};
    use axum::http::{Request, StatusCode};
    use gauntlet_contract::{Envelope, TaskId, Topic};
    use gauntlet_ports::testsuite::messaging::{Recorder, task_event};
    use gauntlet_ports::{Handler, Subscription};
    use metrics_exporter_prometheus::PrometheusBuilder;
    use serde_json::{Value, json};
    use tower::ServiceExt;

    use super::*;

    const TOKEN: &str = "hunter2-hunter2-hunter2-hunter2-";

    fn start(handler: Arc<dyn Handler>) -> (Ingress, CancellationToken) {
        let settings = DaprIngressSettings {
            pubsub_name: "pubsub".to_owned(),
            token: Secret::new(TOKEN).unwrap(),
        };
        let set = SubscriptionSet::default().with(Subscription {
            topic: TopicName::new("", Topic::TaskEvents),
            group: "audit".to_owned(),
            handler,
        });
        let stop = CancellationToken::new();
        (ingress(&settings, &set, &stop), stop)
    }

    async fn call(router: &Router, request: Request<Body>) -> Value {
        let response = router.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        serde_json::from_slice(&body).unwrap()
    }

    async fn post_event(router: &Router, body: impl Into<Body>) -> Value {
        call(router, delivery(Some(TOKEN), body)).await
    }

    fn delivery(token: Option<&str>, body: impl Into<Body>) -> Request<Body> {
        let mut request = Request::post("/events/task-events")
            .header("content-type", "application/cloudevents+json");
        if let Some(token) = token {
            request = request.header("dapr-api-token", token);
        }
        request.body(body.into()).unwrap()
    }

    /// The event as the sidecar delivers it: with attributes of its own beside ours.
    fn from_sidecar(event: &Envelope) -> Vec<u8> {
        let mut value = serde_json::to_value(event).unwrap();
        value["topic"] = json!("task-events");
        value["pubsubname"] = json!("pubsub");
        value["traceid"] = json!("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
        serde_json::to_vec(&value).unwrap()
    }

    #[tokio::test]
    async fn ready_once_the_sidecar_has_read_the_set() {
        let (ingress, _stop) = start(Arc::new(Recorder::accepting()));
        assert!(!ingress.ready.is_ready());
        let request = Request::get("/dapr/subscribe").body(Body::empty()).unwrap();
        let declared = call(&ingress.router.unwrap(), request).await;
        assert_eq!(
            declared,
            json!([{
                "pubsubname": "pubsub",
                "topic": "task-events",
                "route": "/events/task-events",
                "deadLetterTopic": "task-events-dlq",
            }])
        );
        assert!(ingress.ready.is_ready());
    }

    #[tokio::test]
    async fn ready_with_a_delivery_from_a_sidecar_that_lived_on() {
        let (ingress, _stop) = start(Arc::new(Recorder::accepting()));
        post_event(&ingress.router.unwrap(), "{}").await;
        assert!(ingress.ready.is_ready());
    }

    /// The sidecar's token, but for one thing each.
    fn forged() -> [Option<String>; 5] {
        let but = |token: String| Some(token);
        [
            None,
            but(String::new()),
            but(TOKEN[1..].to_owned()),
            but(format!("{TOKEN}x")),
            but(TOKEN.to_uppercase()),
        ]
    }

    #[tokio::test]
    async fn only_the_sidecar_delivers_and_a_forged_delivery_changes_nothing() {
        let handler = Arc::new(Recorder::accepting());
        let (ingress, _stop) = start(handler.clone());
        let (ready, router) = (ingress.ready, ingress.router.unwrap());
        let running = tokio::spawn(ingress.run);
        let event = task_event(TaskId::generate(), 1);
        for token in forged() {
            let request = delivery(token.as_deref(), from_sidecar(&event));
            let response = router.clone().oneshot(request).await.unwrap();
            assert_eq!(response.status(), StatusCode::UNAUTHORIZED, "{token:?}");
            assert!(response.headers().contains_key("www-authenticate"));
            let kind = &response.headers()["content-type"];
            assert_eq!(kind, "application/problem+json");
            let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
            let problem: Value = serde_json::from_slice(&body).unwrap();
            assert_eq!(problem["type"], "/problems/unauthorized");
            assert_eq!(problem["status"], 401);
        }
        assert_eq!(handler.times(event.id), 0);
        assert!(!ready.is_ready(), "a stranger's word for the sidecar's");

        let answer = post_event(&router, from_sidecar(&event)).await;
        assert_eq!(answer, json!({"status": "SUCCESS"}));
        assert_eq!(handler.times(event.id), 1);
        running.abort();
    }

    #[tokio::test]
    async fn refusals_are_told_of_until_the_sidecar_shows_its_token() {
        let settings = DaprIngressSettings {
            pubsub_name: "pubsub".to_owned(),
            token: Secret::new(TOKEN).unwrap(),
        };
        let set = SubscriptionSet::default().with(Subscription {
            topic: TopicName::new("", Topic::TaskEvents),
            group: "audit".to_owned(),
            handler: Arc::new(Recorder::accepting()),
        });
        let refusals = Refusals::default();
        let stop = CancellationToken::new();
        let router = ingress_telling(&refusals, &settings, &set, &stop).router;
        let router = router.unwrap();
        assert_eq!(refusals.check(), Ok(()));
        for token in forged() {
            let request = delivery(token.as_deref(), "{not json");
            router.clone().oneshot(request).await.unwrap();
        }
        let told = refusals.check().unwrap_err();
        assert!(told.contains("task-events are refused, 5 in a row"));
        post_event(&router, "{not json").await;
        assert_eq!(refusals.check(), Ok(()));
    }

    #[tokio::test]
    async fn what_another_app_invokes_through_the_sidecar_is_no_delivery() {
        let handler = Arc::new(Recorder::accepting());
        let (ingress, _stop) = start(handler.clone());
        let running = tokio::spawn(ingress.run);
        let event = task_event(TaskId::generate(), 1);
        let mut request = delivery(Some(TOKEN), from_sidecar(&event));
        let caller = "recurring".parse().unwrap();
        request.headers_mut().insert("dapr-caller-app-id", caller);
        let router = ingress.router.unwrap();
        let response = router.oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
        assert_eq!(handler.times(event.id), 0);
        running.abort();
    }

    #[test]
    fn forged_deliveries_are_counted_and_not_as_events() {
        let recorder = PrometheusBuilder::new().build_recorder();
        let handle = recorder.handle();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        metrics::with_local_recorder(&recorder, || {
            runtime.block_on(async {
                let (ingress, _stop) = start(Arc::new(Recorder::accepting()));
                let router = ingress.router.unwrap();
                for token in forged() {
                    let request = delivery(token.as_deref(), "{not json");
                    let response = router.clone().oneshot(request).await.unwrap();
                    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
                }
            });
        });
        let metrics = handle.render();
        let counted = r#"todo_deliveries_refused_total{topic="task-events"} 5"#;
        assert!(metrics.contains(counted), "{metrics}");
        assert!(!metrics.contains("todo_events_consumed_total"), "{metrics}");
    }

    #[test]
    fn the_settings_do_not_show_the_token() {
        let settings = DaprIngressSettings {
            pubsub_name: "pubsub".to_owned(),
            token: Secret::new(TOKEN).unwrap(),
        };
        assert!(!format!("{settings:?}").contains("hunter2"));
    }

    #[tokio::test]
    async fn deliveries_are_answered_as_the_handler_settles_them() {
        let handler = Arc::new(Recorder::answering(|delivery, _| {
            match delivery.envelope.data.version() {
                Some(1) => Settle::Done,
                Some(2) => Settle::Retry,
                _ => Settle::DeadLetter("poison".to_owned()),
            }
        }));
        let (ingress, _stop) = start(handler.clone());
        let router = ingress.router.unwrap();
        let running = tokio::spawn(ingress.run);
        let expected = [(1, "SUCCESS"), (2, "RETRY"), (3, "DROP")];
        for (version, status) in expected {
            let event = task_event(TaskId::generate(), version);
            let answer = post_event(&router, from_sidecar(&event)).await;
            assert_eq!(answer, json!({ "status": status }));
            assert_eq!(handler.times(event.id), 1);
        }
        running.abort();
    }

    #[tokio::test]
    async fn bytes_that_are_no_envelope_are_dropped_without_the_handler() {
        let (ingress, _stop) = start(Arc::new(Recorder::answering(|_, _| {
            panic!("the handler must not see this")
        })));
        let router = ingress.router.unwrap();
        for body in ["{not json", "{}", r#"{"specversion":"0.3"}"#] {
            assert_eq!(post_event(&router, body).await, json!({"status": "DROP"}));
        }
    }

    #[tokio::test]
    async fn a_draining_app_answers_retry() {
        let (ingress, stop) = start(Arc::new(Recorder::accepting()));
        stop.cancel();
        ingress.run.await.unwrap();
        let event = task_event(TaskId::generate(), 1);
        let answer = post_event(&ingress.router.unwrap(), from_sidecar(&event)).await;
        assert_eq!(answer, json!({"status": "RETRY"}));
    }
}
