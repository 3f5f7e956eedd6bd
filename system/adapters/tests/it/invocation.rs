use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::http::Method;
use gauntlet_adapters::dapr::DaprInvoker;
use gauntlet_ports::invocation::{CallContext, Callee, Target};
use gauntlet_ports::testsuite::invocation::{InvokerBench, invoker_suite};
use gauntlet_ports::{Invoker as _, PortErrorKind};
use libtest_mimic::Trial;

use crate::components::Components;
use crate::sidecars::{API, AUDIT, Doomed, Sidecars};
use crate::trials::trials;

/// A sidecar with the defect ends within some fifty of them.
const CALLS: u64 = 1000;
/// Around what an answer takes, one after the other, so that some callers go while theirs is passed on.
const PATIENCE: [Duration; 6] = [
    Duration::from_millis(1),
    Duration::from_millis(2),
    Duration::from_millis(3),
    Duration::from_millis(4),
    Duration::from_millis(6),
    Duration::from_millis(8),
];

pub(crate) fn trials(components: &Arc<Components>) -> Vec<Trial> {
    let mut all = trials!(components, Components::sidecars =>
        dapr_keeps_the_invoker_contract_by_app,
        dapr_keeps_the_invoker_contract_by_url,
        a_call_to_no_sidecar_is_certainly_not_delivered,
        a_sidecar_outlives_callers_that_go_away_within_an_answer,
    );
    all.extend(trials!(components, Components::doomed =>
        a_call_that_its_callee_died_of_may_have_been_delivered,
    ));
    all
}

fn bench(sidecars: &Sidecars, echo: Vec<Callee>, out_of_sight: Vec<Callee>) -> InvokerBench {
    InvokerBench {
        invoker: Arc::new(DaprInvoker::new(&sidecars.api).unwrap()),
        echo,
        nobody: Vec::new(),
        out_of_sight,
    }
}

/// By way of another sidecar, and by way of its own alone.
async fn dapr_keeps_the_invoker_contract_by_app(sidecars: Sidecars) {
    let app = |name: &str| Callee::App(name.to_owned());
    let echo = vec![app(AUDIT), app(API)];
    invoker_suite(&bench(&sidecars, echo, vec![app("nobody")])).await;
}

async fn dapr_keeps_the_invoker_contract_by_url(sidecars: Sidecars) {
    let echo = vec![Callee::Url(sidecars.echo.clone())];
    let nobody = vec![Callee::Url(sidecars.nobody.clone())];
    invoker_suite(&bench(&sidecars, echo, nobody)).await;
}

async fn a_call_to_no_sidecar_is_certainly_not_delivered(sidecars: Sidecars) {
    invoker_suite(&InvokerBench {
        invoker: Arc::new(DaprInvoker::new(&sidecars.nobody).unwrap()),
        echo: Vec::new(),
        nobody: vec![
            Callee::App(API.to_owned()),
            Callee::Url(sidecars.echo.clone()),
        ],
        out_of_sight: Vec::new(),
    })
    .await;
}

/// The sidecar tries again, as its policy says, and tells of the last attempt: that nobody listens.
async fn a_call_that_its_callee_died_of_may_have_been_delivered(doomed: Doomed) {
    let invoker = DaprInvoker::new(&doomed.sidecar).unwrap();
    let target = Target::app(API, Method::POST, "next").unwrap();
    let context = CallContext::within(Duration::from_secs(30));
    let called = invoker.invoke(&target, Bytes::from("{}"), &context).await;
    let error = called.unwrap_err();
    let told = error.source.to_string();
    assert_eq!(doomed.deliveries(), 1);
    assert!(told.contains("connection refused"), "{told}");
    assert_eq!(error.kind, PortErrorKind::Timeout, "{told}");
}

/// The policies have no time limit for calls to an app. With one, 1.16.5 lets an answer be passed on after its
/// caller has gone, and ends of it (decision 0022).
async fn a_sidecar_outlives_callers_that_go_away_within_an_answer(sidecars: Sidecars) {
    // The app says it back. Less than 512 bytes never go the way that is looked at.
    let long = "x".repeat(2000);
    let url = format!("{}/v1.0/invoke/{API}/method/long?{long}", sidecars.api);
    let client = reqwest::Client::new();
    for (call, patience) in (0..CALLS).zip(PATIENCE.into_iter().cycle()) {
        // In time or not: both are right.
        drop(tokio::time::timeout(patience, client.get(&url).send()).await);
        // One that stays after each, so that no circuit breaker opens.
        let answer = client.get(&url).send().await;
        let status = answer.map(|answer| answer.status().as_u16());
        assert!(matches!(status, Ok(200)), "call {call}: {status:?}");
    }
}
