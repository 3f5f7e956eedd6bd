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

pub(crate) fn trials(components: &Arc<Components>) -> Vec<Trial> {
    let mut all = trials!(components, Components::sidecars =>
        dapr_keeps_the_invoker_contract_by_app,
        dapr_keeps_the_invoker_contract_by_url,
        a_call_to_no_sidecar_is_certainly_not_delivered,
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
