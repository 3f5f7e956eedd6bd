use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::time::{Instant, timeout};

use crate::error::PortErrorKind;
use crate::invocation::{Answer, CallContext, Callee, Invoker, Target};
use crate::secrets::Secret;

/// More than any answer takes; of a silent app it is the wait.
const DEADLINE: Duration = Duration::from_secs(10);
const IMPATIENT: Duration = Duration::from_millis(400);
/// How late a caller may notice that its deadline is over on a busy machine.
const LATENESS: Duration = Duration::from_secs(5);
const TRACE_ID: &str = "0af7651916cd43dd8448eb211c80319c";

/// What the suite needs of a backend.
pub struct InvokerBench {
    pub invoker: Arc<dyn Invoker>,
    /// Every way to name the one [`echo`](super::echo) app that runs.
    pub echo: Vec<Callee>,
    /// Ways to name what does not run, or is not known at all.
    pub nobody: Vec<Callee>,
    /// Such ways where a go-between answers, which tries more than once and tells of the last time.
    pub out_of_sight: Vec<Callee>,
}

impl std::fmt::Debug for InvokerBench {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("InvokerBench")
            .field("echo", &self.echo)
            .field("nobody", &self.nobody)
            .field("out_of_sight", &self.out_of_sight)
            .finish_non_exhaustive()
    }
}

/// Runs every case of the contract. Panics at the first promise that is broken.
pub async fn invoker_suite(bench: &InvokerBench) {
    for callee in &bench.echo {
        what_is_sent_arrives(bench, callee).await;
        what_is_not_given_is_not_sent(bench, callee).await;
        every_status_is_an_answer(bench, callee).await;
        an_app_that_wants_to_be_left_alone_says_for_how_long(bench, callee).await;
        silence_is_a_timeout_at_the_deadline(bench, callee).await;
    }
    for callee in &bench.nobody {
        a_call_to_nobody_is_certainly_not_delivered(bench, callee).await;
    }
    for callee in &bench.out_of_sight {
        what_a_go_between_cannot_know_is_a_timeout(bench, callee).await;
    }
}

fn target(callee: &Callee, method: Method, path: &str) -> Target {
    let target = match callee {
        Callee::App(app) => Target::app(app, method, path),
        Callee::Url(url) => Target::url(url, method, path),
    };
    target.expect("a target")
}

async fn answer(
    bench: &InvokerBench,
    target: &Target,
    body: &Bytes,
    context: &CallContext,
) -> Answer {
    let answer = bench.invoker.invoke(target, body.clone(), context).await;
    answer.expect("an answer")
}

fn told(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.body).expect("what the app was told")
}

async fn what_is_sent_arrives(bench: &InvokerBench, callee: &Callee) {
    let context = CallContext {
        deadline: DEADLINE,
        idempotency_key: Some("series-7".to_owned()),
        traceparent: Some(format!("00-{TRACE_ID}-b7ad6b7169203331-01")),
        bearer: Secret::new("a.token"),
    };
    let body = Bytes::from("{\"name\": \"Gr\u{fc}\u{df}e\"}");
    let methods = [Method::POST, Method::PUT, Method::PATCH, Method::DELETE];
    for method in methods {
        let path = "internal/tasks/1%2F2/next?at=2030-01-01T00:00:00Z&x=a%20b";
        let target = target(callee, method.clone(), path);
        let answer = answer(bench, &target, &body, &context).await;
        assert_eq!(answer.status, StatusCode::OK);
        let told = told(&answer);
        assert_eq!(told["method"], method.as_str());
        assert_eq!(told["path"], path);
        assert_eq!(told["idempotencyKey"], "series-7");
        assert_eq!(told["authorization"], "Bearer a.token");
        assert_eq!(told["contentType"], "application/json");
        assert_eq!(told["body"], json!(body.to_vec()));
        // A sidecar puts a span of its own in between, and keeps the trace.
        let traceparent = told["traceparent"].as_str().unwrap_or_default();
        assert_eq!(traceparent.split('-').nth(1), Some(TRACE_ID));
    }
}

async fn what_is_not_given_is_not_sent(bench: &InvokerBench, callee: &Callee) {
    let target = target(callee, Method::GET, "plain");
    let context = CallContext::within(DEADLINE);
    let told = told(&answer(bench, &target, &Bytes::new(), &context).await);
    assert_eq!(told["method"], "GET");
    assert_eq!(told["path"], "plain");
    for absent in ["idempotencyKey", "authorization", "contentType"] {
        assert_eq!(told[absent], Value::Null, "{absent}");
    }
    assert_eq!(told["body"], json!([]));
}

async fn every_status_is_an_answer(bench: &InvokerBench, callee: &Callee) {
    let context = CallContext::within(DEADLINE);
    for code in [
        200_u16, 201, 204, 302, 400, 401, 404, 409, 412, 429, 500, 502, 503, 504,
    ] {
        let target = target(callee, Method::POST, &format!("status/{code}"));
        let body = Bytes::from("{}");
        let outcome = bench.invoker.invoke(&target, body, &context).await;
        match outcome {
            Ok(answer) => assert_eq!(answer.status.as_u16(), code),
            Err(error) => panic!("{code} should be an answer: {error}"),
        }
    }
}

async fn an_app_that_wants_to_be_left_alone_says_for_how_long(
    bench: &InvokerBench,
    callee: &Callee,
) {
    let context = CallContext::within(DEADLINE);
    for (path, wait) in [
        ("status/503", Some(Duration::from_secs(7))),
        ("plain", None),
    ] {
        let target = target(callee, Method::GET, path);
        let answer = answer(bench, &target, &Bytes::new(), &context).await;
        assert_eq!(answer.retry_after, wait, "{path}");
    }
}

async fn silence_is_a_timeout_at_the_deadline(bench: &InvokerBench, callee: &Callee) {
    let target = target(callee, Method::POST, "silence");
    let context = CallContext::within(IMPATIENT);
    let started_at = Instant::now();
    let call = bench.invoker.invoke(&target, Bytes::new(), &context);
    let ended = timeout(IMPATIENT + LATENESS, call).await;
    let outcome = ended.expect("the call outlives its deadline");
    let error = outcome.expect_err("an answer of a silent app");
    // It was delivered, so that nothing else would be true.
    assert_eq!(error.kind, PortErrorKind::Timeout, "{error}");
    assert!(started_at.elapsed() >= IMPATIENT, "it did not wait");
}

async fn a_call_to_nobody_is_certainly_not_delivered(bench: &InvokerBench, callee: &Callee) {
    let target = target(callee, Method::POST, "anything");
    let context = CallContext::within(DEADLINE);
    let body = Bytes::from("{}");
    let outcome = bench.invoker.invoke(&target, body, &context).await;
    let error = outcome.expect_err("an answer of nobody");
    let is_certain = matches!(
        error.kind,
        PortErrorKind::Unavailable | PortErrorKind::Invalid
    );
    assert!(is_certain, "{error}: {}", error.source);
}

async fn what_a_go_between_cannot_know_is_a_timeout(bench: &InvokerBench, callee: &Callee) {
    let target = target(callee, Method::POST, "anything");
    let context = CallContext::within(DEADLINE);
    let body = Bytes::from("{}");
    let outcome = bench.invoker.invoke(&target, body, &context).await;
    let error = outcome.expect_err("an answer of nobody");
    assert_eq!(
        error.kind,
        PortErrorKind::Timeout,
        "said to be certain: {error}: {}",
        error.source
    );
}
