//! The contract of a persistent caller, on a caller whose failures are planted. Time is paused: what
//! waits, waits no real time.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::http::{Method, StatusCode};
use futures::FutureExt as _;
use tokio::time::{Instant, advance};

use super::{MemoryInvoker, PlantedInCall};
use crate::error::{PortError, PortErrorKind};
use crate::invocation::{
    Answer, Backoff, BreakerSettings, CallContext, Callee, Invoker, PersistentSettings, Target,
};

const FAILURES: u32 = 3;
const PAUSE: Duration = Duration::from_mins(1);
const ATTEMPT: Duration = Duration::from_secs(1);

pub(super) fn settings() -> PersistentSettings {
    PersistentSettings {
        attempt_timeout: ATTEMPT,
        backoff: Backoff {
            first: Duration::from_millis(10),
            ceiling: Duration::from_millis(100),
        },
        breaker: BreakerSettings {
            failures: NonZeroU32::new(FAILURES).unwrap(),
            pause: PAUSE,
        },
    }
}

/// A persistent caller in front of apps whose failures are planted.
struct Bench {
    apps: MemoryInvoker,
    caller: Arc<dyn Invoker>,
}

impl Bench {
    async fn call(&self, app: &Callee, context: &CallContext) -> Result<Answer, PortError> {
        self.call_by(Method::POST, app, context).await
    }

    async fn call_by(
        &self,
        method: Method,
        app: &Callee,
        context: &CallContext,
    ) -> Result<Answer, PortError> {
        let Callee::App(name) = app else {
            panic!("{app} is no app");
        };
        let target = Target::app(name, method, "x").unwrap();
        let body = Bytes::from("{}");
        self.caller.invoke(&target, body, context).await
    }

    /// Calls until the breaker is open: with no time left for a second attempt.
    async fn exhaust(&self, app: &Callee) {
        self.apps
            .plant(app, vec![PlantedInCall::Unavailable; FAILURES as usize]);
        for _ in 0..FAILURES {
            self.failed(app, &hasty()).await;
        }
    }

    async fn failed(&self, app: &Callee, context: &CallContext) -> PortError {
        self.call(app, context).await.expect_err("it should fail")
    }

    fn calls(&self, app: &Callee) -> usize {
        self.apps.called_at(app).len()
    }
}

fn app(name: &str) -> Callee {
    Callee::App(name.to_owned())
}

fn patient() -> CallContext {
    CallContext::within(Duration::from_secs(30))
}

fn hasty() -> CallContext {
    CallContext::within(Duration::from_nanos(1))
}

fn repeatable() -> CallContext {
    CallContext {
        idempotency_key: Some("once".to_owned()),
        ..patient()
    }
}

fn answer(status: StatusCode, retry_after: Option<Duration>) -> PlantedInCall {
    PlantedInCall::Answer {
        status,
        retry_after,
    }
}

/// Runs every case, each on a fresh caller from `make`.
pub(super) async fn persistence_suite(make: impl Fn(MemoryInvoker) -> Arc<dyn Invoker>) {
    let bench = || {
        let apps = MemoryInvoker::default();
        apps.run(app("api"));
        apps.run(app("audit"));
        let caller = make(apps.clone());
        Bench { apps, caller }
    };
    what_was_not_delivered_is_called_again(bench()).await;
    what_may_have_been_delivered_is_repeated_only_with_a_key(bench()).await;
    what_changes_nothing_is_repeated_without_a_key(bench()).await;
    of_an_unknown_outcome_nothing_is_taken_for_granted(bench()).await;
    what_can_never_be_delivered_is_not_repeated(bench()).await;
    an_app_that_wants_to_be_left_alone_is_left_alone(bench()).await;
    other_answers_are_final(bench()).await;
    the_deadline_bounds_all_attempts(bench()).await;
    a_doubtful_call_is_never_called_undelivered(bench()).await;
    an_open_breaker_answers_at_once(bench()).await;
    a_breaker_is_one_partys_alone(bench()).await;
    a_probe_closes_the_breaker_or_opens_it_again(bench()).await;
    a_probe_that_is_dropped_gives_its_place_to_the_next(bench()).await;
    answers_keep_the_breaker_closed(bench()).await;
}

async fn what_was_not_delivered_is_called_again(bench: Bench) {
    let api = app("api");
    bench.apps.plant(&api, [PlantedInCall::Unavailable; 2]);
    let answer = bench.call(&api, &patient()).await.expect("an answer");
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(bench.calls(&api), 3);
    assert_eq!(bench.apps.heard().len(), 1);
}

async fn what_may_have_been_delivered_is_repeated_only_with_a_key(bench: Bench) {
    let api = app("api");
    bench.apps.plant(&api, [PlantedInCall::AnswerLost]);
    let lost = bench.call(&api, &patient()).await;
    assert_eq!(bench.calls(&api), 1, "it was delivered twice without a key");
    assert_eq!(lost.expect_err("lost").kind, PortErrorKind::Timeout);

    bench.apps.plant(&api, [PlantedInCall::AnswerLost]);
    let answer = bench.call(&api, &repeatable()).await.expect("an answer");
    assert_eq!(answer.status, StatusCode::OK);
    let keys = bench.apps.heard();
    let keys: Vec<_> = keys
        .iter()
        .map(|heard| heard.idempotency_key.as_deref())
        .collect();
    assert_eq!(keys, [None, Some("once"), Some("once")]);
}

/// As when the callee is away for a moment and a go-between cannot tell whether it was called.
async fn what_changes_nothing_is_repeated_without_a_key(bench: Bench) {
    let api = app("api");
    for (method, times) in [(Method::GET, 3), (Method::HEAD, 6)] {
        let about = method.clone();
        bench.apps.plant(&api, [PlantedInCall::AnswerLost; 2]);
        let answered = bench.call_by(method, &api, &patient()).await;
        let answered = answered.unwrap_or_else(|error| panic!("{about} was given up: {error}"));
        assert_eq!(answered.status, StatusCode::OK);
        assert_eq!(bench.calls(&api), times, "{about}");
    }
    for method in [Method::PUT, Method::PATCH, Method::DELETE] {
        let before = bench.calls(&api);
        bench.apps.plant(&api, [PlantedInCall::AnswerLost]);
        let lost = bench.call_by(method, &api, &patient()).await;
        assert_eq!(lost.expect_err("lost").kind, PortErrorKind::Timeout);
        assert_eq!(bench.calls(&api), before + 1);
    }
}

async fn of_an_unknown_outcome_nothing_is_taken_for_granted(bench: Bench) {
    let api = app("api");
    let unknown = PlantedInCall::Failure(PortErrorKind::Internal);
    bench.apps.plant(&api, [unknown]);
    let lost = bench.failed(&api, &patient()).await;
    assert_eq!(lost.kind, PortErrorKind::Internal);
    assert_eq!(bench.calls(&api), 1, "it was delivered twice without a key");

    bench.apps.plant(&api, [unknown]);
    let answered = bench.call_by(Method::GET, &api, &patient()).await;
    assert_eq!(answered.expect("an answer").status, StatusCode::OK);
    bench.apps.plant(&api, [unknown]);
    let answered = bench.call(&api, &repeatable()).await;
    assert_eq!(answered.expect("an answer").status, StatusCode::OK);
    assert_eq!(bench.calls(&api), 5);
}

async fn what_can_never_be_delivered_is_not_repeated(bench: Bench) {
    let api = app("api");
    let refused = PlantedInCall::Failure(PortErrorKind::Invalid);
    bench.apps.plant(&api, [refused]);
    let invalid = bench.call_by(Method::GET, &api, &repeatable()).await;
    assert_eq!(invalid.expect_err("refused").kind, PortErrorKind::Invalid);
    assert_eq!(bench.calls(&api), 1);
}

async fn an_app_that_wants_to_be_left_alone_is_left_alone(bench: Bench) {
    let api = app("api");
    for status in [
        StatusCode::SERVICE_UNAVAILABLE,
        StatusCode::TOO_MANY_REQUESTS,
    ] {
        let before = bench.calls(&api);
        let wait = Duration::from_secs(7);
        bench.apps.plant(&api, [answer(status, Some(wait))]);
        let answered = bench.call(&api, &patient()).await.expect("an answer");
        assert_eq!(answered.status, StatusCode::OK);
        let calls = &bench.apps.called_at(&api)[before..];
        assert!(calls[1] - calls[0] >= wait, "it came back too early");

        // Longer than there is time: the refusal is the answer, and comes at once.
        let late = Duration::from_mins(1);
        bench.apps.plant(&api, [answer(status, Some(late))]);
        let started_at = Instant::now();
        let answered = bench.call(&api, &patient()).await.expect("an answer");
        assert_eq!(answered.status, status);
        assert!(started_at.elapsed() < ATTEMPT);
    }
}

async fn other_answers_are_final(bench: Bench) {
    let api = app("api");
    for code in [400, 404, 409, 500, 502, 504] {
        let status = StatusCode::from_u16(code).unwrap();
        let before = bench.calls(&api);
        bench.apps.plant(&api, [answer(status, None)]);
        let answered = bench.call(&api, &repeatable()).await.expect("an answer");
        assert_eq!(answered.status, status);
        assert_eq!(bench.calls(&api), before + 1, "{status} was asked again");
    }
}

async fn the_deadline_bounds_all_attempts(bench: Bench) {
    let api = app("api");
    bench.apps.plant(&api, [PlantedInCall::AnswerLost; 2]);
    let deadline = ATTEMPT + ATTEMPT / 2;
    let context = CallContext {
        deadline,
        ..repeatable()
    };
    let started_at = Instant::now();
    let lost = bench.failed(&api, &context).await;
    assert_eq!(lost.kind, PortErrorKind::Timeout);
    let took = started_at.elapsed();
    // The timer counts in milliseconds and rounds up.
    assert!(took <= deadline + Duration::from_millis(2), "{took:?}");
    assert_eq!(bench.calls(&api), 2, "it did not use its time");
}

async fn a_doubtful_call_is_never_called_undelivered(bench: Bench) {
    let api = app("api");
    // What follows is certain, and so is the refusal of the breaker that opens; the first is not.
    let lost_then_refused = [PlantedInCall::AnswerLost]
        .into_iter()
        .chain(vec![PlantedInCall::Unavailable; 2_000]);
    bench.apps.plant(&api, lost_then_refused);
    let doubtful = bench.failed(&api, &repeatable()).await;
    assert_eq!(doubtful.kind, PortErrorKind::Timeout, "{doubtful}");
}

async fn an_open_breaker_answers_at_once(bench: Bench) {
    let api = app("api");
    bench.exhaust(&api).await;
    let started_at = Instant::now();
    let refused = bench.call(&api, &patient()).await;
    let calls = bench.calls(&api);
    assert_eq!(calls, FAILURES as usize, "the breaker never opens");
    let refused = refused.expect_err("refused");
    assert_eq!(refused.kind, PortErrorKind::Unavailable);
    let why = refused.source.to_string();
    assert!(why.contains("circuit breaker of api"), "{why}");
    assert_eq!(started_at.elapsed(), Duration::ZERO);
}

async fn a_breaker_is_one_partys_alone(bench: Bench) {
    bench.exhaust(&app("api")).await;
    let other = bench.call(&app("audit"), &patient()).await;
    assert_eq!(other.expect("an answer").status, StatusCode::OK);
}

async fn a_probe_closes_the_breaker_or_opens_it_again(bench: Bench) {
    let api = app("api");
    bench.exhaust(&api).await;
    advance(PAUSE).await;
    bench.apps.plant(&api, [PlantedInCall::Unavailable]);
    bench.failed(&api, &hasty()).await;
    let calls = bench.calls(&api);
    assert_eq!(
        calls,
        FAILURES as usize + 1,
        "the probe was not let through"
    );
    bench.failed(&api, &patient()).await;
    assert_eq!(bench.calls(&api), calls, "a failed probe does not open it");

    advance(PAUSE).await;
    for _ in 0..2 {
        let answered = bench.call(&api, &hasty()).await.expect("an answer");
        assert_eq!(answered.status, StatusCode::OK);
    }
}

async fn a_probe_that_is_dropped_gives_its_place_to_the_next(bench: Bench) {
    let api = app("api");
    bench.exhaust(&api).await;
    advance(PAUSE).await;
    bench.apps.plant(&api, [PlantedInCall::AnswerLost]);
    let context = patient();
    let mut probe = Box::pin(bench.call(&api, &context));
    assert!(probe.as_mut().now_or_never().is_none(), "it should wait");
    let second = bench.failed(&api, &context).await;
    assert_eq!(
        second.kind,
        PortErrorKind::Unavailable,
        "two probes at once"
    );
    drop(probe);
    let answered = bench.call(&api, &context).await.expect("an answer");
    assert_eq!(answered.status, StatusCode::OK);
}

/// An app that answers is there, whatever it says.
async fn answers_keep_the_breaker_closed(bench: Bench) {
    let api = app("api");
    for _ in 0..FAILURES {
        bench.apps.plant(&api, [PlantedInCall::Unavailable]);
        bench.failed(&api, &hasty()).await;
        let failure = answer(StatusCode::INTERNAL_SERVER_ERROR, None);
        bench.apps.plant(&api, [failure]);
        let answered = bench.call(&api, &hasty()).await.expect("an answer");
        assert_eq!(answered.status, StatusCode::INTERNAL_SERVER_ERROR);
    }
}
