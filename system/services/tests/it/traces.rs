//! What a collector is told of a request and of all that comes of it.

mod collector;
mod trouble;

use std::sync::Arc;

use async_trait::async_trait;
use axum::body::Bytes;
use axum::http::{Method, StatusCode};
use gauntlet_contract::{Envelope, EventType, Task, Topic, TopicName};
use gauntlet_ports::invocation::{Answer, CallContext, Target};
use gauntlet_ports::testsuite::messaging::MemoryBroker;
use gauntlet_ports::testsuite::storage::MemoryOutbox;
use gauntlet_ports::{
    Ack, Delivery, Invoker, OutboxQueue as _, PortError, Publisher, Secret, Settle, Subscription,
    SubscriptionSet,
};
use gauntlet_services::consumers::{AuditHandler, traced};
use gauntlet_services::recurring::{RecurringHandler, SeriesApi};
use gauntlet_services::relay::{Relay, RelaySettings};
use gauntlet_services::trace_context::valid_traceparent;
use gauntlet_services::traces::SamplerKind;
use jiff::{SignedDuration, Timestamp};
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use serde_json::json;
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use self::collector::{Answering, Collector, Tracing, WITHIN};
use crate::recurring_support::State;
use crate::support::{Api, SERVICE_TOKEN};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN: &str = "00f067aa0ba902b7";

fn topic(topic: Topic) -> TopicName {
    TopicName::new("", topic)
}

fn delivery(envelope: Envelope) -> Delivery {
    Delivery {
        envelope,
        attempt: 1,
    }
}

/// Relays what the API has committed until so many calls were answered with success.
async fn relay(api: &Api, bus: &Bus, published: usize) {
    let outbox = Arc::new(MemoryOutbox::new(api.store.clone()));
    let settings = RelaySettings::default();
    let relay = Relay::new(
        outbox,
        Arc::new(bus.clone()),
        Arc::new(Notify::new()),
        settings,
    );
    let stop = CancellationToken::new();
    let running = tokio::spawn(relay.run(stop.clone()));
    let mut taken = bus.taken.subscribe();
    let enough = taken.wait_for(|taken| taken.len() >= published);
    tokio::time::timeout(WITHIN, enough).await.unwrap().unwrap();
    stop.cancel();
    running.await.unwrap();
}

/// A bus that refuses so many calls before it takes events.
#[derive(Clone)]
struct Bus {
    refusals: Arc<watch::Sender<usize>>,
    seen: Arc<watch::Sender<Vec<Vec<u8>>>>,
    taken: Arc<watch::Sender<Vec<Envelope>>>,
    broker: MemoryBroker,
}

impl Bus {
    fn refusing(calls: usize) -> Self {
        Self {
            refusals: Arc::new(watch::Sender::new(calls)),
            seen: Arc::default(),
            taken: Arc::default(),
            broker: MemoryBroker::default(),
        }
    }
}

#[async_trait]
impl Publisher for Bus {
    async fn publish(&self, topic: &TopicName, events: &[Envelope]) -> Vec<Ack> {
        let bytes = events
            .iter()
            .map(|event| serde_json::to_vec(event).unwrap());
        self.seen.send_modify(|seen| seen.extend(bytes));
        if *self.refusals.borrow() > 0 {
            self.refusals.send_modify(|refusals| *refusals -= 1);
            return vec![Ack::Rejected("planted".to_owned()); events.len()];
        }
        let acks = self.broker.publish(topic, events).await;
        self.taken
            .send_modify(|taken| taken.extend_from_slice(events));
        acks
    }
}

/// Has the audit role consume what the bus has, until the trail has so many lines.
async fn audited(api: &Api, bus: &Bus, lines: usize) {
    let topic = topic(Topic::TaskEvents);
    let handler = Arc::new(AuditHandler::new(Arc::new(api.audit.clone())));
    let set = SubscriptionSet::default().with(Subscription {
        handler: traced(handler, &topic, "audit"),
        topic,
        group: "audit".to_owned(),
    });
    let stop = CancellationToken::new();
    let consuming = tokio::spawn(bus.broker.ingress(&set, &stop).run);
    let written = async {
        while api.audit.trail().len() < lines {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(WITHIN, written).await.unwrap();
    stop.cancel();
    consuming.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_request_its_event_and_its_line_in_the_trail_are_one_trace() {
    let collector = Collector::start(Answering::Taking).await;
    let tracing = Tracing::to(&collector);
    let (api, bus) = (Api::new(), Bus::refusing(0));
    api.created("traced").await;
    relay(&api, &bus, 1).await;
    audited(&api, &bus, 1).await;
    tracing.finish().await;

    let event = &bus.taken.borrow()[0];
    let request = collector.one(SpanKind::Server, "POST /api/tasks");
    let produced = collector.one(SpanKind::Producer, "publish task-events");
    let consumed = collector.one(SpanKind::Consumer, "process task-events");
    let committed = collector.one(SpanKind::Internal, "commit audit");
    assert_eq!(request.parent, "");
    assert_eq!(produced.parent, request.id);
    assert_eq!(consumed.parent, request.id);
    assert_eq!(committed.parent, consumed.id);
    let all = [&request, &produced, &consumed, &committed];
    for span in all {
        assert_eq!(span.trace_id, request.trace_id);
        assert_eq!(span.service, "api");
        assert!(!span.is_error, "{span:?}");
    }
    assert_eq!(collector.spans().len(), all.len());

    assert_eq!(event.traceparent, Some(request.traceparent()));
    assert_eq!(request.text("http.request.method"), Some("POST"));
    assert_eq!(request.text("http.route"), Some("/api/tasks"));
    assert_eq!(request.number("http.response.status_code"), Some(201));
    for span in [&produced, &consumed] {
        let id = event.id.to_string();
        assert_eq!(span.text("messaging.message.id"), Some(&*id));
        assert_eq!(span.text("messaging.destination.name"), Some("task-events"));
    }
    let group = consumed.text("messaging.consumer.group.name");
    assert_eq!(group, Some("audit"));

    // What tells of the line goes on below the delivery that wrote it.
    let outbox = api.audit.outbox();
    outbox.renew(WITHIN).await.unwrap();
    let told = outbox.unsent(1, &[]).await.unwrap();
    let told = told[0].envelope.traceparent.clone();
    assert_eq!(told, Some(consumed.traceparent()));
}

#[tokio::test]
async fn attempts_at_an_event_are_a_span_each_and_send_the_same_bytes() {
    let collector = Collector::start(Answering::Taking).await;
    let tracing = Tracing::to(&collector);
    let (api, bus) = (Api::new(), Bus::refusing(2));
    api.created("refused").await;
    relay(&api, &bus, 1).await;
    tracing.finish().await;

    let seen = bus.seen.borrow().clone();
    assert_eq!(seen.len(), 3);
    assert!(seen.iter().all(|bytes| *bytes == seen[0]));
    let mut spans = collector.spans();
    spans.retain(|span| span.kind == SpanKind::Producer);
    let errors: Vec<_> = spans.iter().map(|span| span.is_error).collect();
    assert_eq!(errors, [true, true, false]);
    let request = collector.one(SpanKind::Server, "POST /api/tasks");
    assert!(spans.iter().all(|span| span.parent == request.id));
}

/// What the events of a request carry that came with `header`, and how many spans it left.
async fn carried(sampler: SamplerKind, header: Option<&str>) -> (String, Collector) {
    let collector = Collector::start(Answering::Taking).await;
    let tracing = Tracing::with(&collector, |settings| settings.sampler = sampler);
    let api = Api::new();
    let mut call = api.call(Method::POST, "/api/tasks");
    if let Some(header) = header {
        call = call.header("traceparent", header);
    }
    let answer = call.json(&json!({"title": "traced"})).await;
    assert_eq!(answer.status, StatusCode::CREATED);
    tracing.finish().await;
    let event = api.store.events().remove(0);
    (event.traceparent.unwrap(), collector)
}

#[tokio::test]
async fn a_clients_sampled_trace_is_gone_on_with() {
    let sampled = format!("00-{TRACE}-{SPAN}-01");
    let (carried, collector) = carried(SamplerKind::ParentOrOn, Some(&sampled)).await;
    let request = collector.one(SpanKind::Server, "POST /api/tasks");
    assert_eq!((&*request.trace_id, &*request.parent), (TRACE, SPAN));
    assert_eq!(carried, request.traceparent());
}

#[tokio::test]
async fn a_header_that_is_no_trace_begins_one_that_is_recorded() {
    for header in [None, Some("garbage")] {
        let (carried, collector) = carried(SamplerKind::ParentOrOn, header).await;
        let request = collector.one(SpanKind::Server, "POST /api/tasks");
        assert_eq!(request.parent, "");
        assert_eq!(carried, request.traceparent());
    }
}

#[tokio::test]
async fn what_nobody_records_is_carried_on_as_it_came_or_begun_without_the_flag() {
    let unsampled = format!("00-{TRACE}-{SPAN}-00");
    let (carried_on, collector) = carried(SamplerKind::ParentOrOn, Some(&unsampled)).await;
    assert_eq!(carried_on, unsampled);
    assert_eq!(collector.spans().len(), 0);

    let sampled = format!("00-{TRACE}-{SPAN}-01");
    let (carried_on, collector) = carried(SamplerKind::AlwaysOff, Some(&sampled)).await;
    assert_eq!(carried_on, sampled);
    assert_eq!(collector.spans().len(), 0);

    let (begun, collector) = carried(SamplerKind::ParentOrOff, None).await;
    assert_eq!(valid_traceparent(&begun), Some(&*begun));
    assert!(begun.ends_with("-00"), "{begun}");
    assert_eq!(collector.spans().len(), 0);
}

#[tokio::test]
async fn a_request_that_is_the_clients_fault_is_no_error_of_ours() {
    let collector = Collector::start(Answering::Taking).await;
    let tracing = Tracing::to(&collector);
    let api = Api::new();
    api.post("/api/tasks", &json!({})).await;
    api.get("/health/live").send("").await;
    tracing.finish().await;
    let request = collector.one(SpanKind::Server, "POST /api/tasks");
    assert_eq!(request.number("http.response.status_code"), Some(422));
    assert!(!request.is_error);
    assert_eq!(
        collector.spans().len(),
        1,
        "health is no request of anybody's"
    );
}

/// Calls the api in this process.
struct InProcess(Arc<Api>);

#[async_trait]
impl Invoker for InProcess {
    async fn invoke(
        &self,
        target: &Target,
        body: Bytes,
        context: &CallContext,
    ) -> Result<Answer, PortError> {
        let path = format!("/{}", target.path());
        let answer = self
            .0
            .service(target.method().clone(), &path)
            .header("traceparent", context.traceparent.as_deref().unwrap())
            .header("content-type", "application/json")
            .send(body)
            .await;
        Ok(Answer {
            status: answer.status,
            retry_after: None,
            body: answer.text().into(),
        })
    }
}

#[tokio::test]
async fn the_next_instance_is_in_the_trace_of_whoever_completed_the_one_before() {
    let collector = Collector::start(Answering::Taking).await;
    let tracing = Tracing::to(&collector);
    let api = Arc::new(Api::new());
    let due = Timestamp::now() - SignedDuration::from_hours(72);
    let recurrence = json!({"rule": {"frequency": "daily"}, "mode": "on_completion"});
    let body = json!({"title": "water", "due_date": due, "recurrence": recurrence});
    let task: Task = api.made("/api/tasks", &body).await;
    let path = format!("/api/tasks/{}/complete", task.id);
    api.patch(&path, &json!({"completed": true})).await;
    let mut events = api.store.events();
    events.retain(|event| event.kind == EventType::InstanceSettled);

    let token = Secret::new(SERVICE_TOKEN).unwrap();
    let invoker = Arc::new(InProcess(Arc::clone(&api)));
    let client = SeriesApi::new(invoker, "api", token, SeriesApi::DEADLINE);
    let handler = RecurringHandler::new(Arc::new(State::default()), client);
    let handler = traced(
        Arc::new(handler),
        &topic(Topic::TaskRecurrence),
        "recurring",
    );
    let settled = handler.handle(&[delivery(events.remove(0))]).await;
    assert_eq!(settled, [Settle::Done]);
    tracing.finish().await;

    let route = "POST /internal/series/{id}/instances";
    let completed = collector.one(SpanKind::Server, "PATCH /api/tasks/{id}/complete");
    let consumed = collector.one(SpanKind::Consumer, "process task-recurrence");
    let asked = collector.one(SpanKind::Client, route);
    let answered = collector.one(SpanKind::Server, route);
    assert_eq!(consumed.parent, completed.id);
    assert_eq!(asked.parent, consumed.id);
    assert_eq!(answered.parent, asked.id);
    assert_eq!(answered.trace_id, completed.trace_id);
    assert_eq!(asked.number("http.response.status_code"), Some(200));
    let created = api.store.events().pop().unwrap();
    assert_eq!(created.traceparent, Some(answered.traceparent()));
}
