use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use gauntlet_adapters::dapr::{
    DaprIngressSettings, DaprInvoker, DaprPublisher, DaprSettings, Refusals, ingress_telling,
};
use gauntlet_contract::{Envelope, TaskId, TopicName};
use gauntlet_harness::component::redis::Redis;
use gauntlet_ports::invocation::{CallContext, Target};
use gauntlet_ports::testsuite::messaging::{Recorder, task_event};
use gauntlet_ports::{Ack, Invoker as _, Publisher as _, Secret, Subscription, SubscriptionSet};
use libtest_mimic::Trial;
use tokio::net::TcpListener;
use tokio::sync::{Mutex, watch};
use tokio_util::sync::CancellationToken;

use super::{AUDIT, BoxError, COMPONENTS, PUBSUB, Seat, TOKEN, common};
use crate::components::{Components, Ground};
use crate::topics::fresh_topic;
use crate::trials::trials;

const TOKEN_HEADER: &str = "dapr-api-token";
const TIMEOUT: Duration = Duration::from_secs(10);

pub(crate) fn trials(components: &Arc<Components>) -> Vec<Trial> {
    trials!(components, Components::deliveries =>
        a_sidecar_delivers_with_its_token_and_nobody_delivers_without,
        a_sidecar_whose_token_is_refused_delivers_again_and_loses_nothing,
        whatever_is_called_by_its_url_is_shown_the_token,
    )
}

/// A sidecar with Redis behind its topics, and an app that it delivers to.
#[derive(Clone)]
pub(crate) struct Deliveries {
    sidecar: String,
    app: String,
    topic: TopicName,
    handler: Arc<Recorder>,
    refusals: Refusals,
    mistakes: Mistakes,
    /// One trial at a time: a mistake is made with whatever is delivered next.
    turn: Arc<Mutex<()>>,
}

/// Deliveries whose token is to be spoiled on their way: how many are left, and how many there were.
#[derive(Clone)]
struct Mistakes {
    left: Arc<AtomicU32>,
    made: watch::Sender<u32>,
}

impl Deliveries {
    pub(crate) async fn start(ground: &Ground, redis: &Redis) -> Result<Self, BoxError> {
        let topic = fresh_topic();
        let handler = Arc::new(Recorder::accepting());
        let subscriptions = SubscriptionSet::default().with(Subscription {
            topic: topic.clone(),
            group: AUDIT.to_owned(),
            handler: Arc::clone(&handler) as _,
        });
        let settings = DaprIngressSettings {
            pubsub_name: PUBSUB.to_owned(),
            token: Secret::new(TOKEN).ok_or("a token")?,
        };
        let refusals = Refusals::default();
        let never = CancellationToken::new();
        let ingress = ingress_telling(&refusals, &settings, &subscriptions, &never);
        tokio::spawn(ingress.run);
        let mistakes = Mistakes {
            left: Arc::default(),
            made: watch::Sender::new(0),
        };
        let router = ingress.router.ok_or("the ingress of a sidecar")?;
        let router = router.layer(from_fn_with_state(mistakes.clone(), spoil));
        let app = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = app.local_addr()?;
        tokio::spawn(axum::serve(app, router).into_future());
        let seat = Seat {
            name: "delivering".to_owned(),
            app_id: AUDIT,
            app: address,
            resources: vec![common(), PathBuf::from(COMPONENTS).join("redis")],
            env: vec![
                ("REDIS_HOST".to_owned(), redis.peers().to_owned()),
                ("CONSUMER_GROUP".to_owned(), format!("{topic}.{{appID}}")),
                ("APP_API_TOKEN".to_owned(), TOKEN.to_owned()),
            ],
            home: &ground.site.run.temp_dir("delivering")?,
        };
        Ok(Self {
            sidecar: seat.take(ground).await?,
            app: format!("http://{address}"),
            topic,
            handler,
            refusals,
            mistakes,
            turn: Arc::default(),
        })
    }

    async fn publish(&self, event: &Envelope) {
        let publisher = DaprPublisher::new(&DaprSettings {
            http_url: self.sidecar.clone(),
            pubsub_name: PUBSUB.to_owned(),
            timeout: TIMEOUT,
        });
        let event = std::slice::from_ref(event);
        let acks = publisher.unwrap().publish(&self.topic, event).await;
        assert_eq!(acks, [Ack::Ok]);
    }

    /// Delivers past the sidecar, as whoever reaches the app's port could.
    async fn forge(&self, event: &Envelope, token: Option<&str>) -> StatusCode {
        let url = format!("{}/events/{}", self.app, self.topic);
        let mut request = reqwest::Client::new().post(url).json(event);
        if let Some(token) = token {
            request = request.header(TOKEN_HEADER, token);
        }
        request.send().await.unwrap().status()
    }
}

async fn spoil(State(mistakes): State<Mistakes>, mut request: Request, next: Next) -> Response {
    let is_delivery = request.method() == Method::POST;
    let one_less = |left: u32| left.checked_sub(1);
    let (set, fetch) = (Ordering::SeqCst, Ordering::SeqCst);
    if is_delivery && mistakes.left.fetch_update(set, fetch, one_less).is_ok() {
        let wrong = HeaderValue::from_static("another-token");
        request.headers_mut().insert(TOKEN_HEADER, wrong);
        mistakes.made.send_modify(|made| *made += 1);
    }
    next.run(request).await
}

async fn a_sidecar_delivers_with_its_token_and_nobody_delivers_without(bench: Deliveries) {
    let _turn = bench.turn.lock().await;
    let (genuine, forged) = (
        task_event(TaskId::generate(), 1),
        task_event(TaskId::generate(), 1),
    );
    for token in [None, Some(""), Some("another-token")] {
        let answer = bench.forge(&forged, token).await;
        assert_eq!(answer, StatusCode::UNAUTHORIZED, "{token:?}");
        assert!(bench.refusals.check().is_err(), "{token:?}");
    }
    bench.publish(&genuine).await;
    bench
        .handler
        .until("what the sidecar delivers", |seen| {
            seen.times(genuine.id) > 0
        })
        .await;
    assert_eq!(bench.refusals.check(), Ok(()), "the sidecar is let in");
    // The handler is what writes rows: what it never saw left none.
    assert_eq!(bench.handler.times(forged.id), 0);
    // It is the token that was amiss, and nothing else.
    assert_eq!(bench.forge(&forged, Some(TOKEN)).await, StatusCode::OK);
    assert_eq!(bench.handler.times(forged.id), 1);
}

async fn a_sidecar_whose_token_is_refused_delivers_again_and_loses_nothing(bench: Deliveries) {
    const MISTAKES: u32 = 3;
    let _turn = bench.turn.lock().await;
    let before = *bench.mistakes.made.borrow();
    bench.mistakes.left.store(MISTAKES, Ordering::SeqCst);
    let event = task_event(TaskId::generate(), 1);
    bench.publish(&event).await;
    bench
        .handler
        .until("what was refused at first", |seen| seen.times(event.id) > 0)
        .await;
    assert_eq!(*bench.mistakes.made.borrow() - before, MISTAKES);
    assert_eq!(bench.handler.times(event.id), 1);
}

/// A fault of 1.16.5 that must be known: it takes what it calls by a URL for an app of its own.
async fn whatever_is_called_by_its_url_is_shown_the_token(bench: Deliveries) {
    let (shown, mut seen) = watch::channel(None);
    let note = move |headers: HeaderMap| {
        shown.send_replace(headers.get(TOKEN_HEADER).cloned());
        std::future::ready(())
    };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().fallback(note);
    tokio::spawn(axum::serve(listener, router).into_future());
    let target = Target::url(&url, Method::GET, "x").unwrap();
    let invoker = DaprInvoker::new(&bench.sidecar).unwrap();
    let context = CallContext::within(TIMEOUT);
    let answer = invoker.invoke(&target, Bytes::new(), &context).await;
    assert_eq!(answer.unwrap().status, StatusCode::OK);
    let shown = seen.borrow_and_update().clone();
    assert_eq!(shown, Some(HeaderValue::from_static(TOKEN)));
}
